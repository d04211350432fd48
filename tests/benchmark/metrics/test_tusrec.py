"""The challenge's errors against the displacement fields of its own definition."""

import numpy as np
import pytest

from benchmark.metrics import Case, compute, range_normalised_scores
from benchmark.metrics.tusrec import gle, gpe, lle, lpe
from tests.benchmark.shared.random_cases import MM_FROM_PIXEL, SHAPE, case_of, moved, random_case


def all_pixels() -> np.ndarray:
    """Homogeneous pixels (4, P), x fastest."""
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    return np.stack([x.ravel(), y.ravel(), 0 * x.ravel(), 1 + 0 * x.ravel()]).astype(float)


def displacements(poses: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Displacement of every point under every pose, (N, 3, P) in mm: the submitted field."""
    millimetres = MM_FROM_PIXEL @ points
    return np.array([(t @ millimetres - millimetres)[:3] for t in poses])


def mean_distance(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.sqrt(((one - other) ** 2).sum(1)).mean())


@pytest.mark.parametrize("seed", range(5))
def test_pixel_errors_equal_the_brute_force_fields(seed):
    case = random_case(seed, own_steps=True)
    pixels = all_pixels()
    true = displacements(case.true_first_from_frame[1:], pixels)
    predicted = displacements(case.predicted_first_from_frame[1:], pixels)
    assert abs(gpe(case) - mean_distance(true, predicted)) < 1e-9
    steps = [
        np.linalg.inv(a) @ b
        for a, b in zip(
            case.true_first_from_frame[:-1], case.true_first_from_frame[1:], strict=True
        )
    ]
    local = mean_distance(
        displacements(np.array(steps), pixels),
        displacements(case.predicted_prev_from_frame, pixels),
    )
    assert abs(lpe(case) - local) < 1e-9


def test_pixel_errors_of_a_full_frame_equal_brute_force_and_gauss_legendre():
    scale = np.diag([0.229389190673828, 0.220979690551758, 1, 1])
    base = random_case(8, frames=4)
    case = Case(base.true_first_from_frame, base.predicted_first_from_frame, scale, (480, 640))
    difference = (base.true_first_from_frame - base.predicted_first_from_frame)[1:] @ scale
    y, x = np.mgrid[:480, :640]
    field = np.einsum(
        "nij,jp->nip",
        difference[:, :3, [0, 1, 3]],
        np.stack([x.ravel(), y.ravel(), np.ones(x.size)]).astype(float),
    )
    brute = np.linalg.norm(field, axis=1).mean()
    assert abs(gpe(case) - brute) < 1e-9
    # Pixel centres are a midpoint rule on the rectangle of pixel cells.
    node, weight = np.polynomial.legendre.leggauss(48)
    u, v = np.meshgrid(320 * (node + 1) - 0.5, 240 * (node + 1) - 0.5)
    places = np.stack([u.ravel(), v.ravel(), np.ones(u.size)])
    lengths = np.linalg.norm(np.einsum("nij,jp->nip", difference[:, :3, [0, 1, 3]], places), axis=1)
    integral = (lengths * np.outer(weight, weight).ravel()).sum(1).mean() / 4
    assert abs(gpe(case) / integral - 1) < 1e-5


def test_a_pure_translation_error_is_its_length():
    true = moved(np.outer(np.arange(5), [0.1, 0, 0.5]))
    predicted = true.copy()
    predicted[1:, :3, 3] += [0.3, 0.4, 1.2]
    case = case_of(true, predicted)
    assert gpe(case) == pytest.approx(1.3, abs=1e-12)
    assert lpe(case) == pytest.approx(1.3 / 4, abs=1e-12)  # only the first of four steps is wrong


@pytest.mark.parametrize("seed", range(3))
def test_landmark_errors_equal_the_definition_with_frame_zero_at_rest(seed):
    case = random_case(seed, own_steps=True)
    far, near = [], []
    for frame, x, y in case.landmarks:
        index = int(frame)
        p = MM_FROM_PIXEL @ [x, y, 0, 1]
        true, predicted = case.true_first_from_frame, case.predicted_first_from_frame
        far.append(np.linalg.norm((true[index] - predicted[index]) @ p))
        step = np.linalg.inv(true[index - 1]) @ true[index] if index else np.eye(4)
        told = case.predicted_prev_from_frame[index - 1] if index else np.eye(4)
        near.append(np.linalg.norm((step - told) @ p))
    assert far[0] == near[0] == 0  # the first landmark lies on frame 0, not on the last one
    assert gle(case) == pytest.approx(np.mean(far), abs=1e-12)
    assert lle(case) == pytest.approx(np.mean(near), abs=1e-12)


def test_a_landmark_on_frame_zero_ignores_the_last_frame():
    true = moved(np.outer(np.arange(4), [0, 0, 1.0]))
    predicted = true.copy()
    predicted[-1, :3, 3] += 50
    case = Case(true, predicted, MM_FROM_PIXEL, SHAPE, landmarks=np.array([[0.0, 5, 5]]))
    assert gle(case) == 0 and lle(case) == 0


def test_scores_are_anchored_at_truth_and_identity_and_may_be_negative():
    case = random_case(1)
    names = ["gpe_score", "lpe_score", "gle_score", "lle_score", "tusrec2025_final"]
    truth = Case(
        case.true_first_from_frame, case.true_first_from_frame, MM_FROM_PIXEL, SHAPE,
        landmarks=case.landmarks,
    )  # fmt: skip
    assert compute(truth, names) == pytest.approx(dict.fromkeys(names, 1.0), abs=1e-9)
    assert compute(case.identity, names) == dict.fromkeys(names, 0.0)
    back = np.linalg.inv(case.true_first_from_frame)
    away = Case(case.true_first_from_frame, back, MM_FROM_PIXEL, SHAPE)
    assert compute(away, ["gpe_score"])["gpe_score"] < -0.5


def test_categories_are_means_of_their_scores():
    found = compute(
        random_case(2),
        [f"{x}_score" for x in ("gpe", "gle", "lpe", "lle")]
        + [f"tusrec2025_{x}" for x in ("final", "global", "local", "pixel", "landmark")],
    )
    gp, gl, lp, ll = (found[f"{x}_score"] for x in ("gpe", "gle", "lpe", "lle"))
    assert found["tusrec2025_final"] == pytest.approx((gp + gl + lp + ll) / 4)
    assert found["tusrec2025_global"] == pytest.approx((gp + gl) / 2)
    assert found["tusrec2025_local"] == pytest.approx((lp + ll) / 2)
    assert found["tusrec2025_pixel"] == pytest.approx((gp + lp) / 2)
    assert found["tusrec2025_landmark"] == pytest.approx((gl + ll) / 2)


def test_without_landmarks_their_errors_are_undefined_and_pixels_stay():
    found = compute(random_case(4, landmarks=0), ["gle", "lle", "tusrec2025_final", "gpe"])
    assert found["gle"] is None and found["lle"] is None and found["tusrec2025_final"] is None
    assert found["gpe"] > 0


def test_range_normalised_scores_depend_on_who_is_in_the_table():
    errors = {"a": np.array([1.0, 2.0]), "b": np.array([3.0, 4.0]), "c": np.array([2.0, 2.0])}
    scores = range_normalised_scores(errors)
    assert scores["a"].tolist() == [1, 1] and scores["b"].tolist() == [0, 0]
    assert scores["c"].tolist() == [0.5, 1]
    worse = range_normalised_scores({**errors, "d": np.array([11.0, 12.0])})
    assert worse["b"].tolist() == [0.8, 0.8]
    # Who is worse than the baseline does not set the range, and falls below zero.
    kept = range_normalised_scores({**errors, "d": np.array([11.0, 12.0])}, baseline="b")
    assert kept["b"].tolist() == [0, 0] and kept["d"].tolist() == [-4, -4]


def test_a_scan_that_lacks_an_error_is_scored_in_no_row():
    """The other scans have the scores of a table without that scan; the range is of them alone."""
    errors = {
        "a": np.array([1.0, np.nan, 2.0]),
        "b": np.array([3.0, 9.0, 4.0]),
        "c": np.array([2.0, 1.0, 2.0]),
    }
    scores = range_normalised_scores(errors, baseline="b")
    without = range_normalised_scores({k: v[[0, 2]] for k, v in errors.items()}, baseline="b")
    for name in errors:
        assert np.isnan(scores[name][1])
        assert scores[name][[0, 2]].tolist() == without[name].tolist()
    nowhere = range_normalised_scores({"a": np.full(2, np.nan), "b": np.ones(2)})
    assert np.isnan(nowhere["a"]).all() and np.isnan(nowhere["b"]).all()
