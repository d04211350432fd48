"""Trajectory errors against SciPy's alignment and a search over pairs frame by frame."""

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.spatial.transform import Rotation

from benchmark.metrics import Case, compute
from benchmark.metrics.pairs import pairs_by_angle, pairs_by_path
from benchmark.metrics.slam import align
from tests.benchmark.shared.random_cases import (
    MM_FROM_PIXEL,
    SHAPE,
    case_of,
    chained,
    moved,
    pose,
    random_case,
)

ATE = ["ate_anchored", "ate_se3", "ate_sim3"]


@pytest.mark.parametrize("seed", range(5))
def test_trajectory_errors_equal_scipy_and_grow_with_less_alignment(seed):
    case = random_case(seed)
    true, predicted = case.true_track, case.predicted_track
    centred, other = true - true.mean(0), predicted - predicted.mean(0)
    _, residual = Rotation.align_vectors(centred, other)
    found = compute(case, ATE)
    assert found["ate_anchored"] == pytest.approx(
        np.sqrt(((true - predicted) ** 2).sum(1).mean()), rel=1e-12
    )
    assert found["ate_se3"] == pytest.approx(residual / np.sqrt(len(true)), rel=1e-9)

    def rmse(x):
        moved = np.exp(x[0]) * Rotation.from_rotvec(x[1:4]).apply(other) + x[4:]
        return np.sqrt(((moved - centred) ** 2).sum(1).mean())

    best = min(minimize(rmse, np.r_[0, v, 0, 0, 0], tol=1e-12).fun for v in np.eye(3))
    assert found["ate_sim3"] == pytest.approx(best, rel=1e-5)
    assert found["ate_sim3"] <= found["ate_se3"] <= found["ate_anchored"]


def test_alignment_undoes_any_similarity_but_not_a_mirror():
    rng = np.random.default_rng(0)
    points = rng.normal(size=(20, 3))
    rotation = Rotation.random(random_state=1).as_matrix()
    scale, found, shift = align(points, 1.7 * points @ rotation.T + [1, 2, 3], scaled=True)
    assert scale == pytest.approx(1.7) and np.allclose(found, rotation)
    assert np.allclose(shift, [1, 2, 3])
    _, mirrored, _ = align(points, points * [1, 1, -1], scaled=True)
    assert np.linalg.det(mirrored) == pytest.approx(1)


def test_a_straight_line_that_is_short_aligns_to_nothing_with_scale():
    places = np.outer(np.arange(30.0), [0.1, 0, 1])
    found = compute(case_of(moved(places), moved(0.5 * places)), ATE)
    assert found["ate_sim3"] == pytest.approx(0, abs=1e-9) and found["ate_se3"] > 1


def pairs_frame_by_frame(distance, limit):
    """Pairs (i, first j) with distance[i, j] >= limit that overshoot by a tenth at most."""
    pairs = []
    for i in range(len(distance)):
        for j in range(i + 1, len(distance)):
            if distance[i, j] >= limit * (1 - 1e-9):
                if distance[i, j] <= 1.1 * limit:
                    pairs.append((i, j))
                break
    return pairs


@pytest.mark.parametrize("seed", range(3))
def test_relative_errors_equal_a_search_frame_by_frame(seed):
    case = random_case(seed, frames=300, landmarks=0)
    path = case.paths[0]
    turns = Rotation.from_matrix(case.true_first_from_frame[:, :3, :3])
    angle = np.array([(turns[i].inv() * turns).magnitude() for i in range(len(case))])
    checks = [(np.subtract.outer(path, path).T, d, f"{d}mm", pairs_by_path) for d in (5, 20, 50)]
    checks += [(np.degrees(angle), d, f"{d}deg", pairs_by_angle) for d in (5, 10, 20)]
    centre = np.append(case.centre, 1)
    for distance, limit, label, pairs_of in checks:
        pairs = pairs_frame_by_frame(distance, limit)
        assert pairs and pairs == list(
            zip(*(x.tolist() for x in pairs_of(case, limit)), strict=True)
        )
        moves, angles = [], []
        for i, j in pairs:
            q, p = (
                np.linalg.inv(t[i]) @ t[j]
                for t in (case.true_first_from_frame, case.predicted_first_from_frame)
            )
            moves.append(np.linalg.norm((q - p) @ centre))
            angles.append(np.degrees(Rotation.from_matrix(q[:3, :3].T @ p[:3, :3]).magnitude()))
        found = compute(case, [f"rpe_translation_{label}", f"rpe_rotation_{label}"])
        assert found[f"rpe_translation_{label}"] == pytest.approx(np.mean(moves), rel=1e-9)
        assert found[f"rpe_rotation_{label}"] == pytest.approx(np.mean(angles), rel=1e-9)


def test_a_scaled_line_errs_by_the_same_share_over_every_distance():
    places = np.outer(np.arange(0, 121, 0.5), [0, 0, 1])
    found = compute(
        case_of(moved(places), moved(0.95 * places)),
        [f"rpe_translation_{d}mm" for d in (5, 10, 20, 50, 100)],
    )
    for distance in (5, 10, 20, 50, 100):
        assert found[f"rpe_translation_{distance}mm"] == pytest.approx(0.05 * distance, rel=1e-9)


def test_a_fan_that_turns_too_little_errs_by_the_same_share_of_every_angle():
    def fan(step):
        return chained([pose([np.radians(step), 0, 0], [0, 0, 0])] * 100)

    case = Case(fan(1.0), fan(0.9), MM_FROM_PIXEL, SHAPE)
    for angle in (5, 10, 20, 45, 90):
        found = compute(case, [f"rpe_rotation_{angle}deg"])
        assert found[f"rpe_rotation_{angle}deg"] == pytest.approx(0.1 * angle, rel=1e-6)


def test_distances_that_the_sweep_does_not_reach_are_undefined():
    places = np.outer(np.arange(0, 30.0), [0, 0, 1])
    names = ["rpe_translation_20mm", "rpe_translation_50mm", "rpe_rotation_5deg"]
    found = compute(case_of(moved(places), moved(places)), names)
    assert found == {"rpe_translation_20mm": 0.0, names[1]: None, names[2]: None}
