"""Frame times and landmarks."""

import numpy as np
import pytest

from benchmark import geometry
from benchmark.errors import UserError
from simulate.probe.acquisition import frame_times, laser_times
from simulate.probe.settings import AcquisitionSettings
from simulate.sweep.landmarks import visible_landmarks

MM_FROM_PIXEL = np.diag([0.25, 0.2, 1.0, 1.0])
MM_FROM_PIXEL[:2, 3] = -12.0, 1.0


def test_frames_are_timed_at_their_middle():
    times = frame_times(np.random.default_rng(0), AcquisitionSettings(5, 10.0))
    assert np.allclose(times, [0.05, 0.15, 0.25, 0.35, 0.45])


def test_jitter_has_its_size_and_keeps_the_order():
    settings = AcquisitionSettings(4000, 20.0, frame_jitter_s=0.005)
    times = frame_times(np.random.default_rng(0), settings)
    deviation = times - (np.arange(4000) + 0.5) / 20.0
    assert deviation.std() == pytest.approx(0.005, rel=0.05)
    rough = AcquisitionSettings(4000, 20.0, frame_jitter_s=0.5)
    assert (np.diff(frame_times(np.random.default_rng(0), rough)) > 0).all()


def test_dropped_frames_leave_their_gap():
    settings = AcquisitionSettings(5000, 20.0, dropped_share=0.1)
    times = frame_times(np.random.default_rng(1), settings)
    number = np.rint(times * 20.0 - 0.5)
    assert np.allclose(times, (number + 0.5) / 20.0)
    assert np.diff(number).min() == 1 and np.diff(number).max() > 1
    assert 1 - len(times) / 5000 == pytest.approx(0.1, abs=0.02)
    assert (times[0], times[-1]) == pytest.approx((0.5 / 20.0, 4999.5 / 20.0))


def test_the_laser_covers_the_sweep_with_no_more_frames_than_allowed():
    settings = AcquisitionSettings(100, 20.0)  # 5 s
    assert len(laser_times(settings, 3.0, 24)) == 15
    times = laser_times(settings, 10.0, 24)
    assert len(times) == 24 and times[0] == pytest.approx(5 - times[-1])
    assert np.allclose(np.diff(times), 5 / 24)


def test_landmarks_lie_where_the_frames_cut_them():
    """Known pixels of known frames, carried to the world, are found again in those frames."""
    rng = np.random.default_rng(2)
    twists = rng.normal((0, 0, 1, 0, 0, 0), 0.02, (29, 6))
    poses = geometry.chain(geometry.exp(twists))
    frames = np.sort(rng.choice(30, 12, replace=False))
    pixels = rng.uniform((5, 5), (90, 90), (12, 2))
    image = np.column_stack([pixels, np.zeros(12), np.ones(12)]) @ MM_FROM_PIXEL.T
    world = np.stack([poses[f] @ p for f, p in zip(frames, image, strict=True)])[:, :3]
    found = visible_landmarks(world, poses, MM_FROM_PIXEL, (96, 96), np.zeros(len(poses)))
    assert np.allclose(found, np.column_stack([frames, pixels]), atol=1e-6)


def test_landmarks_out_of_sight_are_left_out():
    poses = np.repeat(np.eye(4)[None], 3, 0)
    poses[:, 2, 3] = 0.0, 1.0, 2.0
    world = np.array([
        [0.0, 5.0, 1.1],    # seen in frame 1
        [3.0, 5.0, 1.5],    # between two planes
        [0.0, 5.0, 4.0],    # beyond the sweep
        [13.0, 5.0, 1.0],   # beside the image
        [-12.0, 5.0, 1.0],  # on its border
        [0.0, 0.5, 1.0],    # above it
    ])  # fmt: skip
    found = visible_landmarks(world, poses, MM_FROM_PIXEL, (96, 96), np.zeros(len(poses)))
    assert found.shape == (1, 3) and np.allclose(found, [[1.0, 48.0, 20.0]])
    assert visible_landmarks(
        np.zeros((0, 3)), poses, MM_FROM_PIXEL, (96, 96), np.zeros(len(poses))
    ).shape == (0, 3)


@pytest.mark.parametrize(
    "change",
    [{"frames": 1}, {"frame_rate_hz": 0.0}, {"frame_jitter_s": -1.0}, {"dropped_share": 1.0}],
)
def test_impossible_acquisition_is_refused(change):
    with pytest.raises(UserError, match=f"acquisition.{next(iter(change))}"):
        AcquisitionSettings(**change)
