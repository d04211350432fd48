"""Every metric: frozen ids, perfect values on the truth, None where it is not defined."""

import dataclasses
import subprocess
import sys
from itertools import product

import numpy as np
import pytest

from benchmark.errors import UserError
from benchmark.metrics import METRICS, Case, compute
from benchmark.metrics.registry import metric
from tests.benchmark.shared.random_cases import MM_FROM_PIXEL, SHAPE, moved, random_case, whole_case

DOFS = ("tx", "ty", "tz", "rx", "ry", "rz")
#: An id, once published, keeps its meaning: this list may only grow.
FROZEN = {
    *("gpe", "lpe", "gle", "lle", "gpe_score", "lpe_score", "gle_score", "lle_score"),
    *("tusrec2025_final", "tusrec2025_global", "tusrec2025_local", "tusrec2025_pixel"),
    *("tusrec2025_landmark", "path_length_error", "de_4pt", "fe_4pt"),
    *(
        "_".join(parts)
        for parts in product(("fdr", "adr"), ("path", "net"), ("centre", "3pt"))
    ),
    *(
        name + suffix
        for name in ("final_drift", "max_drift", "mean_drift", "sum_drift", "hausdorff")
        for suffix in ("", "_3pt")
    ),
    *("rotation_geodesic", "rotation_geodesic_final", "rotation_euler_xyz", "rotation_axes"),
    *("rae_translation_moglo", "rae_rotation_moglo", "aae_translation_moglo"),
    *("aae_rotation_moglo", "rfe_moglo", "afe_moglo", "fd_moglo", "fdr_chord_moglo"),
    *("fdr_path_moglo", "corr_moglo", "corr_pearson", "ate_anchored", "ate_se3", "ate_sim3"),
    *(f"rpe_{p}_{d}mm" for p in ("translation", "rotation") for d in (5, 10, 20, 50, 100)),
    *(f"rpe_{p}_{d}deg" for p in ("translation", "rotation") for d in (5, 10, 20, 45, 90)),
    *(
        f"{name}_{dof}"
        for name in ("mae_step", "mae_accumulated", "bias_step", "noise_step")
        for dof in DOFS
    ),
    *(f"{name}_step_{dof}" for name in ("gain", "correlation") for dof in DOFS),
    *("motion_spread", "motion_correlation", "mean_collapse", "elevational_signed"),
    *("elevational_sign_free", "elevational_sign_wrong", "elevational_travel_signed"),
    *("elevational_travel_sign_free", "overlap_dice", "swept_volume_error"),
    *("sigma_within_1", "sigma_within_2", "sigma_scale", "sigma_nll"),
    *(
        f"segment_{part}{length}"
        for part in ("drift", "rotation")
        for length in ("", "_5mm", "_10mm", "_20mm", "_50mm", "_100mm", "_200mm")
    ),
}  # fmt: skip
#: Ids printed with three decimals: errors of steps, which are small.
FINE = {
    *("lpe", "lle", "fe_4pt", "rfe_moglo", "rae_translation_moglo", "rae_rotation_moglo"),
    *("elevational_signed", "elevational_sign_free", "elevational_sign_wrong"),
}
FINE_STEPS = ("mae_step_", "bias_step_", "noise_step_")
PERFECT_ONE = {"gain", "correlation", "motion", "corr", "overlap"}
#: Of the ids that look at sigma: on the truth every step lies within a sigma of 0.05 mm.
PERFECT_SIGMA = {
    "sigma_within_1": 100.0,
    "sigma_within_2": 100.0,
    "sigma_scale": 0.0,
    "sigma_nll": 1.5 * np.log(2 * np.pi * 0.05**2 / 3),
}
#: The ids that are defined for a single frame that does not move.
OF_ONE_FRAME = {
    *("aae_rotation_moglo", "aae_translation_moglo", "afe_moglo", "corr_moglo", "fd_moglo"),
    *("ate_anchored", "ate_se3", "ate_sim3", "rotation_geodesic_final"),
    *(
        name + suffix
        for name in ("final_drift", "max_drift", "sum_drift", "hausdorff")
        for suffix in ("", "_3pt")
    ),
}
#: Those that two such frames add.
OF_TWO_FRAMES = {
    *("de_4pt", "fe_4pt", "gpe", "lpe", "mean_drift", "mean_drift_3pt"),
    *("rae_translation_moglo", "rae_rotation_moglo", "rfe_moglo"),
    *("rotation_axes", "rotation_euler_xyz", "rotation_geodesic"),
    *("elevational_signed", "elevational_sign_free"),
    *("elevational_travel_signed", "elevational_travel_sign_free"),
    *(
        f"{name}_{dof}"
        for name in ("mae_step", "mae_accumulated", "bias_step", "noise_step")
        for dof in DOFS
    ),
}


def perfect_value(name: str) -> float:
    if name in PERFECT_SIGMA:
        return PERFECT_SIGMA[name]
    score = name.endswith("_score") or name.startswith("tusrec2025")
    return 1.0 if score or name.split("_")[0] in PERFECT_ONE else 0.0


