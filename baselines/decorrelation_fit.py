"""Calibration of speckle decorrelation on training sweeps: widths, ceilings, noise, spreads."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np

from baselines.registration import Pairs

BAND_MM = 2.0  # depths closer than this share one width
ROWS_AT_MOST = 4000  # patches per fitted width; more change it by less than a percent


def envelope_correlation(coherence: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the correlation of envelopes and its slope, at squared coherence m = |mu|^2.

    m is the correlation of intensities; of envelopes of developed speckle it is
    (2 E(m) - (1 - m) K(m) - pi/2) / (2 - pi/2) (Rayleigh pair, Middleton 1948; Goodman 1975), up
    to 0.02 lower.
    """
    from scipy.special import ellipe, ellipk

    m = np.clip(coherence, 1e-6, 1 - 1e-9)
    first, second = ellipk(m), ellipe(m)
    scale = 2 - np.pi / 2
    value = (2 * second - (1 - m) * first - np.pi / 2) / scale
    return value, (second - (1 - m) * first) / (2 * m) / scale


@dataclass(frozen=True)
class Example:
    """Registered pairs of a training sweep and their true centre motion (P, 6).

    centre_depth_mm: depth of the image centre; phase_rate: 2 k^2 in 1/mm^2.
    """

    pairs: Pairs
    motion: np.ndarray
    centre_depth_mm: float
    phase_rate: float


@dataclass(frozen=True)
class Levels:
    """The calibration at the patches of some pairs.

    sigma_mm (n,), ceiling (n,): the correlation of speckle at distance d is ceiling times
    `envelope_correlation` of exp(-d^2 / 2 sigma^2); coherent (P, n): share of the correlation that
    does not decay; noise: standard deviation of a measured correlation over (1 - rho^2);
    mean (2,), spread (2,): of tilt and yaw per advance in training.
    """

    sigma_mm: np.ndarray
    ceiling: np.ndarray
    coherent: np.ndarray
    noise: float
    mean: np.ndarray
    spread: np.ndarray


@dataclass(frozen=True)
class Calibration:
    """All numbers that the tracker's `fit` finds.

    depth_mm, sigma_mm (K,): by depth; ceiling (G, K), noise (G,), mean, spread (G, 2): by gap, see
    `Levels`; coherence: coherent share per `Pairs.structure`; sign: of the training sweeps'
    advance; gain (G,): true over estimated mean elevation in training, near 1.
    """

    depth_mm: np.ndarray
    sigma_mm: np.ndarray
    ceiling: np.ndarray
    coherence: np.ndarray
    noise: np.ndarray
    mean: np.ndarray
    spread: np.ndarray
    sign: np.ndarray
    gain: np.ndarray

    @classmethod
    def default(cls, gaps: int) -> "Calibration":
        """Return the calibration of a typical 5 MHz probe, for use without training sweeps."""
        one = np.ones(1)
        spread = np.full((gaps, 2), np.deg2rad(0.5))
        noise = np.full(gaps, 0.2)
        ceiling = np.full((gaps, 1), 0.98)
        return cls(
            20 * one, 0.5 * one, ceiling, 0 * one, noise, 0 * spread, spread, one, np.ones(gaps)
        )

    @property
    def advance(self) -> int:
        return -1 if self.sign[0] < 0 else 1

    def at(self, pairs: Pairs, centre_depth_mm: float, gap_index: int) -> Levels:
        """Return the levels at the patches of pairs of the gap with this index."""
        depth = pairs.centre_mm[:, 1] + centre_depth_mm
        return Levels(
            np.interp(depth, self.depth_mm, self.sigma_mm),
            np.interp(depth, self.depth_mm, self.ceiling[gap_index]),
            np.clip(self.coherence[0] * pairs.structure, 0, 0.9),
            float(self.noise[gap_index]),
            self.mean[gap_index],
            self.spread[gap_index],
        )

    def arrays(self) -> dict[str, np.ndarray]:
        return {item.name: getattr(self, item.name) for item in fields(self)}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray], gaps: int) -> "Calibration":
        """Return what `arrays` gave.

        Raises
        ------
        KeyError, ValueError : a missing array, or one for another number of gaps.
        """
        found = cls(**{item.name: np.array(arrays[item.name], float) for item in fields(cls)})
        if len(found.noise) != gaps:
            raise ValueError(f"noise: expected {gaps} gaps, got {len(found.noise)}")
        return found


@dataclass(frozen=True)
class _Samples:
    """Patches of all examples in one row: measured values and true motion of each."""

    depth: np.ndarray
    rho: np.ndarray
    distance: np.ndarray
    phase: np.ndarray  # 2 k^2 tilt^2
    structure: np.ndarray
    gap: np.ndarray

    def among(self, index: np.ndarray) -> "_Samples":
        return _Samples(*(getattr(self, item.name)[index] for item in fields(self)))


