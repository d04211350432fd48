"""From the pressure on the probe's face to element signals: element area, lens, band, noise."""

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from benchmark.errors import UserError
from simulate.photoacoustic.acoustics import SOURCE_SIGMA_CELLS
from simulate.photoacoustic.band import ReceiveBand
from simulate.probe.transducer import Probe

Array = NDArray[np.floating]


def element_positions_mm(probe: Probe) -> Array:
    """Return the lateral centre of each element (elements,), mm; linear arrays only."""
    if probe.geometry != "linear":
        raise UserError(
            f"probe '{probe.name}': photoacoustics needs geometry 'linear', got '{probe.geometry}'"
        )
    return (np.arange(probe.elements) - (probe.elements - 1) / 2) * probe.pitch_mm


def element_weights(probe: Probe, lateral_mm: Array) -> Array:
    """Return (elements, nodes): the mean over each element's width of the interpolated row.

    Interpolation is a Kaiser-windowed sinc of 16 nodes: below 1e-3 error at three nodes per
    wavelength, where linear interpolation would shift and damp the signal.
    """
    spacing = lateral_mm[1] - lateral_mm[0]
    nodes, weights = np.polynomial.legendre.leggauss(6)
    points = element_positions_mm(probe)[:, None] + 0.5 * probe.pitch_mm * nodes
    offset = (points[:, :, None] - lateral_mm) / spacing
    window = np.i0(7.0 * np.sqrt(np.clip(1 - (offset / 8) ** 2, 0, None))) / np.i0(7.0)
    kernel = np.where(np.abs(offset) < 8, np.sinc(offset) * window, 0.0)
    kernel /= kernel.sum(axis=2, keepdims=True)
    return np.einsum("eqn,q->en", kernel, weights / 2)


def elevation_weights(probe: Probe, elevation_mm: Array) -> tuple[Array, Array]:
    """Return the element height as weighted sums over elevation, and the lens delay of each sum.

    Returns
    -------
    weights : (R, elevation); row r weighs the nodes at +-z_r; all rows together sum to 1.
    delays_s : (R,) by which the lens delays each row, so that sound from its focus is in phase.
    """
    spacing = elevation_mm[1] - elevation_mm[0]
    half = 0.5 * probe.element_height_mm
    covered = np.clip((half - np.abs(elevation_mm)) / spacing + 0.5, 0, 1)  # share of each cell
    covered /= covered.sum()
    distances = np.unique(np.round(np.abs(elevation_mm[covered > 0]), 6))
    same = np.abs(np.abs(elevation_mm) - distances[:, None]) < 1e-4
    path_mm = np.hypot(distances, probe.elevation_focus_mm)
    delays = (path_mm.max() - path_mm) * 1e-3 / probe.sound_speed_m_s
    # The lens is neutral on average, so that the face stays at y = 0.
    delays -= (same * covered).sum(axis=1) @ delays
    return same * covered, delays


def through_lens(rows: NDArray, delays_s: Array, time_step_s: float) -> NDArray:
    """Return the sum (lateral, steps) of rows (R, lateral, steps), each delayed by its own time."""
    steps = rows.shape[-1]
    padded = scipy.fft.next_fast_len(2 * steps, real=True)
    angular = 2 * np.pi * np.fft.rfftfreq(padded, time_step_s)
    total = np.zeros((rows.shape[1], len(angular)), np.complex128)
    for row, delay in zip(rows, delays_s, strict=True):
        total += scipy.fft.rfft(row, padded, axis=-1) * np.exp(-1j * angular * delay)
    return scipy.fft.irfft(total, padded, axis=-1)[:, :steps].astype(rows.dtype)


def analytic_signals(
    signals: NDArray,
    time_step_s: float,
    band: ReceiveBand,
    spacing_mm: float,
    sound_speed: float,
    *,
    noise: NDArray | None = None,
) -> tuple[NDArray[np.complex64], float]:
    """Return band-passed analytic element signals (elements, samples) and their time step, s.

    The Gaussian that band-limits the source (sigma s) is, in a homogeneous medium, the factor
    exp(-(2 pi f s / c)^2 / 2) on every signal; it is divided out here, so that an image does not
    depend on the grid it was computed on. Above the finest frequency that the grid carries the
    response falls to zero. The sampling rate is raised until the centre frequency has 16 samples a
    period, enough for linear interpolation (2 %). `noise` (elements, steps) passes the band only.
    """
    elements, steps = signals.shape
    padded = scipy.fft.next_fast_len(steps + steps // 4, real=True)
    frequency = np.fft.rfftfreq(padded, time_step_s)
    finest = 1e3 * sound_speed / (2 * spacing_mm)
    angle = 2 * np.pi * frequency * SOURCE_SIGMA_CELLS * spacing_mm * 1e-3 / sound_speed
    edge = np.clip((frequency / finest - 0.7) / 0.3, 0, 1)
    electric = band.response(frequency)
    response = electric * np.exp(0.5 * np.minimum(angle, 5.0) ** 2)
    response *= np.cos(0.5 * np.pi * edge) ** 2
    fade = min(steps // 20 + 1, 32)
    tapered = np.array(signals, np.float32)
    tapered[:, steps - fade :] *= np.cos(0.5 * np.pi * np.arange(1, fade + 1) / fade) ** 2
    # A source that touches the face is heard from the first sample on. Halving that sample is the
    # trapezoid rule; its error is of fourth order because pressure starts at rest.
    tapered[:, 0] *= 0.5
    spectrum = scipy.fft.rfft(tapered, padded, axis=1) * response.astype(np.float32)
    if noise is not None:
        spectrum += scipy.fft.rfft(noise, padded, axis=1) * electric.astype(np.float32)
    finer = max(1, int(np.ceil(16 * band.centre_hz * time_step_s)))
    full = np.zeros((elements, padded * finer), np.complex64)
    full[:, : spectrum.shape[1]] = 2 * finer * spectrum
    analytic = scipy.fft.ifft(full, axis=1, overwrite_x=True)
    return np.ascontiguousarray(analytic[:, : steps * finer]), time_step_s / finer


def white_noise(
    shape: tuple[int, ...],
    time_step_s: float,
    band: ReceiveBand,
    rms_pa: float,
    random: np.random.Generator,
) -> NDArray[np.float32]:
    """Return white noise (elements, steps) whose part within the band has the given rms, Pa."""
    frequency = np.fft.rfftfreq(8192, time_step_s)
    kept = np.sqrt(np.mean(band.response(frequency) ** 2))
    return np.float32(rms_pa / kept) * random.standard_normal(shape, dtype=np.float32)
