"""Waveforms over one heartbeat: the widening of an artery and the flow of its blood."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simulate.elementary import exp

Array = NDArray[np.floating]

UPSTROKE, DECAY = 0.12, 0.45  # duration of the rise, and decay constant, as shares of the period
_DICROTIC = (0.42, 0.05, 0.12)  # the dicrotic wave: middle and width (of the period), height


def _raw(phase: Array) -> Array:
    """Return the waveform, not yet scaled: a rise, an exponential fall, and the dicrotic wave.

    phase: 0 to 1. The fall is corrected linearly so that it ends where the next rise begins.
    """
    rise = np.sin(0.5 * np.pi * np.minimum(phase / UPSTROKE, 1.0)) ** 2
    late = np.maximum(phase - UPSTROKE, 0.0)
    span = 1.0 - UPSTROKE
    fall = exp(-late / DECAY) - exp(-span / DECAY) * late / span
    place, width, height = _DICROTIC
    return rise * fall + height * exp(-0.5 * ((phase - place) / width) ** 2)


_FINE = _raw(np.linspace(0.0, 1.0, 4001))
_MOST, _MEAN = float(_FINE.max()), float(_FINE[:-1].mean())


def pressure_wave(phase: ArrayLike) -> Array:
    """Return the widening of an artery, 0 to 1 of its largest, at phases (1 is one period)."""
    return _raw(np.mod(np.asarray(phase, np.float64), 1.0)) / _MOST


def flow_wave(phase: ArrayLike, pulsatility: float) -> Array:
    """Return the flow relative to its mean at phases (1 is one period) of the beat.

    pulsatility: (largest - least flow) / mean flow.
    """
    wave = _raw(np.mod(np.asarray(phase, np.float64), 1.0))
    return 1.0 + pulsatility * (wave - _MEAN) / (_MOST - float(_FINE.min()))
