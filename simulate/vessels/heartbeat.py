"""The heart's beat over one period: how an artery swells and how fast its blood runs."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.floating]

UPSTROKE, DECAY = 0.12, 0.45  # shares of the period
_DICROTIC = (0.42, 0.05, 0.12)  # second, smaller wave: place, width, height


def _raw(phase: Array) -> Array:
    """A rise over the upstroke and a fall by a Gaussian tail, plus the dicrotic wave; periodic."""
    rise = np.sin(0.5 * np.pi * np.minimum(phase / UPSTROKE, 1.0)) ** 2
    late = np.maximum(phase - UPSTROKE, 0.0)
    span = 1.0 - UPSTROKE
    fall = np.exp(-late / DECAY) - np.exp(-span / DECAY) * late / span
    place, width, height = _DICROTIC
    return rise * fall + height * np.exp(-0.5 * ((phase - place) / width) ** 2)


_FINE = _raw(np.linspace(0.0, 1.0, 4001))
_MOST, _MEAN = float(_FINE.max()), float(_FINE[:-1].mean())


def pressure_wave(phase: ArrayLike) -> Array:
    """Return how far an artery is widened, 0 to 1, at phases of the beat (1 is one period)."""
    return _raw(np.mod(np.asarray(phase, np.float64), 1.0)) / _MOST


def flow_wave(phase: ArrayLike, pulsatility: float) -> Array:
    """Return the flow at phases of the beat: mean 1, and (largest - least) is `pulsatility`."""
    wave = _raw(np.mod(np.asarray(phase, np.float64), 1.0))
    return 1.0 + pulsatility * (wave - _MEAN) / (_MOST - float(_FINE.min()))
