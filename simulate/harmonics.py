"""Smooth random functions of one variable: sums of sinusoids, exact and differentiable anywhere."""

from dataclasses import dataclass

import numpy as np

from simulate.elementary import exp, log


@dataclass(frozen=True)
class Harmonics:
    """The sum of amplitude sin(2 pi frequency t + phase) over sinusoids; zero without any."""

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


def log_uniform(rng: np.random.Generator, span: tuple[float, float]) -> float:
    """Draw a number from a range of positive numbers, evenly in its logarithm."""
    low, high = (log(end) for end in span)
    return float(exp(rng.uniform(low, high)))


def sample_band(
    rng: np.random.Generator,
    band_hz: tuple[float, float],
    *,
    value_rms: float | None = None,
    rate_rms: float | None = None,
    count: int = 12,
) -> Harmonics:
    """Draw a function whose power is spread evenly over a band of frequencies.

    One frequency is drawn in each of `count` equal parts of the band. The root mean square is given
    either of the function's values (value_rms) or of its derivative, per s (rate_rms).
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
    autocorrelation. One frequency is drawn from each of `count` parts of equal power.

    deviation: standard deviation of the values.
    """
    from scipy.special import ndtri

    quantile = 0.5 + 0.5 * (np.arange(count) + rng.random(count)) / count
    frequency = ndtri(quantile) / (np.sqrt(2) * np.pi * correlation_s)
    phase = rng.uniform(0, 2 * np.pi, count)
    return _harmonics(np.full(count, deviation * np.sqrt(2 / count)), frequency, phase)


def _harmonics(amplitude: np.ndarray, frequency: np.ndarray, phase: np.ndarray) -> Harmonics:
    return Harmonics(tuple(amplitude.tolist()), tuple(frequency.tolist()), tuple(phase.tolist()))
