"""The drift family against loops over the definitions, SciPy and closed forms."""

import numpy as np
import pytest
from scipy.spatial.distance import directed_hausdorff

from benchmark.metrics import compute
from tests.benchmark.shared.random_cases import MM_FROM_PIXEL, SHAPE, case_of, moved, random_case

CENTRE = (MM_FROM_PIXEL @ [(SHAPE[1] - 1) / 2, (SHAPE[0] - 1) / 2, 0, 1])[:3]
BOTTOM = [(MM_FROM_PIXEL @ [x, SHAPE[0] - 1, 0, 1])[:3] for x in (0, SHAPE[1] - 1)]


def tracks(case, point):
    """True and predicted positions of a point, frame by frame."""
    homogeneous = np.append(point, 1)
    return (
        np.array([(t @ homogeneous)[:3] for t in case.true_first_from_frame]),
        np.array([(t @ homogeneous)[:3] for t in case.predicted_first_from_frame]),
    )


def by_definition(case, point):
    true, predicted = tracks(case, point)
    drift = [np.linalg.norm(p - g) for g, p in zip(true, predicted, strict=True)]
    path, net = [0.0], [0.0]
    for k in range(1, len(true)):
        path.append(path[-1] + np.linalg.norm(true[k] - true[k - 1]))
        net.append(np.linalg.norm(true[k] - true[0]))
    return {
        "final_drift": drift[-1],
        "max_drift": max(drift),
        "mean_drift": sum(drift[1:]) / (len(drift) - 1),
        "sum_drift": sum(drift),
        "hausdorff": max(
            directed_hausdorff(true, predicted)[0], directed_hausdorff(predicted, true)[0]
        ),
        "fdr_path": 100 * drift[-1] / path[-1],
        "fdr_net": 100 * drift[-1] / net[-1],
        "adr_path": np.mean([100 * d / x for d, x in zip(drift, path, strict=True) if x >= 0.1]),
        "adr_net": np.mean([100 * d / x for d, x in zip(drift, net, strict=True) if x >= 0.1]),
    }


@pytest.mark.parametrize("seed", range(5))
def test_every_drift_equals_its_definition(seed):
    case = random_case(seed)
    expected = by_definition(case, CENTRE)
    three = [by_definition(case, point) for point in (CENTRE, *BOTTOM)]
    for name, value in expected.items():
        centre = name if not name.startswith(("fdr", "adr")) else f"{name}_centre"
        found = compute(case, [centre, f"{name}_3pt"])
        assert found[centre] == pytest.approx(value, rel=1e-12)
        assert found[f"{name}_3pt"] == pytest.approx(np.mean([t[name] for t in three]), rel=1e-12)


def test_rates_of_a_straight_line_that_is_ten_per_cent_short():
    places = np.outer(np.linspace(0, 50, 26), [0, 0, 1])
    found = compute(
        case_of(moved(places), moved(0.9 * places)),
        ["fdr_path_centre", "fdr_net_3pt", "adr_path_centre", "adr_net_3pt", "path_length_error"],
    )
    assert found == pytest.approx(dict.fromkeys(found, 10.0), rel=1e-12)


def test_path_and_net_differ_on_a_half_circle_by_half_pi():
    angle = np.linspace(0, np.pi, 2001)
    places = 20 * np.column_stack([1 - np.cos(angle), 0 * angle, np.sin(angle)])
    predicted = places + [0, 3.0, 0] * np.linspace(0, 1, len(angle))[:, None]
    found = compute(case_of(moved(places), moved(predicted)), ["fdr_path_centre", "fdr_net_centre"])
    assert found["fdr_net_centre"] == pytest.approx(100 * 3 / 40, rel=1e-9)
    assert found["fdr_net_centre"] / found["fdr_path_centre"] == pytest.approx(np.pi / 2, rel=1e-6)


def test_closed_paths_have_rates_over_the_path_only():
    angle = np.linspace(0, 2 * np.pi, 101)
    places = 20 * np.column_stack([1 - np.cos(angle), 0 * angle, np.sin(angle)])
    found = compute(
        case_of(moved(places), moved(1.1 * places + [0, 0.001, 0] * angle[:, None])),
        ["fdr_path_centre", "adr_path_3pt", "fdr_net_centre", "adr_net_centre", "fdr_net_3pt",
         "adr_net_3pt", "fdr_chord_moglo", "fdr_path_moglo"],
    )  # fmt: skip
    undefined = {"fdr_net_centre", "adr_net_centre", "fdr_net_3pt", "adr_net_3pt"}
    assert {name for name, value in found.items() if value is None} == {
        *undefined,
        "fdr_chord_moglo",
    }


def test_a_probe_at_rest_has_no_rate():
    still = moved(np.zeros((5, 3)))
    found = compute(case_of(still, still), ["fdr_path_centre", "adr_path_centre", "final_drift"])
    assert found == {"fdr_path_centre": None, "adr_path_centre": None, "final_drift": 0.0}


@pytest.mark.parametrize("seed", range(3))
def test_corner_errors_are_means_over_four_corners(seed):
    case = random_case(seed, own_steps=True)
    x, y = SHAPE[1] - 1, SHAPE[0] - 1
    corners = [MM_FROM_PIXEL @ [u, v, 0, 1] for u in (0, x) for v in (0, y)]
    far = [
        np.linalg.norm((g - p) @ c)
        for g, p in zip(
            case.true_first_from_frame[1:], case.predicted_first_from_frame[1:], strict=True
        )
        for c in corners
    ]
    near = [
        np.linalg.norm((np.linalg.inv(a) @ b - p) @ c)
        for a, b, p in zip(
            case.true_first_from_frame[:-1],
            case.true_first_from_frame[1:],
            case.predicted_prev_from_frame,
            strict=True,
        )
        for c in corners
    ]
    found = compute(case, ["de_4pt", "fe_4pt"])
    assert found == pytest.approx({"de_4pt": np.mean(far), "fe_4pt": np.mean(near)}, rel=1e-12)
