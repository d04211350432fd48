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
from simulate.iq.beam import Beam
from simulate.iq.echo import Echo

POOLED = 4  # columns whose mean is reflected
LEAST_LEVEL = 1e-5  # of the loudest: multiples from fainter depths get no more gain than from there

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
        level = echo.level(below)
        level = np.maximum(level / level.max(), LEAST_LEVEL)
        gain = np.ones(len(depths))  # that the IQ has and the compensated IQ has not
        if not settings.time_gain_compensation:
            gain = echo.level(below) / echo.level(np.array(settings.noise_depth_mm))
        bend = np.exp(2j * np.pi * beam.carrier[1] * depths**2) * (depths > 0.0)
        self.received = _column(level / gain * bend)
        self.returned = _column(echo.amplitude(below) / gain * bend)
        self.after = _column(gain / level * bend.conj())
        # The sum of k Gaussian pulses of peak 1 has the peak spread^(k - 1) / √k.
        spread = math.sqrt(2.0 * math.pi) * echo.probe.sigma_axial_mm / step
        again = 10.0 ** ((settings.reverberation_db - STRONG_DB) / 20.0) / spread
        self.first, self.second = np.float32(math.sqrt(2.0) * again), np.float32(3**0.5 * again**2)
        # Sample n lies at depths[0] + n step; a sum of two has the depth 2 depths[0] + n step.
        self.length = next_fast_len(2 * len(depths) + math.ceil(2.0 * abs(depths[0]) / step) + 16)
        shift = np.fft.fftfreq(self.length) * depths[0] / step
        self.turn = _column(np.exp(-2j * np.pi * shift))

    def __call__(self, iq: Complex) -> Complex:
        """Return the multiples (rows, columns) of the echoes in IQ of that shape."""
        from scipy.fft import fft, ifft

        pooled = _pooled(iq)
        received = fft(pooled * self.received, self.length, axis=0)
        returned = fft(pooled * self.returned, self.length, axis=0) * self.turn
        both = received * returned * (self.second * returned - self.first)
        multiples = ifft(both, axis=0, overwrite_x=True)[: len(iq)]
        return _spread(multiples * self.after, iq.shape[1])


def _column(values: Array) -> Complex:
    return values.astype(np.complex64)[:, None]


def _pooled(iq: Complex) -> Complex:
    """Return the mean (rows, P) of every `POOLED` columns of IQ, of what is left in the last."""
    starts = np.arange(0, iq.shape[1], POOLED)
    counts = np.diff(np.append(starts, iq.shape[1])).astype(np.float32)
    return np.add.reduceat(iq, starts, axis=1) / counts


def _spread(pooled: Complex, columns: int) -> Complex:
    """Return pooled columns (rows, P) at all columns, smoothed by (1, 2, 1) / 4 and interpolated.

    Interpolation alone would leave speckle fainter between the pooled columns than at them.
    """
    padded = np.pad(pooled, ((0, 0), (1, 1)), mode="edge")
    smooth = 0.25 * (padded[:, :-2] + padded[:, 2:]) + 0.5 * pooled
    place = np.clip((np.arange(columns) - 0.5 * (POOLED - 1)) / POOLED, 0.0, pooled.shape[1] - 1.0)
    left = np.minimum(place.astype(np.int64), max(pooled.shape[1] - 2, 0))
    right = np.minimum(left + 1, pooled.shape[1] - 1)
    share = (place - left).astype(np.float32)
    return (1.0 - share) * smooth[:, left] + share * smooth[:, right]
