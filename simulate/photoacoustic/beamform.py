"""From photoacoustic element signals to an image: beamformers, envelope, skin, display."""

from typing import Any, Literal

import numba
import numpy as np
import scipy.fft
import scipy.ndimage
from numpy.typing import NDArray

from benchmark.errors import UserError
from benchmark.machine.kernels import compiled

Array = NDArray[np.floating]
APODISATIONS = ("boxcar", "hann")


def delay_and_sum(
    analytic: NDArray[np.complex64],
    time_step_s: float,
    element_mm: Array,
    lateral_mm: Array,
    depth_mm: Array,
    sound_speed_m_s: float,
    *,
    f_number: float = 1.0,
    apodisation: Literal["boxcar", "hann"] = "hann",
    coherence_factor: bool = False,
) -> NDArray[np.complex64]:
    """Return the delay-and-sum image of sound that travelled one way.

    Parameters
    ----------
    analytic : (elements, samples) analytic signals, the first at time 0.
    element_mm : (elements,) lateral positions on the face y = 0.
    lateral_mm, depth_mm : pixel columns (W,) and rows (H,) in the image-mm frame.
    f_number : a pixel at depth y listens to elements within y / (2 f_number) of it; the nearest
        element always counts.
    apodisation : window over that aperture; the image is its weighted mean, so a pixel keeps the
        pressure of its elements whatever their number.
    coherence_factor : weights each pixel by |sum|^2 / (N sum of squares) (K. W. Hollman, K. W.
        Rigby & M. O'Donnell, IEEE IUS 1999, p. 1257).

    Returns
    -------
    (H, W) complex64; its magnitude is the envelope, whatever the pixel spacing.
    """
    if apodisation not in APODISATIONS:
        raise UserError(f"apodisation: expected one of {APODISATIONS}, got '{apodisation}'")
    if not f_number > 0:
        raise UserError(f"f_number: expected > 0, got {f_number}")
    image = np.zeros((len(lateral_mm), len(depth_mm)), np.complex64)
    samples_per_mm = np.float32(1e-3 / (sound_speed_m_s * time_step_s))
    _delay_and_sum(
        np.ascontiguousarray(analytic), np.asarray(element_mm, np.float32),
        np.asarray(lateral_mm, np.float32), np.asarray(depth_mm, np.float32), samples_per_mm,
        np.float32(f_number), apodisation == "hann", coherence_factor, image,
    )  # fmt: skip
    return np.ascontiguousarray(image.T)


@numba.njit(inline="always")
def _quarter_cosine(square: Any) -> Any:
    """Return cos(pi u / 2) of u^2 <= 1 by its series: libm's cosine would not vectorise."""
    inner = np.float32(0.0208635) - square * np.float32(0.0009193)
    inner = np.float32(0.2536695) - square * inner
    return np.float32(1.0) - square * (np.float32(1.2337006) - square * inner)


@compiled(parallel=True, error_model="numpy", fastmath=True, nogil=True)
def _delay_and_sum(
    analytic: NDArray, element: NDArray, lateral: NDArray, depth: NDArray, samples_per_mm: Any,
    f_number: Any, hann: bool, coherence: bool, image: NDArray,
) -> None:  # fmt: skip
    """Sum per image column, element by element, so that each signal is read in order."""
    rows = depth.shape[0]
    last = analytic.shape[1] - 2
    nearest = np.float32(0.51) * (element[1] - element[0])
    for column in numba.prange(lateral.shape[0]):
        real = np.zeros(rows, np.float32)
        imaginary = np.zeros(rows, np.float32)
        weights = np.zeros(rows, np.float32)
        power = np.zeros(rows, np.float32)
        used = np.zeros(rows, np.float32)
        for index in range(element.shape[0]):
            signal = analytic[index]
            aside = abs(element[index] - lateral[column])
            for row in range(rows):
                half = max(np.float32(0.5) * depth[row] / f_number, nearest)
                if aside > half:
                    continue
                weight: Any = np.float32(1.0)
                if hann:
                    u = aside / (half + nearest)
                    weight = _quarter_cosine(u * u)
                    weight *= weight
                position = samples_per_mm * np.sqrt(aside * aside + depth[row] * depth[row])
                sample = int(position)
                if sample > last:
                    continue
                fraction = position - np.float32(sample)
                first, second = signal[sample], signal[sample + 1]
                a = first.real + fraction * (second.real - first.real)
                b = first.imag + fraction * (second.imag - first.imag)
                real[row] += weight * a
                imaginary[row] += weight * b
                weights[row] += weight
                if coherence:
                    power[row] += weight * weight * (a * a + b * b)
                    used[row] += np.float32(1.0)
        for row in range(rows):
            if weights[row] > 0:
                scale = np.float32(1.0) / weights[row]
                if coherence and power[row] > 0:
                    total = real[row] * real[row] + imaginary[row] * imaginary[row]
                    scale *= total / (used[row] * power[row])
                image[column, row] = complex(scale * real[row], scale * imaginary[row])


