"""Motion of the image centre, and steps over several frames joined into one path."""

import numpy as np

from baselines.parts.motion import (
    centre_motion,
    fuse_gaps,
    steps_from_centre_motion,
    true_motion,
)
from benchmark import geometry


def test_centre_motion_is_undone(test_sweep):
    steps = test_sweep.prev_from_frame
    motion = centre_motion(test_sweep.bmode, steps)
    assert np.abs(steps_from_centre_motion(test_sweep.bmode, motion) - steps).max() < 1e-12


def test_centre_motion_is_that_of_the_centre_point(test_sweep, scene):
    centre = test_sweep.bmode.centre_mm
    assert np.allclose(centre, scene.centre_mm)
    moved = geometry.apply(test_sweep.prev_from_frame, centre[None])[:, 0]
    assert np.allclose(true_motion(test_sweep)[:, :3], moved - centre)


def test_gaps_of_one_are_chained():
    steps = geometry.exp(np.random.default_rng(0).normal(size=(9, 6)) * 0.1)
    poses, spread = fuse_gaps({1: steps}, {1: np.full((9, 6), 0.04)}, 10)
    assert np.abs(poses - geometry.chain(steps)).max() < 1e-12
    assert np.allclose(spread, 0.04)


def test_exact_measures_are_kept_whatever_their_weights():
    rng = np.random.default_rng(1)
    poses = geometry.chain(geometry.exp(rng.normal(size=(11, 6)) * 0.1))
    measures = {k: geometry.inverse(poses[:-k]) @ poses[k:] for k in (1, 2, 3)}
    variances = {k: rng.uniform(0.1, 1, (12 - k, 6)) for k in measures}
    assert np.abs(fuse_gaps(measures, variances, 12)[0] - poses).max() < 1e-10


def test_joined_gaps_have_the_variance_of_the_best_linear_estimate():
    """Pure translations, whose best estimate is linear, in many simulated chains."""
    rng = np.random.default_rng(2)
    noise = {1: 0.05, 2: 0.03, 3: 0.04}
    ends = []
    for _ in range(300):
        measures = {}
        for k, sd in noise.items():
            measures[k] = np.tile(np.eye(4), (20 - k, 1, 1))
            measures[k][:, 2, 3] = 0.2 * k + sd * rng.normal(size=20 - k)
        variances = {k: np.full((20 - k, 6), sd**2) for k, sd in noise.items()}
        poses, spread = fuse_gaps(measures, variances, 20)
        ends.append(poses[:, 2, 3])
    steps = np.diff(np.array(ends), axis=1)
    assert abs(steps[:, 5:].mean() - 0.2) < 2e-3
    assert abs(steps[:, 5:].std() / np.sqrt(spread[5:, 2].mean()) - 1) < 0.05
    assert np.array(ends)[:, -1].std() < 0.05 * np.sqrt(19) / 1.5  # chained single steps' over 1.5


def test_only_earlier_frames_enter():
    rng = np.random.default_rng(3)
    measures = {k: geometry.exp(rng.normal(size=(15 - k, 6)) * 0.1) for k in (1, 2, 3)}
    variances = {k: np.ones((15 - k, 6)) for k in measures}
    whole = fuse_gaps(measures, variances, 15)[0]
    cut = {k: value[: 8 - k] for k, value in measures.items()}
    part = fuse_gaps(cut, {k: np.ones((8 - k, 6)) for k in cut}, 8)[0]
    assert np.allclose(whole[:8], part, atol=1e-12)