def calibrate(examples: Sequence[Sequence[Example]]) -> Calibration:
    """Return the calibration fitted to examples by gap, each patch at its true distance.

    Correlations of patches were measured after registration, so that the remaining misalignment is
    part of the ceiling and not of the elevational width.
    """
    samples = _samples(examples)
    depth = _bands(samples.depth)
    coherence = 0.0
    for _ in range(2):  # fit widths given the coherent share, then the share given the widths
        sigma, ceiling = _fit_bands(samples, depth, coherence)
        coherence = _fit_coherence(samples, depth, sigma, ceiling)
    sigma, ceiling = _fit_bands(samples, depth, coherence)
    model = _model(samples, *_interpolated(samples, depth, sigma, ceiling), coherence)
    residual = np.abs(samples.rho - model) / noise_shape(model)
    gaps = range(len(examples))
    noise = np.array([1.4826 * np.median(residual[samples.gap == gap]) for gap in gaps])
    motion = [np.concatenate([e.motion for e in group]) for group in examples]
    sign = np.array([1.0 if motion[0][:, 2].mean() >= 0 else -1.0])
    mean = sign * np.array([m[:, 3:5].mean(0) for m in motion])
    spread = np.array([m[:, 3:5].std(0) for m in motion])
    spread, noise = np.maximum(spread, 1e-4), np.maximum(noise, 0.01)
    coherent, gain = np.array([coherence]), np.ones(len(noise))
    return Calibration(depth, sigma, ceiling, coherent, noise, mean, spread, sign, gain)


def _samples(examples: Sequence[Sequence[Example]]) -> _Samples:
    parts = []
    for index, group in enumerate(examples):
        for example in group:
            x, y = example.pairs.centre_mm.T
            elevation, tilt, yaw = example.motion[:, 2:5, None].swapaxes(0, 1)
            shape = example.pairs.correlation.shape
            rows = (
                np.broadcast_to(y + example.centre_depth_mm, shape),
                example.pairs.correlation,
                elevation + tilt * y - yaw * x,
                np.broadcast_to(example.phase_rate * tilt**2, shape),
                example.pairs.structure,
                np.full(shape, index),
            )
            parts.append(np.stack([row.reshape(-1) for row in rows]))
    joined = np.concatenate(parts, 1)
    return _Samples(*joined[:, np.isfinite(joined).all(0)])


def _bands(depth: np.ndarray) -> np.ndarray:
    low, high = depth.min(), depth.max()
    return np.linspace(low, high, max(1, int((high - low) / BAND_MM)) + 1)


def _model(
    samples: _Samples, sigma: np.ndarray, ceiling: np.ndarray, coherence: float
) -> np.ndarray:
    share = np.clip(coherence * samples.structure, 0, 0.9)
    decay = np.exp(-(samples.distance**2) / (2 * sigma**2) - samples.phase * sigma**2)
    return ceiling * (share + (1 - share) * envelope_correlation(decay)[0])


def noise_shape(correlation: np.ndarray) -> np.ndarray:
    """Return the noise of measured correlations up to a factor: 1 - rho^2 (Fisher 1915) + 0.02."""
    return 1 - np.clip(correlation, 0, 1) ** 2 + 0.02


def _interpolated(
    samples: _Samples, depth: np.ndarray, sigma: np.ndarray, ceiling: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return width and ceiling of every sample from those by depth (and gap)."""
    top = np.stack([np.interp(samples.depth, depth, row) for row in ceiling])
    index = samples.gap.astype(int)
    return np.interp(samples.depth, depth, sigma), top[index, np.arange(len(index))]


def _fit_bands(
    samples: _Samples, depth: np.ndarray, coherence: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return sigma (K,) and ceiling (G, K) by robust least squares on the correlations."""
    gaps = int(samples.gap.max()) + 1
    half = (depth[1] - depth[0]) / 2 if len(depth) > 1 else np.inf
    start = np.array([0.5] + [0.95] * gaps)
    bounds = ([0.05] + [0.3] * gaps, [20.0] + [1.0] * gaps)
    fitted = []
    for middle in depth:
        chosen = np.flatnonzero(np.abs(samples.depth - middle) <= half)
        band = samples.among(chosen[:: 1 + len(chosen) // ROWS_AT_MOST])
        fitted.append(_fit_band(band, start, bounds, coherence))
    values = np.array(fitted).T
    return values[0], values[1:]


def _fit_band(band: _Samples, start: np.ndarray, bounds: tuple, coherence: float) -> np.ndarray:
    """Return sigma and the ceilings of one depth.

    The noise is that of the previous fit: if it followed the parameters within a fit, a lower
    ceiling would be favoured for its larger noise.
    """
    from scipy.optimize import least_squares

    index = band.gap.astype(int)
    values = start
    for _ in range(3):
        noise = noise_shape(_model(band, values[0], values[1 + index], coherence))

        def residual(values: np.ndarray, noise: np.ndarray = noise) -> np.ndarray:
            return (band.rho - _model(band, values[0], values[1 + index], coherence)) / noise

        values = least_squares(residual, values, bounds=bounds, loss="soft_l1", f_scale=0.3).x
    return values


def _fit_coherence(
    samples: _Samples, depth: np.ndarray, sigma: np.ndarray, ceiling: np.ndarray
) -> float:
    """Return the coherent share per unit of structure that fits the correlations best."""
    from scipy.optimize import minimize_scalar

    levels = _interpolated(samples, depth, sigma, ceiling)
    noise = noise_shape(_model(samples, *levels, 0.0))

    def cost(coherence: float) -> float:
        return float(np.abs((samples.rho - _model(samples, *levels, coherence)) / noise).mean())

    return float(minimize_scalar(cost, bounds=(0.0, 4.0), method="bounded").x)
