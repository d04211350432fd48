"""Reverberation: echoes that the probe's face sends into the tissue once more.

An echo from depth a that returns to the face is reflected there, with amplitude r and reversed
sign, and gives another echo from depth b, which arrives with those of depth a + b. With x(a) the
received amplitude and w(b) what a layer returns of a wave from the face, the first two multiples of
a line are

    m(y) = -r Σ_a x(a) w(y - a) + r² Σ_ab x(a) w(b) w(y - a - b).

x is the IQ before gain compensation, which the transmit and the elevational focus shape; the wave
from the face has no focus, so w is the compensated IQ less the loss by attenuation. The sums are
over the signals q(y) exp(2 pi i (a y + b y²)) of samples q, (a, b) being `Beam.carrier`: the linear
part of the phase passes through them, the other part is put in before and taken out after.
Multiples fill the shadow behind bone and the lumens of vessels.

Each path counts the transducer's spectrum once more, so the echo of a first multiple is √2 times as
long. Signals are averaged over `POOLED` columns before: the face is wider than a line, and only
layers along it return an echo to all of it. Later multiples are neglected.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulate.bmode.settings import STRONG_DB, BmodeSettings
from simulate.compiled import borrower, kernel
from simulate.iq.beam import Beam
from simulate.iq.echo import Echo

POOLED = 4  # columns whose mean is reflected
LEAST_LEVEL = 1e-5  # of the loudest: multiples from fainter depths get no more gain than from there

_f = np.float32

Array = NDArray[Any]
Complex = NDArray[np.complex64]


class Reverberation:
    """Makes the multiples of a frame; see the module."""

    def __init__(self, echo: Echo, settings: BmodeSettings, beam: Beam) -> None:
        """Prepare for the IQ of `beam`; echo: of the same probe in the same tissue."""
        from scipy.fft import next_fast_len

        grid = beam.grid
        depths, step = grid.depths_mm, grid.row_step
        below = np.maximum(depths, 0.0)
        level: Array = echo.level(below)
        level = np.maximum(level / level.max(), LEAST_LEVEL)
        gain: Array = np.ones(len(depths))  # that the IQ has and the compensated IQ has not
        if not settings.time_gain_compensation:
            gain = echo.level(below) / echo.level(np.array(settings.noise_depth_mm))
        bend = np.exp(2j * np.pi * beam.carrier[1] * depths**2) * (depths > 0.0)
        self.received = (level / gain * bend).astype(np.complex64)
        self.returned = (echo.amplitude(below) / gain * bend).astype(np.complex64)
        self.after = (gain / level * bend.conj()).astype(np.complex64)
        # The sum of k Gaussian pulses of peak 1 has the peak spread^(k - 1) / √k.
        spread = math.sqrt(2.0 * math.pi) * echo.probe.sigma_axial_mm / step
        again = 10.0 ** ((settings.reverberation_db - STRONG_DB) / 20.0) / spread
        self.first, self.second = np.float32(math.sqrt(2.0) * again), np.float32(3**0.5 * again**2)
        # Sample n lies at depths[0] + n step; a sum of two has the depth 2 depths[0] + n step.
        self.length = next_fast_len(2 * len(depths) + math.ceil(2.0 * abs(depths[0]) / step) + 16)
        shift = np.fft.fftfreq(self.length) * depths[0] / step
        self.turn = np.exp(-2j * np.pi * shift).astype(np.complex64)

    def __call__(self, iq: Complex, out: Complex) -> None:
        """Add to `out` the multiples of the echoes in `iq`, both (rows, columns)."""
        from scipy.fft import fft, ifft

        shape = (self.length, -(-iq.shape[1] // POOLED))
        received, returned = np.zeros(shape, np.complex64), np.zeros(shape, np.complex64)
        pool(iq, self.received, self.returned, received, returned)
        received = fft(received, axis=0, overwrite_x=True)
        returned = fft(returned, axis=0, overwrite_x=True)
        combine(received, returned, self.turn, self.first, self.second)
        spread(ifft(received, axis=0, overwrite_x=True), self.after, out)


@borrower
def pool(iq, received, returned, heard, sent):
    """Write the mean of every `POOLED` columns, times (rows,) factors, to the first rows of two.

    iq : (rows, columns); heard, sent : (rows or more, columns / POOLED, rounded up); complex64.
    """
    columns = iq.shape[1]
    for row in range(iq.shape[0]):
        for group in range(heard.shape[1]):
            stop = min(POOLED * (group + 1), columns)
            re, im = _f(0.0), _f(0.0)
            for column in range(POOLED * group, stop):
                re += iq[row, column].real
                im += iq[row, column].imag
            share = _f(1.0 / (stop - POOLED * group))
            mean = np.complex64(complex(re * share, im * share))
            heard[row, group] = mean * received[row]
            sent[row, group] = mean * returned[row]


@borrower
def combine(received, returned, turn, first, second):
    """Replace the spectra (n, groups) `received` of signals by those of their multiples.

    returned : (n, groups) spectra of what layers return, before `turn` (n,) moves them to their
    depths; first, second : factors of the first and the second multiple. All complex64.
    """
    for n in range(received.shape[0]):
        here, back = received[n], returned[n]
        re, im = turn[n].real, turn[n].imag
        for group in range(np.uint64(len(here))):
            b = back[group]
            x, y = re * b.real - im * b.imag, re * b.imag + im * b.real
            u, v = second * x - first, second * y
            p, q = x * u - y * v, x * v + y * u
            a = here[group]
            here[group] = np.complex64(complex(a.real * p - a.imag * q, a.real * q + a.imag * p))


@kernel
def spread(pooled, after, out):
    """Add pooled columns, times factors (rows,), at all columns: smoothed, then interpolated.

    Smoothing is by (1, 2, 1) / 4; interpolation alone would leave speckle fainter between the
    pooled columns than at them. The last group may hold fewer columns than its place says.
    """
    groups, columns = pooled.shape[1], out.shape[1]
    smooth = np.empty(groups, np.complex64)
    left, right = np.empty(columns, np.int64), np.empty(columns, np.int64)
    share = np.empty(columns, np.float32)
    for column in range(columns):
        place = (_f(column) - _f(0.5 * (POOLED - 1))) / _f(POOLED)
        place = min(max(place, _f(0.0)), _f(groups - 1))
        left[column] = int(place)
        right[column], share[column] = min(left[column] + 1, groups - 1), place - _f(left[column])
    for row in range(out.shape[0]):
        line, target, factor = pooled[row], out[row], after[row]
        smooth[0] = factor * (_f(0.75) * line[0] + _f(0.25) * line[min(1, groups - 1)])
        for group in range(1, groups - 1):
            mean = _f(0.25) * (line[group - 1] + line[group + 1]) + _f(0.5) * line[group]
            smooth[group] = factor * mean
        last = line[groups - 1]
        smooth[groups - 1] = factor * (_f(0.75) * last + _f(0.25) * line[max(groups - 2, 0)])
        for column in range(columns):
            here = smooth[left[column]]
            target[column] += here + share[column] * (smooth[right[column]] - here)
