"""A tracker's own sigma against its errors, checked with SciPy's distributions."""

import numpy as np
import pytest
from scipy import stats

from benchmark.metrics import Case, compute
from tests.benchmark.shared.random_cases import MM_FROM_PIXEL, SHAPE, chained, random_case

IDS = ("sigma_within_1", "sigma_within_2", "sigma_scale", "sigma_nll")
STEPS = 20_000


def case_of_errors(errors: np.ndarray, sigma: np.ndarray) -> Case:
    """Return a case whose steps are wrong by `errors` (M, 3) mm: a translation moves the centre."""
    still = np.broadcast_to(np.eye(4), (len(errors) + 1, 4, 4))
    steps = np.tile(np.eye(4), (len(errors), 1, 1))
    steps[:, :3, 3] = errors
    return Case(still, chained(steps), MM_FROM_PIXEL, SHAPE, steps, sigma=sigma)


def drawn(factor: float = 1.0, axes: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Return normal errors along some axes, of root mean square length `factor` times sigma."""
    rng = np.random.default_rng(8)
    sigma = rng.uniform(0.01, 0.2, STEPS)
    errors = np.zeros((STEPS, 3))
    errors[:, :axes] = rng.normal(size=(STEPS, axes)) * (factor * sigma / np.sqrt(axes))[:, None]
    return errors, sigma


@pytest.mark.parametrize("axes", [1, 2, 3])
def test_a_calibrated_sigma_has_the_shares_of_the_chi_distribution(axes):
    found = compute(case_of_errors(*drawn(axes=axes)), IDS)
    for times, name in ((1, "sigma_within_1"), (2, "sigma_within_2")):
        share = 100 * stats.chi(axes).cdf(times * np.sqrt(axes))
        assert found[name] == pytest.approx(share, abs=4 * 50 / np.sqrt(STEPS))
    assert found["sigma_scale"] == pytest.approx(1.0, abs=0.02)


def test_the_shares_named_in_the_definitions_are_those_of_one_and_of_three_axes():
    assert [round(100 * stats.chi(1).cdf(k)) for k in (1, 2)] == [68, 95]
    assert [round(100 * stats.chi(3).cdf(k * np.sqrt(3))) for k in (1, 2)] == [61, 99]


def test_the_likelihood_is_that_of_scipy_and_best_where_sigma_is_right():
    errors, sigma = drawn()
    density = [
        stats.multivariate_normal(cov=s**2 / 3 * np.eye(3)).logpdf(e)
        for e, s in zip(errors[:50], sigma[:50], strict=True)
    ]
    found = compute(case_of_errors(errors[:50], sigma[:50]), IDS)["sigma_nll"]
    assert found == pytest.approx(-np.mean(density), rel=1e-9)
    values = {
        factor: compute(case_of_errors(errors, factor * sigma), IDS)["sigma_nll"]
        for factor in (0.5, 0.8, 1.0, 1.25, 2.0)
    }
    assert min(values, key=values.__getitem__) == 1.0


@pytest.mark.parametrize(("factor", "side"), [(3.0, 1), (1 / 3, -1)])
def test_too_sure_and_too_modest_are_told_apart(factor, side):
    found = compute(case_of_errors(*drawn(factor)), IDS)
    assert found["sigma_scale"] == pytest.approx(factor, rel=0.02)
    assert np.sign(60.8 - found["sigma_within_1"]) == side


def test_the_error_is_that_of_the_image_centre_in_the_previous_frame():
    spoiled = random_case(6, frames=9)
    centre = np.append(spoiled.centre, 1.0)
    gap = (spoiled.predicted_prev_from_frame - spoiled.true_prev_from_frame) @ centre
    length = np.linalg.norm(gap[:, :3], axis=1)
    case = Case(
        spoiled.true_first_from_frame,
        spoiled.predicted_first_from_frame,
        MM_FROM_PIXEL,
        SHAPE,
        sigma=length * np.array([1.001, 0.999] * 4),
    )
    found = compute(case, IDS)
    assert found["sigma_within_1"] == pytest.approx(50.0)
    assert found["sigma_scale"] == pytest.approx(1.0, abs=1e-5)


def test_without_sigma_there_is_nothing_to_say_and_a_sigma_of_zero_is_finite():
    assert compute(random_case(1), IDS) == dict.fromkeys(IDS)
    single = Case(np.eye(4)[None], np.eye(4)[None], MM_FROM_PIXEL, SHAPE, sigma=np.zeros(0))
    assert compute(single, IDS) == dict.fromkeys(IDS)
    found = compute(case_of_errors(np.full((5, 3), 0.1), np.zeros(5)), IDS)
    assert all(np.isfinite(value) for value in found.values())
