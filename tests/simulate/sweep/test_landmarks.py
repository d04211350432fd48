"""Landmarks: the frame and pixel in which a point of the tissue is seen, at rest and moving."""

import numpy as np
import pytest

from simulate.sweep.landmarks import visible_landmarks
from simulate.tissue.motion import TissueMotion

STEP_MM, FRAMES, RATE_HZ = 0.25, 80, 20.0
TIMES = (np.arange(FRAMES) + 0.5) / RATE_HZ
SHAPE = (120, 100)
MM_FROM_PIXEL = np.array(
    [[0.2, 0.0, 0.0, -9.9], [0.0, 0.25, 0.0, 1.0], [0.0, 0.0, 1.0, 0.0], [0.0, 0.0, 0.0, 1.0]]
)


def advancing():
    """Poses of a probe that goes along z, a step a frame, from z = 0."""
    poses = np.tile(np.eye(4), (FRAMES, 1, 1))
    poses[:, 2, 3] = STEP_MM * np.arange(FRAMES)
    return poses


def seen(points, poses=None, displacement=None):
    poses = advancing() if poses is None else poses
    return visible_landmarks(
        np.asarray(points, float), poses, MM_FROM_PIXEL, SHAPE, TIMES, displacement
    )


def test_a_point_at_rest_is_in_the_frame_nearest_to_it():
    rows = seen([[1.0, 9.0, 5.05], [-2.0, 20.0, 2.45]])
    assert rows[:, 0].tolist() == [10.0, 20.0]
    assert np.allclose(rows[:, 1:], [[7.9 / 0.2, 19.0 / 0.25], [10.9 / 0.2, 8.0 / 0.25]])


@pytest.mark.parametrize("point", [[0.0, 10.0, -0.4], [-9.8, 10.0, 5.0], [0.0, 40.0, 5.0]])
def test_a_point_off_the_plane_or_at_the_border_is_in_no_frame(point):
    assert seen([point]).shape == (0, 3) == seen(np.zeros((0, 3))).shape


def test_a_point_under_a_black_border_is_in_no_frame():
    mask = np.ones(SHAPE, bool)
    mask[:, :50] = False  # up to x = 0
    points = np.array([[1.0, 9.0, 5.0], [-2.0, 20.0, 2.5]])
    rows = visible_landmarks(points, advancing(), MM_FROM_PIXEL, SHAPE, TIMES, mask=mask)
    assert rows.shape == (1, 3) and rows[0, 0] == 20.0


def test_a_point_that_drifts_is_seen_where_it_is_when_the_probe_meets_it():
    """Tissue goes v mm/s along x, y and z: probe and point meet at z0 = (w - v_z) t."""
    velocity = np.array([0.4, -0.7, 1.0])
    drift = lambda points, time_s, pose: np.tile(velocity * time_s, (len(points), 1))  # noqa: E731
    (row,) = seen([[1.0, 9.0, 8.0]], displacement=drift)
    speed = STEP_MM * RATE_HZ
    meeting = (8.0 + 0.5 * STEP_MM) / (speed - velocity[2])  # frame 0 is half a step after time 0
    assert row[0] == round(meeting * RATE_HZ - 0.5)
    place = np.array([1.0, 9.0, 8.0]) + velocity * TIMES[int(row[0])]
    assert np.allclose(row[1:], (place[:2] - MM_FROM_PIXEL[:2, 3]) / (0.2, 0.25))
    assert seen([[1.0, 9.0, 8.0]])[0, 0] == 32.0 != row[0]


def test_under_a_sinking_probe_a_point_is_as_deep_as_the_strain_says():
    motion = TissueMotion(strain=0.15, depth_mm=12.0, share=1.0)
    poses = advancing() @ motion.sinking(TIMES)
    (row,) = seen([[2.0, 15.0, 10.0]], poses, motion.displacement)
    strain = 0.15 * motion.pressure(TIMES[40])
    deep = 15.0 - strain * 12.0 * (1.0 - np.exp(-15.0 / 12.0))
    aside = 2.0 * (1.0 + strain * np.exp(-15.0 / 12.0))
    assert row == pytest.approx([40.0, (aside + 9.9) / 0.2, (deep - 1.0) / 0.25], abs=1e-9)
    assert abs(deep - 15.0) > 0.5


def test_with_the_breath_a_point_is_seen_in_another_frame():
    motion = TissueMotion(breath_mm=2.0, breath_hz=0.4, breath_direction=(0.0, 0.0, 1.0))
    (row,) = seen([[0.0, 10.0, 8.0]], displacement=motion.displacement)
    z = 8.0 + 2.0 * (1.0 - np.cos(np.pi * 0.4 * TIMES) ** 4) * (1.0 - np.exp(-10.0 / 12.0))
    assert row[0] == np.abs(z - STEP_MM * np.arange(FRAMES)).argmin() != 32
