"""Channel data to a focused complex image by delay-and-sum, compiled.

Imported only when an image is formed, because it loads numba.
"""

import math

import numpy as np
import scipy.fft

from benchmark.machine.kernels import compiled
from benchmark.workers import in_parts

PER_PERIOD = 4  # samples per period of the carrier between which signals are interpolated


def baseband(
    samples: np.ndarray, sampling_hz: float, carrier_hz: float, is_iq: bool
) -> tuple[np.ndarray, float]:
    """Return complex signals (..., S') whose carrier is at 0 Hz, and their sampling rate, Hz.

    RF (..., S) becomes the analytic signal, shifted down by `carrier_hz` with phase zero at the
    first sample; IQ is that already. The rate is raised by an integer, by zeros in the spectrum,
    to at least 4 samples per period of the carrier: linear interpolation between samples then
    errs by less than 1 - cos(pi / 8) = 8 % at half the carrier frequency above or below it.
    """
    count = samples.shape[-1]
    factor = max(1, math.ceil(PER_PERIOD * carrier_hz / sampling_hz - 1e-6))
    length = scipy.fft.next_fast_len(count + 64)  # no wrapping of the ends
    spectrum = scipy.fft.fft(samples.astype(np.complex64), length, axis=-1)
    half = (length + 1) // 2
    if not is_iq:
        spectrum[..., 1:half] *= 2
        spectrum[..., 0] = 0
        spectrum[..., half:] = 0
    full = np.zeros((*samples.shape[:-1], length * factor), np.complex64)
    full[..., :half] = factor * spectrum[..., :half]
    full[..., full.shape[-1] - length + half :] = factor * spectrum[..., half:]
    signals = scipy.fft.ifft(full, axis=-1, overwrite_x=True)[..., : count * factor]
    rate = factor * sampling_hz
    if not is_iq:
        turn = -2j * np.pi * carrier_hz / rate * np.arange(signals.shape[-1])
        signals *= np.exp(turn).astype(np.complex64)
    return np.ascontiguousarray(signals), rate


def delay_and_sum(
    signals: np.ndarray,
    sampling_hz: float,
    carrier_hz: float,
    element_mm: np.ndarray,
    mm_per_s: float,
    lateral_mm: np.ndarray,
    depth_mm: np.ndarray,
    arrival_s: np.ndarray,
    weight: np.ndarray,
    f_number: float,
    least_half_mm: float,
) -> np.ndarray:
    """Return the complex image (H, W) of baseband signals (E, T, S), transmits compounded.

    A pixel at depth y is the weighted mean, over transmits and over the elements within
    y / (2 f_number) of it (at least `least_half_mm`), of the signals at the time that sound takes
    to the pixel and on to the element; receive weights are a Hann window over that aperture.

    Parameters
    ----------
    arrival_s, weight : (H, W, T), see `acquisition.arrivals`.
    """
    image = np.zeros((len(depth_mm), len(lateral_mm)), np.complex64)
    element, lateral, depth = (
        np.ascontiguousarray(values, np.float32) for values in (element_mm, lateral_mm, depth_mm)
    )
    arrival = np.ascontiguousarray(arrival_s * sampling_hz, np.float32)

    def rows(first: int, last: int) -> None:
        _sum_plane(
            signals,
            element,
            arrival[first:last],
            weight[first:last],
            lateral,
            depth[first:last],
            np.float32(sampling_hz / mm_per_s),
            np.float32(2 * np.pi * carrier_hz / sampling_hz),
            np.float32(0.5 / f_number),
            np.float32(least_half_mm),
            image[first:last],
        )

    in_parts(rows, len(depth_mm))
    return image


@compiled(nogil=True, error_model="numpy", fastmath=True)
def _sum_plane(
    signals, element, arrival, weight, lateral, depth, samples_per_mm, radians_per_sample,
    half_per_depth, least_half, image,
):  # fmt: skip
    """Add up each pixel: the phase of the way back once per element, that of the way in once per
    transmit."""
    elements, transmits, samples = signals.shape
    last = samples - 1
    received = np.zeros(transmits, np.complex64)
    for row in range(depth.shape[0]):
        half = max(depth[row] * half_per_depth, least_half)
        for column in range(lateral.shape[0]):
            received[:] = 0
            apodisation = 0.0
            for index in range(elements):
                aside = lateral[column] - element[index, 0]
                if abs(aside) >= half:
                    continue
                window = math.cos(np.float32(0.5 * math.pi) * aside / half)
                down, across = depth[row] - element[index, 1], element[index, 2]
                back = samples_per_mm * math.sqrt(aside * aside + down * down + across * across)
                phase = radians_per_sample * back
                apodisation += window * window
                turn = window * window * np.complex64(complex(math.cos(phase), math.sin(phase)))
                for transmit in range(transmits):
                    position = arrival[row, column, transmit] + back
                    if position < 0 or position >= last or weight[row, column, transmit] == 0:
                        continue
                    sample = int(position)
                    share = position - np.float32(sample)
                    one, next_one = (
                        signals[index, transmit, sample],
                        signals[index, transmit, sample + 1],
                    )
                    received[transmit] += turn * (one + share * (next_one - one))
            whole, total = apodisation * weight[row, column].sum(), np.complex64(0)
            for transmit in range(transmits):
                phase = radians_per_sample * arrival[row, column, transmit]
                turn = np.complex64(complex(math.cos(phase), math.sin(phase)))
                total += weight[row, column, transmit] * turn * received[transmit]
            if whole > 0:
                image[row, column] = total / whole
