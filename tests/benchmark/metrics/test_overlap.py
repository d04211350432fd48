"""Swept volumes against boxes, prisms and sectors of known volume."""

from itertools import pairwise

import numpy as np
import pytest

from benchmark.metrics import Case, compute
from tests.benchmark.shared.random_cases import moved, pose

NAMES = ["overlap_dice", "swept_volume_error"]
WIDE, DEEP = 40.0, 30.0
SHAPE = (61, 81)
MM_FROM_PIXEL = np.diag([0.5, 0.5, 1.0, 1.0])


def line(length, axis=(0, 0, 1.0), frames=60, offset=(0, 0, 0)):
    places = np.outer(np.linspace(0, length, frames), axis) + np.array(offset)
    return moved(places)


def case_of(true, predicted):
    return Case(np.array(true), np.array(predicted), MM_FROM_PIXEL, SHAPE)


def test_a_box_has_its_volume():
    case = case_of(line(50.3), line(50.3))
    assert case.swept[0] == pytest.approx(WIDE * DEEP * 50.3, rel=0.01)
    assert compute(case, NAMES) == {"overlap_dice": 1.0, "swept_volume_error": 0.0}


@pytest.mark.parametrize("share", [0.9, 0.5, 0.25])
def test_a_shorter_box_overlaps_by_its_share(share):
    found = compute(case_of(line(60), line(60 * share)), NAMES)
    assert found["overlap_dice"] == pytest.approx(2 * share / (1 + share), abs=0.01)
    assert found["swept_volume_error"] == pytest.approx(100 * (1 - share), abs=1.5)


def test_boxes_apart_do_not_overlap_whatever_their_size():
    found = compute(case_of(line(30), line(-30)), NAMES)
    assert found["overlap_dice"] == 0
    assert found["swept_volume_error"] == pytest.approx(0, abs=2)


def test_a_fan_about_the_probe_face_sweeps_a_sector():
    angles = np.linspace(0, np.radians(60), 90)
    fan = [pose([a, 0, 0], np.zeros(3)) for a in angles]  # about x: depth y turns towards z
    case = case_of(fan, fan)
    sector = WIDE * DEEP**2 * np.radians(60) / 2
    assert case.swept[0] == pytest.approx(sector, rel=0.01)


def test_a_tilted_sweep_has_the_volume_of_its_prism():
    axis = np.array([0.6, 0.0, 0.8])
    case = case_of(line(50, axis), line(50, axis))
    assert case.swept[0] == pytest.approx(WIDE * DEEP * 50 * 0.8, rel=0.01)
    turned = pose([0.3, -0.5, 0.7], [0, 0, 0])
    case = case_of(turned @ line(50, axis), turned @ line(50, axis))
    assert case.swept[0] == pytest.approx(WIDE * DEEP * 50 * 0.8, rel=0.01)


def test_a_point_is_swept_as_a_search_over_voxels_finds():
    """Independent: a voxel is swept if the distance to the plane changes its sign inside."""
    rng = np.random.default_rng(2)
    poses = [np.eye(4)]
    for _ in range(5):
        poses.append(poses[-1] @ pose(0.08 * rng.normal(size=3), [0.5, 0.2, 3.0]))
    case = case_of(poses, poses)
    low, high = case.corners.min(0), case.corners.max(0)
    places = np.stack([np.linalg.inv(p) for p in poses])
    points = rng.uniform([-10, -10, -10], [60, 50, 30], (200_000, 3))
    inside = np.zeros(len(points), bool)
    for first, last in pairwise(places):
        a, b = (points @ m[:3, :3].T + m[:3, 3] for m in (first, last))
        crosses = a[:, 2] * b[:, 2] <= 0
        share = a[:, 2] / (a[:, 2] - b[:, 2])
        at = (1 - share)[:, None] * a + share[:, None] * b
        within = (at[:, :2] >= low[:2]).all(1) & (at[:, :2] <= high[:2]).all(1)
        inside |= crosses & within
    monte_carlo = inside.mean() * 70 * 60 * 40
    assert case.swept[0] == pytest.approx(monte_carlo, rel=0.02)


def test_motion_in_the_image_plane_sweeps_nothing_to_compare():
    true = line(20, (1.0, 0, 0))
    assert compute(case_of(true, line(20)), NAMES) == dict.fromkeys(NAMES)


def test_a_prediction_that_flies_off_needs_no_endless_grid():
    far = [pose([0.5 * i, 0.3 * i, 0], [900.0 * i, 400.0 * i, 700.0 * i]) for i in range(20)]
    found = compute(case_of(line(30, frames=20), far), NAMES)
    assert 0 <= found["overlap_dice"] < 0.2
