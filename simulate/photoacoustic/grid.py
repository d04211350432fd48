"""The grids that photoacoustic settings and a probe ask for: of pixels, and of the computation."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from benchmark.errors import UserError
from simulate.photoacoustic import acoustics
from simulate.photoacoustic.acoustics import AcousticGrid
from simulate.photoacoustic.band import ReceiveBand, receive_band
from simulate.photoacoustic.settings import PhotoacousticSettings
from simulate.probe.transducer import Probe

Array = NDArray[np.floating]

# Just below k-Wave's stability limits. The propagator has none, but is sampled in the same way so
# that frames of both engines differ by the engines alone.
_CFL = {2: 0.44, 3: 0.36}
SIDE_CELLS = 12  # nodes beyond image and array, over which the source falls to zero
MOST_NODES, MOST_STEPS = 1 << 16, 1 << 22  # of an axis, in time: far beyond any memory
FRONT_CELLS = 8  # nodes above the probe face: room for the source's Gaussian


def image_probe(probe: Probe, settings: PhotoacousticSettings) -> Probe:
    """Return the probe with the pixel grid of its photoacoustic image."""
    return replace(
        probe,
        width_px=settings.width_px or probe.width_px,
        height_px=settings.height_px or probe.height_px,
    )


def photoacoustic_mm_from_pixel(probe: Probe, settings: PhotoacousticSettings) -> Array:
    """Return (4, 4): (column, row, 0, 1) of a photoacoustic image to image mm."""
    return image_probe(probe, settings).mm_from_pixel


def plan_grid(
    probe: Probe,
    settings: PhotoacousticSettings,
    *,
    slowest_m_s: float | None = None,
    fastest_m_s: float | None = None,
) -> AcousticGrid:
    """Return the smallest grid that carries the band and holds array, image and travel time.

    Parameters
    ----------
    slowest_m_s, fastest_m_s : sound speeds in a heterogeneous medium; None: the probe's speed.

    Raises
    ------
    UserError : the settings ask for a grid that is too coarse, too small, unstable or too short.
    """
    slowest = slowest_m_s or probe.sound_speed_m_s
    fastest = fastest_m_s or probe.sound_speed_m_s
    band = receive_band(probe, settings)
    spacing = settings.spacing_mm
    if spacing is None:
        spacing = 1e3 * slowest / (settings.cells_per_wavelength * band.high_hz)
    name = f"probe '{probe.name}', band {band.low_hz / 1e6:.3g} to {band.high_hz / 1e6:.3g} MHz"
    acoustics.check_band(name, spacing, band.high_hz, slowest)
    half = 0.5 * max(probe.width_mm, probe.elements * probe.pitch_mm)
    side = SIDE_CELLS * spacing
    shape, first = _extent(probe, settings, band, spacing, half + side)
    cfl = settings.cfl or _CFL[settings.dimensions]
    time_step = cfl * spacing * 1e-3 / fastest
    pulse = 3 / (2 * np.pi * band.sigma_hz)
    needed = 1e-3 * _longest_path_mm(probe, settings) / slowest + pulse
    if not needed / time_step <= MOST_STEPS:
        raise UserError(
            f"photoacoustic: expected at most {MOST_STEPS} time steps, got {needed / time_step:.4g}"
        )
    steps = settings.steps or int(np.ceil(needed / time_step)) + 1
    grid = AcousticGrid(spacing, shape, first, FRONT_CELLS, time_step, steps)
    lower, upper = (0.0, -half), (probe.depth_mm, half)
    acoustics.check_inside(
        replace(grid, shape=shape[:2], first_mm=first[:2]), "array and image", lower, upper
    )
    acoustics.check_duration(grid, needed)
    if settings.engine == "kwave":
        acoustics.check_time_step(grid, fastest)
    else:
        acoustics.check_sampling(grid, band.high_hz, fastest)
    return grid


def _extent(
    probe: Probe,
    settings: PhotoacousticSettings,
    band: ReceiveBand,
    spacing: float,
    half_width: float,
) -> tuple[tuple[int, ...], tuple[float, ...]]:
    """Return node counts (even) and first coordinates, axial, lateral and in 3D elevation."""
    width = settings.grid_width_mm or 2 * half_width
    depth = settings.grid_depth_mm or probe.depth_mm + SIDE_CELLS * spacing
    axial = acoustics.friendly_size(_nodes("depth", depth, spacing) + FRONT_CELLS)
    lateral = acoustics.friendly_size(_nodes("width", width, spacing))
    shape: tuple[int, ...] = (axial, lateral)
    if settings.grid_depth_mm or settings.grid_width_mm:  # an extent asked for is kept exactly
        shape = (int(depth / spacing) + 1 + FRONT_CELLS, int(width / spacing) + 1)
        shape = tuple(n + n % 2 for n in shape)
    first: tuple[float, ...] = (-FRONT_CELLS * spacing, -0.5 * (shape[1] - 1) * spacing)
    if settings.dimensions == 3:
        rows = np.linspace(max(probe.start_depth_mm, 1.0), probe.depth_mm, 16)
        sigma = probe.sigma_elevation_oneway_mm(rows, band.centre_hz, band.sigma_hz)
        beam = 2.5 * float(np.max(sigma))
        reach = max(beam, 0.5 * probe.element_height_mm) + SIDE_CELLS * spacing
        nodes = acoustics.friendly_size(_nodes("elevation", 2 * reach, spacing))
        shape, first = (*shape, nodes), (*first, -0.5 * (nodes - 1) * spacing)
    return shape, first


def _nodes(axis: str, length: float, spacing: float) -> int:
    """Return how many nodes cover a length; both in mm."""
    count = length / spacing
    if not count <= MOST_NODES:
        raise UserError(
            f"photoacoustic: grid of {length:.4g} mm in {axis} at {spacing:.4g} mm: expected at "
            f"most {MOST_NODES} nodes, got {count:.4g}"
        )
    return int(np.ceil(count)) + 1


def _longest_path_mm(probe: Probe, settings: PhotoacousticSettings) -> float:
    """Return the longest distance from a pixel to an element of its aperture."""
    across = 0.5 * (probe.width_mm + probe.elements * probe.pitch_mm)
    if settings.reconstruction == "delay-and-sum":
        across = min(across, 0.5 * probe.depth_mm / settings.f_number)
    return float(np.hypot(probe.depth_mm, across))
