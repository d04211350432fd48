"""Calibration of a tracker's own uncertainty: its sigma against the errors of its steps.

e_k is the position error (3,) of the image centre in step k, in mm of the previous frame; sigma_k
the tracker's own estimate of the root mean square of |e_k|. Not defined without sigma.
"""

import numpy as np

from benchmark.metrics.case import Case
from benchmark.metrics.diagnosis import OWN
from benchmark.metrics.drift import NAN, PERCENT
from benchmark.metrics.registry import metric

#: mm; a smaller sigma counts as this one, so that the weight of a step is bounded.
LEAST_SIGMA = 1e-4


def _errors_and_sigmas(case: Case) -> tuple[np.ndarray, np.ndarray]:
    """Return |e| (M,) and sigma (M,) in mm; empty without sigma."""
    if case.sigma is None:
        return np.zeros(0), np.zeros(0)
    error = case.predicted_motion[:, :3] - case.true_motion[:, :3]
    return np.linalg.norm(error, axis=1), np.maximum(case.sigma, LEAST_SIGMA)


def _share_within(case: Case, times: float) -> float:
    error, sigma = _errors_and_sigmas(case)
    return PERCENT * float((error <= times * sigma).mean()) if len(error) else NAN


@metric("sigma_within_1", "steps within sigma", "%", "", OWN)
def sigma_within_1(case: Case) -> float:
    """share of steps with |e| <= sigma; calibrated: 68 if e is along one axis, 61 if along all"""
    return _share_within(case, 1.0)


@metric("sigma_within_2", "steps within two sigma", "%", "", OWN)
def sigma_within_2(case: Case) -> float:
    """share of steps with |e| <= 2 sigma; calibrated: 95 if e is along one axis, 99 if along all"""
    return _share_within(case, 2.0)


@metric("sigma_scale", "true over stated step error", "", "", OWN)
def sigma_scale(case: Case) -> float:
    """root mean square of |e| / sigma; 1 if calibrated, more if the tracker is too sure"""
    error, sigma = _errors_and_sigmas(case)
    return float(np.sqrt(np.mean((error / sigma) ** 2))) if len(error) else NAN


@metric("sigma_nll", "negative log likelihood of the steps", "", "lower", OWN)
def sigma_nll(case: Case) -> float:
    """mean of 3/2 ln(2 pi sigma^2 / 3) + 3 |e|^2 / (2 sigma^2): an isotropic normal e, in mm"""
    error, sigma = _errors_and_sigmas(case)
    if not len(error):
        return NAN
    return float(np.mean(1.5 * np.log(2 * np.pi * sigma**2 / 3) + 1.5 * (error / sigma) ** 2))
