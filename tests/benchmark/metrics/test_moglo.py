"""MoGLo-Net's measures against their definitions written out, in its own axes."""

import numpy as np
import pytest

from benchmark.metrics import compute
from benchmark.metrics.moglo import moglo_parameters
from tests.benchmark.shared.random_cases import (
    MM_FROM_PIXEL,
    SHAPE,
    case_of,
    moved,
    pose,
    random_case,
)

CENTRE = (MM_FROM_PIXEL @ [(SHAPE[1] - 1) / 2, (SHAPE[0] - 1) / 2, 0, 1])[:3]


def rotation(axis, angle):
    vector = np.zeros(3)
    vector[axis] = angle
    return pose(vector, np.zeros(3))[:3, :3]


def grid_points():
    return [
        (MM_FROM_PIXEL @ [SHAPE[1] * c / 16, SHAPE[0] * r / 16, 0, 1])[:3]
        for r in range(16)
        for c in range(16)
    ]


def places(poses, points):
    """Positions (N, P, 3)."""
    return np.array([[t[:3, :3] @ p + t[:3, 3] for p in points] for t in poses])


def test_parameters_compose_back_to_the_pose_in_its_axes():
    """R = R_y(a1) R_z(a2) R_x(a3) about x axial, y lateral, z their cross product."""
    case = random_case(0)
    axes = np.array([[0, 1, 0], [1, 0, 0], [0, 0, -1.0]])
    assert np.allclose(np.cross(axes[0], axes[1]), axes[2])
    for t, values in zip(
        case.true_first_from_frame, moglo_parameters(case, case.true_first_from_frame), strict=True
    ):
        a1, a2, a3 = np.radians(values[3:])
        built = rotation(1, a1) @ rotation(2, a2) @ rotation(0, a3)
        assert np.allclose(axes.T @ built @ axes, t[:3, :3], atol=1e-12)
        shift = t[:3, :3] @ CENTRE + t[:3, 3] - CENTRE
        assert np.allclose(values[:3], [shift[1], shift[0], -shift[2]], atol=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_point_errors_rates_and_correlations_equal_their_definitions(seed):
    case = random_case(seed, own_steps=True)
    points = grid_points()
    true = places(case.true_first_from_frame, points)
    predicted = places(case.predicted_first_from_frame, points)
    steps = np.linalg.inv(case.true_first_from_frame[:-1]) @ case.true_first_from_frame[1:]
    near = places(steps, points) - places(case.predicted_prev_from_frame, points)
    far = np.linalg.norm(true - predicted, axis=2)
    track = true[:, 8 * 16]  # grid row 8, column 0
    chord = np.linalg.norm(track[-1] - track[0])
    path = np.linalg.norm(np.diff(track, axis=0), axis=1).sum()
    a, b = true - CENTRE, predicted - CENTRE

    def cosine(u, v):
        return ((u * v).sum(0) / np.sqrt((u**2).sum(0) * (v**2).sum(0))).mean()

    expected = {
        "rfe_moglo": np.linalg.norm(near, axis=2).mean(),
        "afe_moglo": far.mean(),
        "fd_moglo": far[-1].mean(),
        "fdr_chord_moglo": 100 * far[-1].mean() / chord,
        "fdr_path_moglo": 100 * far[-1].mean() / path,
        "corr_moglo": cosine(a, b),
        "corr_pearson": cosine(a - a.mean(0), b - b.mean(0)),
    }
    assert compute(case, expected) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("seed", range(3))
def test_parameter_errors_are_means_over_components(seed):
    case = random_case(seed, own_steps=True)
    steps = np.linalg.inv(case.true_first_from_frame[:-1]) @ case.true_first_from_frame[1:]
    near = moglo_parameters(case, case.predicted_prev_from_frame) - moglo_parameters(case, steps)
    far = moglo_parameters(case, case.predicted_first_from_frame) - moglo_parameters(
        case, case.true_first_from_frame
    )
    expected = {
        "rae_translation_moglo": np.abs(near[:, :3]).mean(),
        "rae_rotation_moglo": np.abs(near[:, 3:]).mean(),
        "aae_translation_moglo": np.abs(far[:, :3]).mean(),
        "aae_rotation_moglo": np.abs(far[:, 3:]).mean(),
    }
    assert compute(case, expected) == pytest.approx(expected, rel=1e-9)


def test_uncentred_correlation_hides_what_pearson_shows():
    t = np.linspace(0, 1, 200)
    true = np.column_stack([0 * t, 0 * t, 100 * t])
    bent = np.column_stack([0 * t, 0 * t, 85 * t**0.7])
    found = compute(
        case_of(moved(true), moved(bent)), ["corr_moglo", "corr_pearson", "fdr_path_moglo"]
    )
    assert found["corr_moglo"] > 0.99 and found["fdr_path_moglo"] == pytest.approx(15)
    assert found["corr_pearson"] < found["corr_moglo"]


def test_a_coordinate_that_only_the_truth_moves_counts_as_zero():
    t = np.linspace(0, 1, 50)
    true = moved(np.column_stack([5 * t, 0 * t, 9 * t]))
    predicted = moved(np.column_stack([5 * t, 0 * t, 0 * t]))
    found = compute(case_of(true, predicted), ["corr_pearson"])
    assert found["corr_pearson"] == pytest.approx(0.5)  # x follows, z does not, y stands still
