"""Trackers of no motion and of the training sweeps' mean motion."""

import numpy as np

from baselines.constant import Identity, TrainingMean
from benchmark import geometry


def test_identity_stays(test_sweep):
    poses = Identity().track(test_sweep.observe()).first_from_frame
    assert np.array_equal(poses, np.tile(np.eye(4), (len(test_sweep), 1, 1)))


def test_training_mean_is_the_mean_step_of_the_training_sweeps(training_sweeps, test_sweep):
    tracker = TrainingMean()
    tracker.fit(training_sweeps)
    steps = tracker.track(test_sweep.observe()).prev_from_frame
    assert np.ptp(steps, 0).max() < 1e-12
    twists = np.concatenate([geometry.log(s.prev_from_frame) for s in training_sweeps])
    assert np.allclose(geometry.log(steps[0]), twists.mean(0))


def test_unfitted_training_mean_stays(test_sweep):
    poses = TrainingMean().track(test_sweep.observe()).first_from_frame
    assert np.allclose(poses, np.eye(4))
