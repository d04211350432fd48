"""Speckle decorrelation: elevational motion by closed-form physics and a calibration."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from baselines.decorrelation_fit import Calibration, Example, Levels, calibrate
from baselines.parts.motion import fuse_gaps
from benchmark import geometry
from benchmark.speckle.law import envelope_correlation, noise_shape, phase_rate
from benchmark.speckle.map import SpeckleMap, speckle_map
from benchmark.speckle.probe import patch_depths, wavelength_of
from benchmark.speckle.registration import (
    Pairs,
    RegistrationConfig,
    registered_gaps,
    registration_of,
)
from benchmark.speckle.samples import Samples, motion_between, samples_of
from benchmark.sweep import Images, Observation, Prediction, Sweep
from benchmark.tracker import Tracker


@dataclass(frozen=True)
class DecorrelationConfig(RegistrationConfig):
    """`RegistrationConfig` with the settings of elevational motion.

    advance: the direction along z, which speckle does not show: +1 or -1, or 0 for that of the
    training sweeps; fit_frames: largest number of training frames used by the calibration.
    """

    advance: int = 0
    fit_frames: int = 2000


class SpeckleDecorrelation(Tracker):
    """Classical speckle decorrelation: no network, and a probe that is assumed to advance.

    After Chen 1997, Prager 2003, Gee 2006, Housden 2006 and Krupa 2009: log decompression,
    sub-pixel in-plane registration of patches, correlation rho = c exp(-d^2 / 2 sigma(z)^2) with
    sigma(z) from the probe's speckle map (`benchmark.speckle`), robust fit of a plane (elevation,
    tilt, yaw) to all patches. Training sweeps give the map a scale, the ceiling c and the share of
    coherent structure, which does not decay (Gee 2006): a floor by depth, and more where patches
    correlate in their plane beyond the length of the speckle. A measured map holds all of these.
    What differs: d is never read from single patches (the root is biased where rho is near 1 or 0);
    the plane is fitted to the correlations themselves, with their known noise (1 - rho^2) and the
    decorrelation by tilt, exp(-2 k^2 sigma^2 tilt^2). Steps over several gaps are joined by their
    variances, so that gaps with informative correlation count most. Two frames of a symmetric beam
    do not show the sign of a step: the sweep is assumed to advance.
    """

    name = "speckle-decorrelation"
    uses_speckle_map = True
    Config = DecorrelationConfig

    def __init__(self, config=None):
        super().__init__(config)
        self.calibration = Calibration.default(len(self.config.gaps))

    def fit(self, sweeps: Sequence[Sweep]) -> None:
        gaps = self.config.gaps
        wider = (*gaps, 2 * max(gaps))
        share = max(max(wider) + 2, self.config.fit_frames // len(sweeps))
        examples: list[list[Example]] = [[] for _ in gaps]
        samples: list[Samples] = []
        for sweep in sweeps:
            seen = _Seen(_first_frames(sweep.observe(), share))
            poses = sweep.bmode.world_from_image[: len(seen.observation)]
            for gap, pairs in seen.registered(self.config, wider).items():
                motion = motion_between(seen.observation.bmode, poses, gap)
                depth, number = seen.depth_mm(pairs), wider.index(gap)
                sigma = seen.speckle.at(depth)[..., 2]
                samples.append(samples_of(pairs, motion, depth, sigma, seen.rate, number))
                if gap in gaps:
                    example = Example(pairs, motion, depth, seen.speckle, seen.rate)
                    examples[number].append(example)
        self.calibration = calibrate(examples, samples)
        gain = [self._gain(index, group) for index, group in enumerate(examples)]
        self.calibration = replace(self.calibration, gain=np.array(gain))

    def _gain(self, index: int, examples: list[Example]) -> float:
        """Return the sum of true elevational steps over that of the fitted ones, for one gap."""
        true, fitted = 1e-9, 1e-9
        for one in examples:
            levels = self.calibration.at(one.pairs, one.depth_mm, one.speckle, index)
            fitted += fit_plane(one.pairs, levels, one.rate)[0][:, 0].sum()
            true += np.abs(one.motion[:, 2]).sum()
        return float(np.clip(true / fitted, 0.5, 2.0))

    def track(self, observation: Observation) -> Prediction:
        count = len(observation)
        if count < 2:
            return Prediction.from_steps(np.zeros((0, 4, 4)))
        seen = _Seen(observation)
        centre = observation.bmode.centre_mm
        advance = self.config.advance or self.calibration.advance
        gains = self.calibration.gains(seen.speckle)
        measures, variances = {}, {}
        for gap, pairs in seen.registered(self.config, self.config.gaps).items():
            index = self.config.gaps.index(gap)
            levels = self.calibration.at(pairs, seen.depth_mm(pairs), seen.speckle, index)
            plane, spread = fit_plane(pairs, levels, seen.rate)
            plane[:, 0] *= gains[index]
            shift, turn = pairs.motion[:, :2], pairs.motion[:, 2:]
            motion = np.concatenate([shift, plane * advance, turn], 1)
            measures[gap] = geometry.from_degrees_of_freedom(motion)
            variances[gap] = np.concatenate(
                [pairs.variance[:, :2], spread, pairs.variance[:, 2:]], 1
            )
        poses, spread = fuse_gaps(measures, variances, count)
        steps = geometry.relative(poses)
        scale = seen.speckle.relative_error * steps[:, 2, 3]  # an error that all steps share
        sigma = np.sqrt(spread[:, :3].sum(1) + scale**2)
        return Prediction(geometry.about(-centre, poses), sigma=sigma)

    def arrays(self) -> Mapping[str, np.ndarray]:
        return self.calibration.arrays()

    def set_arrays(self, arrays: Mapping[str, np.ndarray]) -> None:
        self.calibration = Calibration.from_arrays(arrays, len(self.config.gaps))


class _Seen:
    """An observation with its speckle map; rate: 2 k^2 (1/mm^2), 0 without a known frequency."""

    def __init__(self, observation: Observation):
        self.observation = observation
        self.speckle: SpeckleMap = speckle_map(observation.probe, observation.bmode)
        self.rate = phase_rate(wavelength_of(observation.probe))

    def registered(self, config: DecorrelationConfig, gaps: Sequence[int]) -> dict[int, Pairs]:
        return registered_gaps(registration_of(self.observation, config), gaps)

    def depth_mm(self, pairs: Pairs) -> np.ndarray:
        """Return the depths (n,) of the patches of pairs."""
        return patch_depths(self.observation.probe, self.observation.bmode, pairs.centre_mm)


def _first_frames(observation: Observation, count: int) -> Observation:
    old = observation.bmode
    first = Images(old.frames[:count], old.timestamps[:count], old.mm_from_pixel, mask=old.mask)
    return Observation({"bmode": first}, observation.probe)


def fit_plane(pairs: Pairs, levels: Levels, phase_rate: float) -> tuple[np.ndarray, np.ndarray]:
    """Return elevation (mm, >= 0), tilt and yaw (rad) at the image centre (P, 3), and variances.

    Least squares of the patches' correlations against `model_correlation`, weighted by their noise
    and by Tukey's weights, with a normal prior on tilt and yaw (mean and spread in training); by
    Gauss-Newton, starting at the median of the distances of single patches.
    """
    rho, usable = np.nan_to_num(pairs.correlation), np.isfinite(pairs.correlation)
    plane = np.zeros((len(rho), 3))
    plane[:, 0] = _median_distance(rho, usable, levels)
    plane[:, 1:] = levels.mean
    penalty, mean = np.array([0.0, *levels.spread**-2.0]), np.array([0.0, *levels.mean])
    for _ in range(12):
        model, slope = model_correlation(plane, pairs.centre_mm, levels, phase_rate)
        noise = levels.noise * noise_shape(model)
        ratio = (rho - model) / noise
        scale = np.maximum(1.4826 * _median(np.abs(ratio), usable), 1)[:, None]
        tukey = (1 - np.minimum((ratio / (4.685 * scale)) ** 2, 1)) ** 2
        weight = usable * tukey * pairs.independent / (scale * noise) ** 2
        normal = np.einsum("pna,pn,pnb->pab", slope, weight, slope) + np.diag(penalty + 1e-3)
        right = np.einsum("pna,pn->pa", slope, weight * (rho - model)) - penalty * (plane - mean)
        change = np.linalg.solve(normal, right[..., None])[..., 0]
        limit = np.maximum(0.5 * np.abs(plane[:, :1]), 0.02)
        shrink = np.minimum(1, limit / np.maximum(np.abs(change[:, :1]), 1e-9))
        plane = plane + change * shrink
    plane[~usable.any(1)] = 0.0
    sign = np.where(plane[:, :1] < 0, -1.0, 1.0)
    spread = np.diagonal(np.linalg.inv(normal), axis1=1, axis2=2)
    return plane * sign, spread


def _median_distance(rho: np.ndarray, usable: np.ndarray, levels: Levels) -> np.ndarray:
    share = np.clip(rho / levels.ceiling, 0.02, 0.999)
    distance = levels.sigma_mm * np.sqrt(-2 * np.log(share))
    return _median(distance, usable)


def _median(values: np.ndarray, usable: np.ndarray) -> np.ndarray:
    """Return the median (P,) of the usable values (P, n) of each row, 0 where there is none."""
    kept = np.where(usable, values, np.nan)
    kept[~usable.any(1)] = 0
    return np.nanmedian(kept, 1)


def model_correlation(
    plane: np.ndarray, centre_mm: np.ndarray, levels: Levels, phase_rate: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return the expected correlation (P, n) of patches and its slope (P, n, 3) with the plane.

    rho = c (g + (1 - g) f(m)), m = exp(-d^2 / 2 sigma^2 - 2 k^2 sigma^2 tilt^2), d = elevation
    + tilt y - yaw x: a Gaussian elevational beam (Chen 1997) seen through the envelope, f being
    `envelope_correlation`, and a coherent share g (Gee 2006).
    """
    x, y = centre_mm.T
    lever = np.stack([np.ones_like(x), y, -x], -1)
    distance, square, tilt = plane @ lever.T, levels.sigma_mm**2, plane[:, 1:2]
    decay = np.exp(-(distance**2) / (2 * square) - phase_rate * square * tilt**2)
    value, steepness = envelope_correlation(decay)
    model = levels.ceiling * (levels.coherent + (1 - levels.coherent) * value)
    steepness = levels.ceiling * (1 - levels.coherent) * steepness * decay
    slope = -(steepness * distance / square)[..., None] * lever
    slope[..., 1] -= 2 * steepness * phase_rate * square * tilt
    return model, slope