def line_reconstruction(
    analytic: NDArray[np.complex64],
    time_step_s: float,
    pitch_mm: float,
    element_mm: Array,
    lateral_mm: Array,
    depth_mm: Array,
    sound_speed_m_s: float,
) -> NDArray[np.complex64]:
    """Return the k-space reconstruction of a line of detectors, interpolated to the pixels.

    For each kx the signal is the cosine transform of P0(kx, ky) over omega = c sqrt(kx^2 + ky^2)
    (K. P. Koestli et al., Phys. Med. Biol. 46 (2001) 1863), so its cosine transform over time,
    read at that omega and multiplied by d omega / d ky, is P0. Only ky > 0 is transformed back,
    which makes the image analytic in depth. Arguments and result as in `delay_and_sum`.
    """
    elements, samples = analytic.shape
    width = scipy.fft.next_fast_len(3 * elements)
    bins = scipy.fft.next_fast_len(4 * samples)
    mode = scipy.fft.fft(np.real(analytic).astype(np.float32), width, axis=0)
    lateral = 2 * np.pi * np.fft.fftfreq(width, pitch_mm)
    # Bin of omega / c and of ky, rad/mm. Bins above the band that carries sound are left out.
    spacing = np.pi / (bins * sound_speed_m_s * time_step_s * 1e3)
    cosine = _cosine_transform(mode, bins)
    band = min(_occupied(cosine), bins - 3)
    axial = spacing * np.arange(band)
    total = np.hypot(axial, lateral[:, None])
    with np.errstate(invalid="ignore"):
        jacobian = np.where(total > 0, axial / total, 1.0)
    source = np.where(total < spacing * band, jacobian, 0) * _interpolate(cosine, total / spacing)
    # P0 is four times the cosine integral; with its step and that of ky / pi this is 4 / bins.
    waves = np.exp(1j * np.outer(axial, depth_mm)).astype(np.complex64)
    image = _product(np.float32(4 / bins) * source.astype(np.complex64), waves)
    return _to_columns(image, pitch_mm, element_mm, lateral_mm)


def _product(first: NDArray, second: NDArray) -> NDArray:
    """Return a matrix product whose sums have one order; a BLAS changes it with its threads."""
    return np.einsum("ik,kj->ij", first, second)


def _cosine_transform(mode: NDArray, bins: int) -> NDArray:
    """Return sum over n of s_n cos(pi m n / bins), first sample at half weight, m = 0 .. bins."""
    padded = np.zeros((mode.shape[0], bins + 1), mode.dtype)
    padded[:, : mode.shape[1]] = mode
    return 0.5 * (
        scipy.fft.dct(padded.real, type=1, axis=1) + 1j * scipy.fft.dct(padded.imag, type=1, axis=1)
    )


def _occupied(cosine: NDArray) -> int:
    """Return the first bin after those that hold more than 1e-4 of the largest."""
    largest = np.abs(cosine).max(axis=0)
    above = np.flatnonzero(largest > 1e-4 * largest.max())
    return int(above[-1]) + 1 if len(above) else 1


def _interpolate(values: NDArray, position: Array) -> NDArray:
    """Return each row of values between its bins, by four-point Lagrange interpolation."""
    base = np.clip(position.astype(np.int64), 1, values.shape[1] - 3)
    t = (position - base).astype(np.float32)
    rows = np.arange(len(values))[:, None]
    return (
        values[rows, base - 1] * (-t * (t - 1) * (t - 2) / 6)
        + values[rows, base] * ((t + 1) * (t - 1) * (t - 2) / 2)
        + values[rows, base + 1] * (-(t + 1) * t * (t - 2) / 2)
        + values[rows, base + 2] * ((t + 1) * t * (t - 1) / 6)
    )


def _to_columns(
    image: NDArray, pitch_mm: float, element_mm: Array, lateral_mm: Array
) -> NDArray[np.complex64]:
    """Return the inverse lateral transform at the pixel columns, (H, W)."""
    width = image.shape[0]
    number = 2 * np.pi * np.fft.fftfreq(width, pitch_mm)
    turn = np.exp(1j * np.outer(np.asarray(lateral_mm) - element_mm[0], number)) / width
    return np.ascontiguousarray(_product(turn.astype(np.complex64), image).T)


def envelope(image: NDArray[np.complex64]) -> NDArray[np.float32]:
    """Return the magnitude of an analytic image, float32, same shape."""
    return np.abs(image).astype(np.float32)


def reject_skin(
    image: NDArray[np.float32], row_mm: Array, *, search_mm: float, below_mm: float
) -> NDArray[np.float32]:
    """Return an envelope image (H, W) with the skin's own sound muted.

    The skin is taken from the image alone, as a scanner would: the brightest of the first
    `search_mm` of each column, smoothed over columns by a median. Each column is muted down to
    `below_mm` under it, with a soft edge. `row_mm` (H,) is the depth of each row.
    """
    near = row_mm <= search_mm
    if not np.any(near) or below_mm <= 0:
        return image
    line = row_mm[np.argmax(image[near], axis=0)]
    line = scipy.ndimage.median_filter(line, size=max(3, image.shape[1] // 8) | 1, mode="nearest")
    edge = np.clip((row_mm[:, None] - line[None, :] - 0.5 * below_mm) / (0.5 * below_mm), 0, 1)
    return (image * np.sin(0.5 * np.pi * edge) ** 2).astype(np.float32)


def to_display(
    image: NDArray[np.float32], *, dynamic_range_db: float | None = 40.0
) -> NDArray[np.float32]:
    """Return an envelope image scaled to 0..1: log-compressed, or linear if the range is None."""
    peak = float(image.max())
    if peak <= 0:
        return np.zeros_like(image)
    if dynamic_range_db is None:
        return (image / peak).astype(np.float32)
    floor = 10 ** (-dynamic_range_db / 20)
    decibel = 20 * np.log10(np.maximum(image / peak, floor))
    return (1 + decibel / dynamic_range_db).astype(np.float32)