@pytest.fixture(scope="module")
def truth() -> dict[str, float | None]:
    return compute(whole_case(3, exact=True), METRICS)


@pytest.fixture(scope="module")
def spoiled() -> dict[str, float | None]:
    return compute(whole_case(3), METRICS)


def test_the_ids_are_the_frozen_ones():
    assert set(METRICS) >= FROZEN
    assert set(METRICS) - FROZEN == set(), "a new id: add it to the frozen list"


@pytest.mark.parametrize("name", sorted(FROZEN))
def test_the_truth_is_perfect_and_nothing_else_is_better(name, truth, spoiled):
    best, found = truth[name], spoiled[name]
    assert best == pytest.approx(perfect_value(name), abs=1e-9)
    assert np.isfinite(found)
    if METRICS[name].better == "lower":
        assert found >= best
    elif METRICS[name].better == "higher":
        assert found <= best
    if name != "mean_collapse":  # a flag: independent noise is no collapse
        assert found != pytest.approx(best, abs=1e-6)


def test_metrics_are_pure(spoiled):
    """The same values in any order, and arrays that no metric writes to."""
    case = whole_case(3)
    before = {f.name: np.array(getattr(case, f.name)) for f in dataclasses.fields(case)}
    assert compute(case, reversed(METRICS)) == spoiled
    assert all(np.array_equal(getattr(case, name), array) for name, array in before.items())


@pytest.mark.parametrize(
    ("frames", "defined"), [(1, OF_ONE_FRAME), (2, OF_ONE_FRAME | OF_TWO_FRAMES)]
)
def test_still_sweeps_of_one_or_two_frames_give_the_perfect_value_or_nothing(frames, defined):
    still = moved(np.zeros((frames, 3)))
    found = compute(Case(still, still, MM_FROM_PIXEL, SHAPE), METRICS)
    assert {name for name, value in found.items() if value is not None} == defined
    assert {name: found[name] for name in defined} == {
        name: perfect_value(name) for name in defined
    }


def test_every_metric_is_described():
    assert METRICS
    for found in METRICS.values():
        assert found.definition and found.title and found.source and found.meaning
        assert found.unit in ("mm", "deg", "deg/100 mm", "%", "")
        assert found.better in ("lower", "higher", "")
        assert found.short[:1] == found.short[:1].upper() != ""
        fine = found.id in FINE or (found.id.startswith(FINE_STEPS) and found.unit)
        assert found.digits == (3 if fine else 1 if found.unit == "%" else 2)


def test_short_titles_and_meanings_are_those_of_the_columns_that_a_reader_sees_first():
    plain = {m.id: m.short for m in METRICS.values() if m.short.lower() != m.title.lower()}
    assert plain == {
        "fdr_path_centre": "Final drift",
        "adr_path_centre": "Average drift",
        "segment_drift": "Segment drift",
        "segment_rotation": "Segment rotation",
        "gpe": "Global error",
        "lpe": "Local error",
        "rotation_geodesic": "Rotation error",
        "motion_correlation": "Correlation",
    }
    assert METRICS["gle"].short == "Global landmark error"
    assert {m.id for m in METRICS.values() if m.meaning != m.definition} == set(plain)


def test_families_are_in_the_order_of_the_columns_of_a_board():
    families = dict.fromkeys(m.function.__module__.split(".")[-1] for m in METRICS.values())
    assert list(families) == [
        "drift", "diagnosis", "uncertainty", "rotation", "moglo", "overlap", "slam", "segments",
        "tusrec",
    ]  # fmt: skip


def test_an_unknown_id_is_answered_with_the_nearest():
    with pytest.raises(UserError, match="did you mean 'fdr_path_centre'"):
        compute(random_case(0), ["fdr_path_center"])


def test_an_id_cannot_be_taken_twice():
    with pytest.raises(ValueError, match="'gpe' is taken"):
        metric("gpe", "", "", "", "")(lambda case: 0.0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"true_first_from_frame": np.eye(4)}, "poses"),
        ({"predicted_first_from_frame": np.zeros((3, 4, 4))}, "poses"),
        ({"predicted_prev_from_frame": np.zeros((3, 4, 4))}, "steps"),
        ({"landmarks": np.array([[14.0, 1, 1]])}, "landmarks"),
        ({"landmarks": np.array([[-1.0, 1, 1]])}, "landmarks"),
        ({"sigma": np.ones(14)}, "sigma"),
    ],
)
def test_a_case_refuses_arrays_that_do_not_fit(change, message):
    case = random_case(0)
    arrays = {
        "true_first_from_frame": case.true_first_from_frame,
        "predicted_first_from_frame": case.predicted_first_from_frame,
        "mm_from_pixel": MM_FROM_PIXEL,
        "shape": SHAPE,
    }
    with pytest.raises(ValueError, match=message):
        Case(**{**arrays, **change})


def test_metrics_load_neither_torch_nor_numba():
    code = (
        "import sys, benchmark.metrics as m\n"
        "found = {'torch', 'numba', 'matplotlib', 'pandas'} & set(sys.modules)\n"
        "assert not found, found"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
