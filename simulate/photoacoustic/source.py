"""The initial pressure of the tissue's absorbers under the laser, and its medium, on the grid."""

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from simulate.photoacoustic import optics
from simulate.photoacoustic.acoustics import SOURCE_SIGMA_CELLS, AcousticGrid
from simulate.photoacoustic.band import receive_band
from simulate.photoacoustic.grid import SIDE_CELLS
from simulate.photoacoustic.settings import PhotoacousticSettings
from simulate.probe.transducer import Probe
from simulate.tissue.answers import Absorber, Acoustics

Array = NDArray[np.floating]


def initial_pressure(
    tissue: Absorber,
    probe: Probe,
    settings: PhotoacousticSettings,
    grid: AcousticGrid,
    world_from_image: Array,
    wavelength_nm: float,
) -> NDArray[np.float32]:
    """Return the band-limited initial pressure on the grid, Pa, shape grid.shape.

    `world_from_image` (4, 4). Each elevational plane is sampled at its own offset within the cell
    (a Kronecker lattice), so that the mean over the beam also smooths the edges of absorbers.
    """
    axial, lateral = grid.axes_mm[0][:, None], grid.axes_mm[1]
    field = np.zeros(grid.shape)
    planes = _planes(probe, settings, grid)
    for index, (elevation, weight) in enumerate(planes):
        shift = (np.array([0.7548776662, 0.5698402910]) * (index + 0.5)) % 1 - 0.5
        points = np.empty((*grid.shape[:2], 3))
        points[..., 0] = lateral + shift[0] * grid.spacing_mm
        points[..., 1] = axial + shift[1] * grid.spacing_mm
        points[..., 2] = elevation
        pressure = _point_pressure(
            tissue, settings, points.reshape(-1, 3), world_from_image, wavelength_nm
        )
        pressure = pressure.reshape(grid.shape[:2]) * _edge_window(grid)
        if len(grid.shape) == 2:
            field += weight * pressure
        else:
            field[..., index] = weight * pressure
    smooth = gaussian_filter(field, SOURCE_SIGMA_CELLS, mode="constant", truncate=5.0)
    return smooth.astype(np.float32)


def _planes(
    probe: Probe, settings: PhotoacousticSettings, grid: AcousticGrid
) -> list[tuple[Array | float, Array | float]]:
    """Return (elevation mm, weight) of each sampled plane; in 2D both are columns over depth."""
    if len(grid.shape) == 3:
        nodes = grid.axes_mm[2]
        fall = np.clip((nodes[-1] - np.abs(nodes)) / (SIDE_CELLS * grid.spacing_mm), 0, 1)
        return list(zip(nodes, np.sin(0.5 * np.pi * fall) ** 2, strict=True))
    count = settings.elevation_samples
    # As wide as a point's image is: its sound is higher than the middle of the band.
    heard = receive_band(probe, settings).of_a_point()
    depth = np.clip(grid.axes_mm[0], 0.0, None)[:, None]
    sigma = probe.sigma_elevation_oneway_mm(depth, *heard)
    offset = 2.5 * ((np.arange(count) + 0.5) / count * 2 - 1)
    weight = np.exp(-0.5 * offset**2)
    weight /= weight.sum()
    return [(u * sigma, float(w)) for u, w in zip(offset, weight, strict=True)]


def _edge_window(grid: AcousticGrid) -> Array:
    """Return a window (axial, lateral): 0 above the face, fading out at sides and bottom."""
    cells = [np.arange(n) for n in grid.shape[:2]]
    tissue = (cells[0] >= grid.sensor_row).astype(float)  # above the face there is the probe
    below = tissue * np.clip((grid.shape[0] - 3 - cells[0]) / (SIDE_CELLS - 3), 0, 1)
    aside = np.minimum(cells[1], grid.shape[1] - 1 - cells[1]) - 2
    beside = np.clip(aside / (SIDE_CELLS - 3), 0, 1)
    return np.outer(np.sin(0.5 * np.pi * below) ** 2, np.sin(0.5 * np.pi * beside) ** 2)


def _point_pressure(
    tissue: Absorber,
    settings: PhotoacousticSettings,
    image_mm: Array,
    world_from_image: Array,
    wavelength_nm: float,
) -> Array:
    """Return Gamma mu_a Phi (M,) Pa at points of the image frame."""
    light = settings.illumination
    world = image_mm @ world_from_image[:3, :3].T + world_from_image[:3, 3]
    depth = np.asarray(tissue.depth_below_skin_mm(world), np.float64)
    absorption = optics.absorption_per_cm(tissue.chromophores(world), wavelength_nm)
    absorption = absorption + light.background_absorption_per_cm * (depth >= 0)
    fluence = optics.fluence_mj_cm2(light, wavelength_nm, image_mm, depth)
    return optics.pressure_pa(light.grueneisen, absorption, fluence)


def medium_on_grid(tissue: Absorber, grid: AcousticGrid, world_from_image: Array) -> Acoustics:
    """Return the acoustic properties at the grid's nodes, fields of grid.shape."""
    nodes = np.meshgrid(*grid.axes_mm, indexing="ij")
    elevation = nodes[2] if len(nodes) == 3 else np.zeros_like(nodes[0])
    points = np.stack([nodes[1], nodes[0], elevation], axis=-1).reshape(-1, 3)
    world = points @ world_from_image[:3, :3].T + world_from_image[:3, 3]
    found = tissue.acoustics(world)
    return Acoustics(*(np.asarray(values, np.float64).reshape(grid.shape) for values in found))
