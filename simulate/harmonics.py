"""Smooth random functions of one variable: sums of sinusoids, exact and differentiable anywhere."""

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri


@dataclass(frozen=True)
class Harmonics:
    """A sum of sinusoids, amplitude sin(2 pi frequency t + phase); without any it is zero."""

    amplitude: tuple[float, ...] = ()
    frequency_hz: tuple[float, ...] = ()
    phase_rad: tuple[float, ...] = ()

    def __call__(self, t: np.ndarray) -> np.ndarray:
        """Return the values (...) at times (...) s."""
        t = np.asarray(t, float)[..., None]
        angle = 2 * np.pi * np.asarray(self.frequency_hz) * t + np.asarray(self.phase_rad)
        return (np.asarray(self.amplitude) * np.sin(angle)).sum(-1)

    def __add__(self, other: "Harmonics") -> "Harmonics":
        return Harmonics(
            self.amplitude + other.amplitude,
            self.frequency_hz + other.frequency_hz,
            self.phase_rad + other.phase_rad,
        )

    def rate(self, t: np.ndarray) -> np.ndarray:
        """Return the derivatives (...) at times (...) s."""
        t = np.asarray(t, float)[..., None]
        angular = 2 * np.pi * np.asarray(self.frequency_hz)
        angle = angular * t + np.asarray(self.phase_rad)
        return (np.asarray(self.amplitude) * angular * np.cos(angle)).sum(-1)


def sample_band(
    rng: np.random.Generator,
    band_hz: tuple[float, float],
    *,
    value_rms: float | None = None,
    rate_rms: float | None = None,
    count: int = 12,
) -> Harmonics:
    """Draw a function with its power spread evenly over a band, one frequency in each part of it.

    Either the root mean square of its values or that of its derivative (per s) is given.
    """
    low, high = band_hz
    frequency = low + (high - low) * (np.arange(count) + rng.random(count)) / count
    phase = rng.uniform(0, 2 * np.pi, count)
    if rate_rms is not None:
        power = ((2 * np.pi * frequency) ** 2).sum() / 2
        amplitude = rate_rms / np.sqrt(power)
    else:
        amplitude = (value_rms or 0.0) / np.sqrt(count / 2)
    return _harmonics(np.full(count, amplitude), frequency, phase)


def sample_correlated(
    rng: np.random.Generator, correlation_s: float, deviation: float, count: int = 16
) -> Harmonics:
    """Draw a function whose autocorrelation is about exp(-(lag / correlation_s)^2).

    A Gaussian spectrum of standard deviation 1 / (sqrt(2) pi correlation_s) has that
    autocorrelation; the frequencies are one draw from each of its `count` equal parts.
    """
    quantile = 0.5 + 0.5 * (np.arange(count) + rng.random(count)) / count
    frequency = ndtri(quantile) / (np.sqrt(2) * np.pi * correlation_s)
    phase = rng.uniform(0, 2 * np.pi, count)
    return _harmonics(np.full(count, deviation * np.sqrt(2 / count)), frequency, phase)


def _harmonics(amplitude: np.ndarray, frequency: np.ndarray, phase: np.ndarray) -> Harmonics:
    return Harmonics(tuple(amplitude.tolist()), tuple(frequency.tolist()), tuple(phase.tolist()))
