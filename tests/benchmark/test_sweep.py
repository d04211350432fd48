"""Sweeps in memory: what an observation of one shows, and the poses of its frames."""

from dataclasses import replace

import numpy as np

from benchmark import geometry
from tests.benchmark.shared.full_sweep import full_sweep


def test_an_observation_holds_no_truth():
    sweep = full_sweep()
    seen = sweep.observe()
    assert seen.imu is None and sweep.observe(("bmode", "imu")).imu is not None
    for images in seen.channels.values():
        assert not hasattr(images, "world_from_image")
    held = {
        **vars(seen),
        **{f"{n}.{k}": v for n, c in seen.channels.items() for k, v in vars(c).items()},
    }
    assert not any("world" in key or "landmark" in key or "factor" in key for key in held)


def test_truth_is_anchored_at_the_first_frame():
    sweep = full_sweep()
    assert np.allclose(sweep.first_from_frame[0], np.eye(4), atol=1e-12)
    assert np.allclose(geometry.chain(sweep.prev_from_frame), sweep.first_from_frame)


def test_a_tracker_sees_the_imu_but_not_its_truth():
    sweep = full_sweep()
    sweep = replace(sweep, imu={**sweep.imu, "true_acceleration": np.zeros((7, 3))})
    seen = sweep.observe(("bmode", "imu")).imu
    assert set(seen) == {"timestamps", "acceleration", "angular_rate"}
    assert sweep.observe().imu is None
