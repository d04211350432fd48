"""In-plane registration of neighbouring frames, the tracker without motion out of the plane."""

from collections.abc import Mapping

import numpy as np

from baselines.parts.motion import fuse_gaps
from benchmark import geometry
from benchmark.speckle.registration import (
    Pairs,
    RegistrationConfig,
    plane_pose,
    registered_gaps,
    registration_of,
)
from benchmark.sweep import Observation, Prediction
from benchmark.tracker import Tracker


class InPlaneRegistration(Tracker):
    """Sub-pixel registration in the image plane, with rotation; no motion out of the plane.

    It shows how far in-plane motion alone goes. Block matching of the decompressed
    envelope (normalised cross-correlation of half-overlapping patches), sub-pixel peaks from the
    shape of the speckle's autocorrelation, robust rigid fit, and the best linear join of steps over
    one to three frames. Nothing is learned.
    """

    name = "in-plane-registration"
    Config = RegistrationConfig

    def track(self, observation: Observation) -> Prediction:
        count = len(observation)
        if count < 2:
            return Prediction.from_steps(np.zeros((0, 4, 4)))
        found = registered_gaps(registration_of(observation, self.config), self.config.gaps)
        poses, spread = fuse_gaps(*plane_measures(found), count)
        centre = geometry.image_centre(
            observation.bmode.mm_from_pixel, observation.bmode.frames.shape
        )
        sigma = np.sqrt(spread[:, :2].sum(1))
        return Prediction(geometry.about(-centre, poses), sigma=sigma)


def plane_measures(
    found: Mapping[int, Pairs],
) -> tuple[dict[int, np.ndarray], dict[int, np.ndarray]]:
    """Return poses and variances by gap, as `fuse_gaps` takes them, of in-plane motions."""
    measures, variances = {}, {}
    for gap, pairs in found.items():
        measures[gap] = plane_pose(pairs.motion)
        variances[gap] = np.full((len(pairs.motion), 6), 1e-6)
        variances[gap][:, [0, 1, 5]] = pairs.variance
    return measures, variances
