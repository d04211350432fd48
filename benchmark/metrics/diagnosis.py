"""Diagnosis of step errors: bias, noise, gain, correlation, collapse to the mean, lost sign.

Degrees of freedom are those of the image centre: tx lateral, ty axial, tz elevational (mm), and
the rotation vector rx, ry, rz (degrees). e = predicted - true of a step.
"""

from collections.abc import Callable

import numpy as np

from benchmark.metrics.case import Case, degrees_of_freedom
from benchmark.metrics.drift import NAN, PERCENT
from benchmark.metrics.registry import metric

DOFS = ("tx", "ty", "tz", "rx", "ry", "rz")
OWN = "defined here"
PREVOST = "Prevost et al. 2018"
#: Below this spread (mm or degrees) a motion counts as constant: it has no correlation.
LEAST_SPREAD = 1e-6
#: Steps with less elevational motion than this (mm) have no sign to get wrong.
LEAST_STEP = 1e-3
#: A prediction whose spread and correlation both lie below these has collapsed to its mean.
COLLAPSED_SPREAD, COLLAPSED_CORRELATION = 0.25, 0.25

Series = np.ndarray


def bias(true: Series, predicted: Series) -> float:
    """mean of e over steps"""
    return float((predicted - true).mean())


def noise(true: Series, predicted: Series) -> float:
    """standard deviation of e over steps; bias^2 + noise^2 is the mean square of e"""
    return float((predicted - true).std())


def mean_absolute(true: Series, predicted: Series) -> float:
    """mean of |e| over steps"""
    return float(np.abs(predicted - true).mean())


def gain(true: Series, predicted: Series) -> float:
    """slope of the regression of predicted on true steps: cov / var of the truth"""
    spread = true.std()
    if spread < LEAST_SPREAD:
        return NAN
    return float(((true - true.mean()) * (predicted - predicted.mean())).mean() / spread**2)


def correlation(true: Series, predicted: Series) -> float:
    """Pearson correlation of predicted and true steps; 0 for a constant prediction"""
    if true.std() < LEAST_SPREAD:
        return NAN
    if predicted.std() < LEAST_SPREAD:
        return 0.0
    return gain(true, predicted) * float(true.std() / predicted.std())


def _enter(
    name: str, title: str, better: str, function: Callable[[Series, Series], float], source: str
) -> None:
    """Enter a measure of one degree of freedom's steps for each of the six."""
    for index, dof in enumerate(DOFS):
        unit = "" if name in ("gain", "correlation") else ("mm" if index < 3 else "deg")
        _enter_one(name, title, better, function, source, index, dof, unit)


def _enter_one(
    name: str,
    title: str,
    better: str,
    function: Callable[[Series, Series], float],
    source: str,
    index: int,
    dof: str,
    unit: str,
) -> None:
    text = f"{' '.join((function.__doc__ or '').split())}, {dof}"

    digits = 3 if unit else 2

    @metric(f"{name}_step_{dof}", f"{title}, {dof}", unit, better, source, text, digits=digits)
    def value(case: Case) -> float:
        if len(case) < 2:
            return NAN
        return function(case.true_motion[:, index], case.predicted_motion[:, index])


def _enter_accumulated(index: int, dof: str) -> None:
    @metric(
        f"mae_accumulated_{dof}",
        f"mean absolute error to the first frame, {dof}",
        "mm" if index < 3 else "deg",
        "lower",
        PREVOST,
        f"mean over frames i >= 2 of |predicted - true| motion since the first frame, {dof}",
    )
    def value(case: Case) -> float:
        true = degrees_of_freedom(case.centre, case.true_first_from_frame[1:])
        predicted = degrees_of_freedom(case.centre, case.predicted_first_from_frame[1:])
        return float(np.abs(predicted - true)[:, index].mean()) if len(true) else NAN


_enter("mae", "mean absolute step error", "lower", mean_absolute, PREVOST)
for _index, _dof in enumerate(DOFS):
    _enter_accumulated(_index, _dof)
_enter("bias", "step bias", "", bias, OWN)
_enter("noise", "step noise", "lower", noise, OWN)
_enter("gain", "step gain", "", gain, OWN)
_enter("correlation", "step correlation", "higher", correlation, OWN)


