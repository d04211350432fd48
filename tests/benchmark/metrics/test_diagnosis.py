"""The diagnosis of errors against NumPy, SciPy and predictions spoiled in a known way."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from scipy.stats import linregress

from benchmark.metrics import Case, compute
from tests.benchmark.shared.random_cases import (
    MM_FROM_PIXEL,
    SHAPE,
    case_of,
    moved,
    random_case,
)

DOFS = ("tx", "ty", "tz", "rx", "ry", "rz")
CENTRE = (MM_FROM_PIXEL @ [(SHAPE[1] - 1) / 2, (SHAPE[0] - 1) / 2, 0, 1])[:3]


def motion(poses):
    """Motion of the image centre (mm) and rotation vector (deg), (N, 6)."""
    shift = np.array([t[:3, :3] @ CENTRE + t[:3, 3] - CENTRE for t in poses])
    return np.hstack([shift, np.degrees(Rotation.from_matrix(poses[:, :3, :3]).as_rotvec())])


def sweep_along_z(steps_z):
    """Return poses that advance by the given elevational steps."""
    z = np.concatenate([[0], np.cumsum(steps_z)])
    return moved(np.outer(z, [0, 0, 1.0]))


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("own_steps", [False, True])
def test_each_degree_of_freedom_equals_numpy_and_scipy(seed, own_steps):
    case = random_case(seed, own_steps=own_steps)
    steps = np.linalg.inv(case.true_first_from_frame[:-1]) @ case.true_first_from_frame[1:]
    true, predicted = motion(steps), motion(case.predicted_prev_from_frame)
    far, told = motion(case.true_first_from_frame), motion(case.predicted_first_from_frame)
    for index, dof in enumerate(DOFS):
        error = predicted[:, index] - true[:, index]
        fit = linregress(true[:, index], predicted[:, index])
        expected = {
            f"mae_step_{dof}": np.abs(error).mean(),
            f"bias_step_{dof}": error.mean(),
            f"noise_step_{dof}": error.std(),
            f"gain_step_{dof}": fit.slope,
            f"correlation_step_{dof}": fit.rvalue,
            f"mae_accumulated_{dof}": np.abs(told - far)[1:, index].mean(),
        }
        assert compute(case, expected) == pytest.approx(expected, rel=1e-8, abs=1e-10)
        assert expected[f"bias_step_{dof}"] ** 2 + expected[f"noise_step_{dof}"] ** 2 == (
            pytest.approx((error**2).mean())
        )


def test_bias_and_gain_are_told_apart():
    steps = 0.3 + 0.1 * np.sin(np.arange(40))
    names = ["bias_step_tz", "noise_step_tz", "gain_step_tz", "correlation_step_tz"]
    biased = compute(case_of(sweep_along_z(steps), sweep_along_z(steps + 0.02)), names)
    assert biased == pytest.approx(dict(zip(names, (0.02, 0, 1, 1), strict=True)), abs=1e-9)
    short = compute(case_of(sweep_along_z(steps), sweep_along_z(0.8 * steps)), names)
    assert short["gain_step_tz"] == pytest.approx(0.8)
    assert short["correlation_step_tz"] == pytest.approx(1)
    assert short["noise_step_tz"] == pytest.approx(0.2 * steps.std())


def test_collapse_to_the_mean_is_flagged_and_honest_noise_is_not():
    rng = np.random.default_rng(0)
    steps = 0.3 + 0.1 * rng.normal(size=300)
    names = ["mean_collapse", "motion_spread", "motion_correlation"]
    true = sweep_along_z(steps)

    def found(predicted):
        return compute(case_of(true, sweep_along_z(predicted)), names)

    constant = found(np.full(300, steps.mean()))
    assert constant == pytest.approx(dict(zip(names, (1, 0, 0), strict=True)), abs=1e-9)
    faint = found(steps.mean() + 0.005 * rng.normal(size=300))  # a twentieth of the true spread
    assert faint["mean_collapse"] == 1 and 0.03 < faint["motion_spread"] < 0.07
    timid = found(steps.mean() + 0.1 * (steps - steps.mean()))  # small, but it follows
    assert timid["mean_collapse"] == 0 and timid["motion_correlation"] == pytest.approx(1)
    noisy = found(steps + 0.1 * rng.normal(size=300))
    assert noisy["mean_collapse"] == 0


def test_a_constant_truth_has_nothing_to_correlate_with():
    true = sweep_along_z(np.full(20, 0.25))
    found = compute(
        case_of(true, true),
        ["gain_step_tz", "correlation_step_tz", "mean_collapse", "motion_correlation"],
    )
    assert set(found.values()) == {None}


def test_signed_and_sign_free_elevational_errors():
    steps = np.array([0.2, 0.3, -0.1, 0.4, 0.0005])
    names = [
        "elevational_signed",
        "elevational_sign_free",
        "elevational_sign_wrong",
        "elevational_travel_signed",
        "elevational_travel_sign_free",
    ]
    lost = compute(case_of(sweep_along_z(steps), sweep_along_z(np.abs(steps))), names)
    assert lost == pytest.approx(dict(zip(names, (0.2 / 5, 0, 25, 0.2, 0), strict=True)), abs=1e-9)
    flipped = compute(case_of(sweep_along_z(steps), sweep_along_z(-steps)), names)
    travel = 2 * steps.sum()
    assert flipped == pytest.approx(
        dict(zip(names, (2 * np.abs(steps).mean(), 0, 100, travel, 0), strict=True)), abs=1e-9
    )
    still = compute(case_of(sweep_along_z(steps), sweep_along_z(0 * steps)), names)
    assert still["elevational_sign_wrong"] == 100
    assert still["elevational_signed"] == still["elevational_sign_free"]


@pytest.mark.parametrize("seed", range(2))
def test_one_number_under_two_names(seed):
    found = compute(random_case(seed), ["elevational_signed", "mae_step_tz"])
    assert found["elevational_signed"] == found["mae_step_tz"]


def test_steps_that_a_prediction_states_itself_are_the_ones_judged():
    base = random_case(1)
    case = Case(
        base.true_first_from_frame,
        base.predicted_first_from_frame,
        MM_FROM_PIXEL,
        SHAPE,
        base.true_prev_from_frame,
    )
    found = compute(case, ["mae_step_tx", "mae_accumulated_tx", "lpe", "gpe"])
    assert found["mae_step_tx"] == 0 and found["lpe"] == 0
    assert found["mae_accumulated_tx"] > 0.01 and found["gpe"] > 0.01
