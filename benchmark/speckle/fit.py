"""The elevational correlation length by depth from known motion and measured correlations."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmark.speckle.law import coherent_share, noise_shape, patch_correlation
from benchmark.speckle.samples import Samples

ROWS_AT_MOST = 6000  # samples in a fit; more change it by less than its error
KNOT_MM = 6.0  # distance of the depths between which the length is interpolated
MOST_KNOTS = 8
SCALES = (0.03, 20.0)  # least and largest
CEILINGS = (0.3, 1.0)
COHERENCE = (0.0, 4.0)
FLOORS = (0.0, 0.9)
NOISE = 0.15  # of a correlation over `noise_shape`; only its ratio to the priors counts
# Priors, standard deviations: of the bends of ln(scale) and floor at a knot, of the floor, of the
# ceiling about its usual value, of the coherence.
BEND, FLOOR_BEND, FLOOR, CEILING, USUAL_CEILING, SHARE = 0.5, 0.1, 0.5, 0.1, 0.97, 1.0

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Curve:
    """Scales (K,) of the samples' own lengths, and floors (K,), at depths (K,) mm.

    The elevational length of a patch is its depth's scale times `Samples.sigma`; its share that
    does not decay is its depth's floor and `coherence` times its `structure`; ceiling as in
    `benchmark.speckle.law`.
    """

    depth_mm: Array
    scale: Array
    floor: Array
    ceiling: float
    coherence: float

    def correlation(self, samples: Samples) -> Array:
        """Return the expected correlations (S,) of samples."""
        length = samples.sigma * np.interp(samples.depth, self.depth_mm, self.scale)
        floor = np.interp(samples.depth, self.depth_mm, self.floor)
        share = coherent_share(floor, self.coherence, samples.structure)
        return patch_correlation(samples.distance, samples.phase, length, self.ceiling, share)


def knots(depth: Array) -> Array:
    """Return the depths (K,) mm of a curve through samples at depths (S,) mm."""
    low, high = np.percentile(depth, (1, 99))
    count = int(np.clip(round((high - low) / KNOT_MM) + 1, 1, MOST_KNOTS))
    return np.linspace(low, high, count) if count > 1 else np.array([(low + high) / 2])


def fit_curve(
    samples: Samples, depth_mm: Array, start: Curve | None = None, *, one_scale: bool = False
) -> Curve:
    """Return the curve with knots (K,) that fits samples best, by robust least squares.

    one_scale: the same at all depths, where the samples' own lengths have the right shape.

    Correlations were measured after registration in the plane, so what misalignment leaves is part
    of the ceiling and not of the length. The noise is that of the previous fit: if it followed the
    parameters within a fit, a lower ceiling would be favoured for its larger noise.
    """
    from scipy.optimize import least_squares

    samples = samples.among(np.arange(0, len(samples), 1 + len(samples) // ROWS_AT_MOST))
    count, scales = len(depth_mm), 1 if one_scale else len(depth_mm)
    curve = start or Curve(depth_mm, np.ones(count), np.full(count, 0.05), 0.95, 0.1)
    limits = [np.log(SCALES)] * scales + [FLOORS] * count + [CEILINGS, COHERENCE]
    bounds = np.array(limits).T
    for _ in range(1 if start else 4):
        noise = NOISE * noise_shape(curve.correlation(samples))

        def residual(values: Array, noise: Array = noise) -> Array:
            model = _curve(depth_mm, values).correlation(samples)
            return np.concatenate([(samples.rho - model) / noise, _prior(values, count)])

        first = np.array(
            [*np.log(curve.scale[:scales]), *curve.floor, curve.ceiling, curve.coherence]
        )
        found = least_squares(
            residual,
            np.clip(first, bounds[0] + 1e-3, bounds[1] - 1e-3),
            bounds=bounds,
            loss="soft_l1",
            f_scale=2.0,
            xtol=1e-4,
        )
        curve = _curve(depth_mm, found.x)
    return curve


def _curve(depth_mm: Array, values: Array) -> Curve:
    """Return the curve of the logarithms of scales, one or (K,), floors (K,) and two numbers."""
    count = len(depth_mm)
    scale = np.broadcast_to(np.exp(values[: -2 - count]), (count,))
    floor = values[-2 - count : -2]
    return Curve(depth_mm, scale, floor, float(values[-2]), float(values[-1]))


def _prior(values: Array, count: int) -> Array:
    """Return how far values are from what is likely, in standard deviations."""
    scales, floors = np.split(values[:-2], [-count])
    bends = np.concatenate([np.diff(scales, 2) / BEND, np.diff(floors, 2) / FLOOR_BEND])
    ends = ((values[-2] - USUAL_CEILING) / CEILING, values[-1] / SHARE)
    return np.array([*bends, *(floors / FLOOR), *ends])


def bootstrap(
    samples: Samples, curve: Curve, rounds: int, block: int, rng: np.random.Generator
) -> list[Curve]:
    """Return curves fitted to samples drawn again, with replacement, in clusters.

    A cluster is a column of patches in `block` neighbouring frames: within it, correlations go
    together.
    """
    cluster = samples.first // block * 10_000 + np.unique(samples.column, return_inverse=True)[1]
    names, member = np.unique(cluster, return_inverse=True)
    groups = [np.flatnonzero(member == number) for number in range(len(names))]
    found = []
    for _ in range(rounds):
        drawn = rng.integers(len(groups), size=len(groups))
        again = samples.among(np.concatenate([groups[number] for number in drawn]))
        found.append(fit_curve(again, curve.depth_mm, curve))
    return found