def _centred_translations(case: Case) -> tuple[np.ndarray, np.ndarray]:
    true, predicted = case.true_motion[:, :3], case.predicted_motion[:, :3]
    return true - true.mean(0), predicted - predicted.mean(0)


@metric("motion_spread", "spread of predicted over true steps", "", "", OWN)
def motion_spread(case: Case) -> float:
    """sqrt(sum of predicted variances of tx, ty, tz / sum of the true ones)"""
    if len(case) < 2:
        return NAN
    true, predicted = (np.sqrt((part**2).mean(0).sum()) for part in _centred_translations(case))
    return float(predicted / true) if true >= LEAST_SPREAD else NAN


@metric(
    "motion_correlation",
    "correlation of steps, three axes",
    "",
    "higher",
    OWN,
    short="Correlation",
    meaning="how closely predicted steps follow the true ones; 0 for constant motion",
)
def motion_correlation(case: Case) -> float:
    """sum of covariances of tx, ty, tz / sqrt(sum of true variances * sum of predicted ones)"""
    spread = motion_spread(case)
    if np.isnan(spread) or spread < LEAST_SPREAD:
        return spread  # no truth to follow: NaN; a constant prediction follows nothing: 0
    true, predicted = _centred_translations(case)
    return float((true * predicted).mean(0).sum() / (true**2).mean(0).sum() / spread)


@metric("mean_collapse", "collapse to the mean motion (1 yes, 0 no)", "", "lower", OWN)
def mean_collapse(case: Case) -> float:
    """1 if motion_spread < 0.25 and motion_correlation < 0.25, else 0"""
    spread = motion_spread(case)
    if np.isnan(spread):
        return NAN
    flat = spread < COLLAPSED_SPREAD and motion_correlation(case) < COLLAPSED_CORRELATION
    return float(flat)


@metric("elevational_signed", "elevational step error, signed", "mm", "lower", OWN, digits=3)
def elevational_signed(case: Case) -> float:
    """mean over steps of |tz_predicted - tz_true| (the same number as mae_step_tz)"""
    return _elevational(case, lambda true, predicted: np.abs(predicted - true))


@metric(
    "elevational_sign_free",
    "elevational step error, sign-invariant",
    "mm",
    "lower",
    OWN,
    digits=3,
)
def elevational_sign_free(case: Case) -> float:
    """mean over steps of ||tz_predicted| - |tz_true||"""
    return _elevational(case, lambda true, predicted: np.abs(np.abs(predicted) - np.abs(true)))


def _elevational(case: Case, error: Callable[[Series, Series], Series]) -> float:
    if len(case) < 2:
        return NAN
    return float(error(case.true_motion[:, 2], case.predicted_motion[:, 2]).mean())


@metric(
    "elevational_sign_wrong",
    "elevational steps of the wrong sign",
    "%",
    "lower",
    OWN,
    digits=3,
)
def elevational_sign_wrong(case: Case) -> float:
    """100 * share of the steps with |tz_true| >= 0.001 mm whose predicted sign differs; no motion
    counts as wrong"""
    true, predicted = case.true_motion[:, 2], case.predicted_motion[:, 2]
    moves = np.abs(true) >= LEAST_STEP
    if not moves.any():
        return NAN
    return PERCENT * float((np.sign(predicted[moves]) != np.sign(true[moves])).mean())


@metric("elevational_travel_signed", "elevational travel error, signed", "mm", "lower", OWN)
def elevational_travel_signed(case: Case) -> float:
    """|sum of tz_predicted - sum of tz_true|"""
    return _travel(case, lambda step: step)


@metric("elevational_travel_sign_free", "elevational travel error, sign-free", "mm", "lower", OWN)
def elevational_travel_sign_free(case: Case) -> float:
    """|sum of |tz_predicted| - sum of |tz_true||"""
    return _travel(case, np.abs)


def _travel(case: Case, measure: Callable[[Series], Series]) -> float:
    if len(case) < 2:
        return NAN
    true, predicted = case.true_motion[:, 2], case.predicted_motion[:, 2]
    return float(abs(measure(predicted).sum() - measure(true).sum()))
