"""Rotation errors against SciPy's rotations and a turn of known angle."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from benchmark.metrics import compute
from tests.benchmark.shared.random_cases import case_of, pose, random_case

NAMES = ["rotation_geodesic", "rotation_geodesic_final", "rotation_euler_xyz", "rotation_axes"]


@pytest.mark.parametrize("seed", range(5))
def test_rotation_errors_equal_scipy(seed):
    case = random_case(seed)
    true = Rotation.from_matrix(case.true_first_from_frame[1:, :3, :3])
    predicted = Rotation.from_matrix(case.predicted_first_from_frame[1:, :3, :3])
    angle = np.degrees((true.inv() * predicted).magnitude())
    # R = Rz Ry Rx, read off the matrix by hand.
    euler = [
        np.degrees(
            [
                np.arctan2(m[2, 1], m[2, 2]),
                -np.arcsin(m[2, 0]),
                np.arctan2(m[1, 0], m[0, 0]),
            ]
        )
        for rotation in (true, predicted)
        for m in rotation.as_matrix()
    ]
    euler = np.array(euler).reshape(2, -1, 3)
    axes = np.degrees(
        np.arccos(np.einsum("nij,nij->nj", true.as_matrix(), predicted.as_matrix()).clip(-1, 1))
    )
    found = compute(case, NAMES)
    assert found["rotation_geodesic"] == pytest.approx(angle.mean(), rel=1e-9)
    assert found["rotation_geodesic_final"] == pytest.approx(angle[-1], rel=1e-9)
    assert found["rotation_euler_xyz"] == pytest.approx(np.abs(euler[1] - euler[0]).mean(), 1e-9)
    assert found["rotation_axes"] == pytest.approx(axes.mean(), rel=1e-6)


@pytest.mark.parametrize("degrees", [1e-6, 0.3, 30.0, 179.0])
def test_a_turn_about_one_axis_is_seen_three_ways(degrees):
    turned = pose([0, 0, np.radians(degrees)], [0, 0, 1.0])
    found = compute(case_of([np.eye(4), pose([0, 0, 0], [0, 0, 1.0])], [np.eye(4), turned]), NAMES)
    assert found["rotation_geodesic"] == pytest.approx(degrees, rel=1e-6)
    assert found["rotation_euler_xyz"] == pytest.approx(degrees / 3, rel=1e-6)
    assert found["rotation_axes"] == pytest.approx(2 * degrees / 3, rel=1e-6)


def test_euler_angles_are_compared_around_the_circle():
    true, predicted = (pose([0, 0, np.radians(a)], [0, 0, 1.0]) for a in (179.0, -179.0))
    found = compute(case_of([np.eye(4), true], [np.eye(4), predicted]), NAMES)
    assert found["rotation_euler_xyz"] == pytest.approx(2 / 3, rel=1e-9)
