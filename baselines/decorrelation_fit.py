"""Calibration of speckle decorrelation on training sweeps: scale of the map, floor, noise."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np

from benchmark.speckle.fit import Curve, fit_curve, knots
from benchmark.speckle.law import coherent_share, noise_shape
from benchmark.speckle.map import SpeckleMap
from benchmark.speckle.registration import Pairs
from benchmark.speckle.samples import Samples


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

    depth_mm, scale, floor (K,), ceiling (1,), coherence (1,): see `benchmark.speckle.fit.Curve`,
    the scale being that of the probe's speckle map; noise (G,), mean, spread (G, 2): by gap, see
    `Levels`; sign (1,): of the training sweeps' advance; gain (G,): true over estimated mean
    elevation in training, near 1; fitted (1,): 1 where they are of training sweeps, 0 by default.
    """

    depth_mm: np.ndarray
    scale: np.ndarray
    floor: np.ndarray
    ceiling: np.ndarray
    coherence: np.ndarray
    noise: np.ndarray
    mean: np.ndarray
    spread: np.ndarray
    sign: np.ndarray
    gain: np.ndarray
    fitted: np.ndarray

    @classmethod
    def default(cls, gaps: int) -> "Calibration":
        """Return the calibration that takes the map as it is, for use without training sweeps."""
        one, spread = np.ones(1), np.full((gaps, 2), np.deg2rad(0.5))
        noise = np.full(gaps, 0.2)
        nothing = np.zeros(1)
        return cls(
            20 * one, one, nothing, one, nothing, noise, 0 * spread, spread, one,
            np.ones(gaps), nothing,
        )  # fmt: skip

    @property
    def advance(self) -> int:
        return -1 if self.sign[0] < 0 else 1

    def trusts(self, speckle: SpeckleMap) -> bool:
        """Return whether a map's own numbers go before those of training: measured, or no training.

        What was fitted to training sweeps stands for their tissue and the errors of the formulas; a
        map that was measured holds both for its own probe.
        """
        return speckle.source == "measured" or not self.fitted[0]

    def gains(self, speckle: SpeckleMap) -> np.ndarray:
        """Return the factors (G,) on fitted elevation."""
        return np.ones(len(self.gain)) if self.trusts(speckle) else self.gain

    def at(self, pairs: Pairs, depth_mm: np.ndarray, speckle: SpeckleMap, gap_index: int) -> Levels:
        """Return the levels at patches at depths (n,) of pairs of the gap with this index."""
        sigma = speckle.at(depth_mm)[..., 2]
        if self.trusts(speckle):
            ceiling, coherence = speckle.ceiling, speckle.coherence
            known = np.broadcast_to(speckle.floor, speckle.depth_mm.shape)
            floor = np.interp(depth_mm, speckle.depth_mm, known)
        else:
            sigma = sigma * np.interp(depth_mm, self.depth_mm, self.scale)
            ceiling, coherence = float(self.ceiling[0]), float(self.coherence[0])
            floor = np.interp(depth_mm, self.depth_mm, self.floor)
        return Levels(
            sigma,
            np.full(len(sigma), ceiling),
            coherent_share(floor, coherence, pairs.structure),
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
class Example:
    """Registered pairs of a training sweep.

    motion (P, 6): true centre motion; depth_mm (n,): of the patches; speckle: the probe's map;
    rate: 2 k^2 in 1/mm^2.
    """

    pairs: Pairs
    motion: np.ndarray
    depth_mm: np.ndarray
    speckle: SpeckleMap
    rate: float


def calibrate(examples: Sequence[Sequence[Example]], samples: Sequence[Samples]) -> Calibration:
    """Return the calibration fitted to patches at their true distance, with a gain of 1.

    Where all probes are known, one scale holds for all depths; a map that was guessed has a scale
    for each depth.

    Parameters
    ----------
    examples : by gap, those that the tracker joins.
    samples : the patches of all examples, and of wider gaps, which show the floor.
    """
    joined = Samples.joined(samples)
    known = all(one.speckle.source != "guessed" for group in examples for one in group)
    curve = fit_curve(joined, knots(joined.depth), one_scale=known)
    residual = np.abs(joined.rho - (model := curve.correlation(joined))) / noise_shape(model)
    gaps = range(len(examples))
    noise = np.array([1.4826 * np.median(residual[joined.gap == gap]) for gap in gaps])
    motion = [np.concatenate([one.motion for one in group]) for group in examples]
    sign = np.array([1.0 if motion[0][:, 2].mean() >= 0 else -1.0])
    return Calibration(
        *_numbers(curve),
        noise=np.maximum(noise, 0.01),
        mean=sign * np.array([m[:, 3:5].mean(0) for m in motion]),
        spread=np.maximum(np.array([m[:, 3:5].std(0) for m in motion]), 1e-4),
        sign=sign,
        gain=np.ones(len(noise)),
        fitted=np.ones(1),
    )


def _numbers(curve: Curve) -> tuple[np.ndarray, ...]:
    ends = np.array([curve.ceiling]), np.array([curve.coherence])
    return np.array(curve.depth_mm), np.array(curve.scale), np.array(curve.floor), *ends
