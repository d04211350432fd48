"""Photoacoustic frames of a tissue: light, initial pressure, sound to the array, image.

In 2D the absorbers are averaged over elevation with the one-way beam of the array's lens: the
source is the mean initial pressure (Pa) over the slice that the probe hears, and sound spreads in
the image plane only. In 3D the source is not averaged; the element's height and its lens weigh the
sound that reaches the face.
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from benchmark.errors import UserError
from simulate.photoacoustic import beamform, kwave, propagator, receiver
from simulate.photoacoustic.acoustics import AcousticGrid
from simulate.photoacoustic.band import receive_band
from simulate.photoacoustic.displaced import DisplacedTissue
from simulate.photoacoustic.grid import image_probe, plan_grid
from simulate.photoacoustic.settings import PhotoacousticSettings
from simulate.photoacoustic.source import initial_pressure, medium_on_grid
from simulate.probe.transducer import Probe
from simulate.tissue.answers import Absorber, Acoustics, Displacement

Array = NDArray[np.floating]


def element_signals(
    pressure: NDArray[np.float32],
    probe: Probe,
    settings: PhotoacousticSettings,
    grid: AcousticGrid,
    medium: Acoustics | float,
) -> NDArray[np.float32]:
    """Return the signal of each element (elements, steps) Pa from an initial pressure, unfiltered.

    medium : sound speed in m/s (homogeneous), or `Acoustics` with fields of grid.shape (k-Wave).
    """
    weights, delays = None, None
    if len(grid.shape) == 3:
        weights, delays = receiver.elevation_weights(probe, grid.axes_mm[2])
    if settings.engine == "kwave":
        rows = kwave.sensor_rows(
            pressure, grid, medium, elevation_weights=weights, backend=settings.kwave_backend,
            device=settings.kwave_device, fast_fft=settings.kwave_fast_fft,
        )  # fmt: skip
    else:
        rows = propagator.sensor_rows(
            pressure, grid.spacing_mm, float(np.max(np.asarray(medium))), grid.time_step_s,
            grid.steps, sensor_row=grid.sensor_row, elevation_weights=weights,
        )  # fmt: skip
    if delays is not None:
        rows = receiver.through_lens(rows, delays, grid.time_step_s)
    # Sparse: fast, and unlike a BLAS it sums in the same order with any number of threads.
    matrix = csr_array(receiver.element_weights(probe, grid.axes_mm[1]).astype(np.float32))
    return matrix @ rows.astype(np.float32, copy=False)


def form_image(
    signals: NDArray[np.float32],
    probe: Probe,
    settings: PhotoacousticSettings,
    grid: AcousticGrid,
    *,
    noise_pa: float = 0.0,
    random: np.random.Generator | None = None,
) -> NDArray[np.float32]:
    """Return the envelope image (H, W) of element signals: band, beamformer, envelope, skin.

    `noise_pa` is the rms noise of an element within its band, drawn from `random`.
    """
    band = receive_band(probe, settings)
    speed = probe.sound_speed_m_s
    noise = None
    if noise_pa > 0:
        random = random or np.random.default_rng(0)
        noise = receiver.white_noise(signals.shape, grid.time_step_s, band, noise_pa, random)
    analytic, time_step = receiver.analytic_signals(
        signals, grid.time_step_s, band, grid.spacing_mm, speed, noise=noise
    )
    image = image_probe(probe, settings)
    elements = receiver.element_positions_mm(probe)
    columns = (np.arange(image.width_px) - 0.5 * (image.width_px - 1)) * image.pixel_mm[0]
    rows = image.row_depths_mm
    if settings.reconstruction == "line":
        pixels = beamform.line_reconstruction(
            analytic, time_step, probe.pitch_mm, elements, columns, rows, speed
        )
    else:
        pixels = beamform.delay_and_sum(
            analytic, time_step, elements, columns, rows, speed, f_number=settings.f_number,
            apodisation=settings.apodisation, coherence_factor=settings.coherence_factor,
        )  # fmt: skip
    return beamform.reject_skin(
        beamform.envelope(pixels), rows,
        search_mm=settings.skin_search_mm, below_mm=settings.skin_reject_mm,
    )  # fmt: skip


def render_photoacoustic(
    tissue: Absorber,
    probe: Probe,
    settings: PhotoacousticSettings,
    world_from_image: Array,
    wavelength_nm: Array,
    *,
    seed: int,
    displacement: Displacement | None = None,
    times_s: Array | None = None,
    progress: Callable[[int], None] | None = None,
) -> NDArray[np.float32]:
    """Return photoacoustic frames (N, H, W), float32 linear envelopes in Pa.

    Parameters
    ----------
    world_from_image : (N, 4, 4), or (N, K, 4, 4) to average K laser pulses per frame, each at its
        own pose: motion blurs the average, and noise falls by sqrt(K).
    wavelength_nm : (N,), each of the haemoglobin table.
    seed : of the receiver noise; frame n draws from (seed, n) whatever else is rendered.
    displacement : of the tissue; by default it is at rest.
    times_s : (N,) or (N, K) s, of the poses; a displacement needs them.
    progress : called with the number of frames done.

    Raises
    ------
    UserError : poses, wavelengths or times that do not fit together; a grid that cannot work (see
        `plan_grid`).
    """
    poses = np.asarray(world_from_image, np.float64)
    poses = poses[:, None] if poses.ndim == 3 else poses
    wavelengths = np.asarray(wavelength_nm, np.float64)
    if poses.ndim != 4 or poses.shape[2:] != (4, 4) or wavelengths.shape != poses.shape[:1]:
        raise UserError(
            "render_photoacoustic: expected poses (N, 4, 4) or (N, K, 4, 4) and (N,) wavelengths, "
            f"got {np.shape(world_from_image)} and {wavelengths.shape}"
        )
    if displacement is not None and times_s is None:
        raise UserError("render_photoacoustic: expected times_s with a displacement, got None")
    times = np.zeros(poses.shape[:2]) if times_s is None else np.reshape(times_s, poses.shape[:2])
    image = image_probe(probe, settings)
    frames = np.zeros((len(poses), image.height_px, image.width_px), np.float32)
    for index, wavelength in enumerate(wavelengths):
        random = np.random.default_rng([seed, index])
        seen = [
            (tissue if displacement is None else DisplacedTissue(tissue, displacement, time, pose))
            for time, pose in zip(times[index].tolist(), poses[index], strict=True)
        ]
        frames[index] = _frame(seen, probe, settings, poses[index], float(wavelength), random)
        if progress is not None:
            progress(index + 1)
    return frames


def _frame(
    tissues: Sequence[Absorber],
    probe: Probe,
    settings: PhotoacousticSettings,
    pulses: Array,
    wavelength_nm: float,
    random: np.random.Generator,
) -> NDArray[np.float32]:
    """Return one frame (H, W) of pulses (K, 4, 4), each with the tissue as it lies at its time."""
    grid, middle = plan_grid(probe, settings), len(pulses) // 2
    medium: Acoustics | float = probe.sound_speed_m_s
    if settings.medium == "heterogeneous":
        grid, medium = _heterogeneous_grid(tissues[middle], probe, settings, grid, pulses[middle])
    # Sound is linear: the mean of the sources over pulses gives the mean of the signals.
    heard = [
        initial_pressure(tissue, probe, settings, grid, pose, wavelength_nm)
        for tissue, pose in zip(tissues, pulses, strict=True)
    ]
    pressure = np.mean(heard, axis=0)
    signals = element_signals(pressure, probe, settings, grid, medium)
    noise = settings.noise_pa / np.sqrt(len(pulses))
    return form_image(signals, probe, settings, grid, noise_pa=noise, random=random)


def _heterogeneous_grid(
    tissue: Absorber,
    probe: Probe,
    settings: PhotoacousticSettings,
    grid: AcousticGrid,
    pose: Array,
) -> tuple[AcousticGrid, Acoustics]:
    """Return a grid planned for the slowest and fastest tissue at its own nodes, and its medium.

    A finer grid may have nodes in thin tissue that a coarser one missed, so the grid is planned
    again until the range of its speeds no longer grows.
    """
    slowest = fastest = probe.sound_speed_m_s
    while True:
        medium = medium_on_grid(tissue, grid, pose)
        lowest, highest = medium.sound_speed_m_s.min(), medium.sound_speed_m_s.max()
        if slowest <= lowest and highest <= fastest:
            return grid, medium
        slowest, fastest = min(slowest, float(lowest)), max(fastest, float(highest))
        grid = plan_grid(probe, settings, slowest_m_s=slowest, fastest_m_s=fastest)
