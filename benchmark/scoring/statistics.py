"""Means of scores with their intervals: over subjects, and over the trainings of a tracker.

Frames of a sweep depend on each other, and so do sweeps of a subject, so the subject is the unit.
A learned tracker is a draw too: another seed gives other weights with another mean. Subjects and
seeds are crossed random factors, and the variance of a mean is the sum of what each contributes.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

LEVEL = 0.95
#: Below this number of subjects there is no interval and no rank.
FEWEST_SUBJECTS = 5

#: Keys mean, sd (n - 1, over sweeps), low, high (95 % interval of the mean); of a paired difference
#: also p. None where there is none: no sweep with a value, one sweep (sd), fewer subjects than
#: `FEWEST_SUBJECTS` (low, high and p).
Summary = dict[str, float | None]
#: One value per sweep (N,), or one per training seed and sweep (M, N); None or NaN where missing.
Values = Sequence[float | None] | Sequence[Sequence[float | None]] | np.ndarray


@dataclass(frozen=True, eq=False)
class Estimate:
    """Means with their errors, as arrays of any one shape.

    value: the mean; error: its standard error; freedom: degrees of freedom of the squared error;
    skewness: of the mean over draws of subjects.
    """

    value: np.ndarray
    error: np.ndarray
    freedom: np.ndarray
    skewness: np.ndarray

    def interval(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the ends of the 95 % interval: the outer ones of two intervals.

        One is Student's; the other corrects it for skewness by the cubic transformation of Hall
        (1992, J. R. Stat. Soc. B 54:221, g_1), with quantiles of Student's t. Student's misses the
        means of skewed scores too often, Hall's those of scores with heavy tails.
        `benchmark.studies.coverage` measures how often the interval holds the mean.
        """
        from scipy.special import stdtrit

        quantile = stdtrit(self.freedom, 0.5 + LEVEL / 2)
        lowest = np.maximum(quantile, _from_hall(quantile, self.skewness))
        highest = np.maximum(quantile, -_from_hall(-quantile, self.skewness))
        sure = self.error == 0
        low = np.where(sure, self.value, self.value - lowest * self.error)
        return low, np.where(sure, self.value, self.value + highest * self.error)

    def p_value(self) -> np.ndarray:
        """Return the two-sided p-value of a mean of zero: below 0.05 where the interval is apart.

        Without any error it is 1 for a value of zero and 0 for any other.
        """
        from scipy.special import stdtr

        t = np.divide(self.value, self.error, out=np.zeros_like(self.error), where=self.error > 0)
        tails = [stdtr(self.freedom, -x) for x in (abs(t), np.sign(t) * _to_hall(t, self.skewness))]
        p = np.minimum(2 * np.maximum(*tails), 1.0)
        return np.where(self.error == 0, np.where(self.value == 0, 1.0, 0.0), p)


def _to_hall(t: np.ndarray, skewness: np.ndarray) -> np.ndarray:
    """Return t without its skewness: t + g t²/3 + g² t³/27 + g/6."""
    return t + skewness * t**2 / 3 + skewness**2 * t**3 / 27 + skewness / 6


def _from_hall(z: np.ndarray, skewness: np.ndarray) -> np.ndarray:
    """Return the t whose `_to_hall` is z."""
    small = abs(skewness) < 1e-9
    g = np.where(small, 1.0, skewness)
    return np.where(small, z, 3 / g * (np.cbrt(1 + g * (z - g / 6)) - 1))


def estimate(subjects: np.ndarray, trainings: Sequence[np.ndarray] = ()) -> Estimate:
    """Return the mean over subjects with the error that subjects and trainings make.

    The squared error is s²/n of the subjects and s²/m of each set of trainings, summed: with
    crossed factors (MS_subject + MS_seed) / (n m). Satterthwaite (1946, Biometrics Bulletin 2:110)
    gives its degrees of freedom. What is left of a score besides subject and seed is in both
    terms, so the error is rather too large than too small; to take MS_rest off once, as an unbiased
    sum would, finds no more differences but needs a rule for negative variances.

    Parameters
    ----------
    subjects : (..., n) what each subject adds to the mean, averaged over trainings; n >= 3.
    trainings : (..., m) for each tracker in the comparison the mean of each of its trainings. A
        single one says nothing of its variance: then the estimate is of these weights.
    """
    n = subjects.shape[-1]
    value = subjects.mean(-1)
    away = subjects - value[..., None]
    parts = [((away**2).sum(-1) / (n * (n - 1)), n - 1)]
    parts += [
        (means.var(-1, ddof=1) / means.shape[-1], means.shape[-1] - 1)
        for means in trainings
        if means.shape[-1] > 1
    ]
    square = np.sum([part for part, _ in parts], axis=0)
    third = (away**3).sum(-1) / (n * (n - 1) * (n - 2))  # cumulant of the mean
    known = square > 0
    shares = np.sum([part**2 / freedom for part, freedom in parts], axis=0)
    freedom = np.divide(square**2, shares, out=np.ones_like(square), where=known)
    skewness = np.divide(third, square**1.5, out=np.zeros_like(square), where=known)
    return Estimate(value, np.sqrt(square), freedom, skewness)


def summarise(values: Values, subjects: Sequence[Any]) -> Summary:
    """Return mean, sd and 95 % interval of the scores of one tracker.

    The mean is over sweeps, so that a subject counts by its number of sweeps; a sweep that lacks a
    value in any training is left out of all.

    Parameters
    ----------
    values : one per sweep, or one per training and sweep.
    subjects : of every sweep.
    """
    table = _table(values, len(subjects))
    whole = np.isfinite(table).all(0)
    return _summary(table[:, whole].mean(0), [table[:, whole]], _chosen(subjects, whole))


def paired_difference(one: Values, other: Values, subjects: Sequence[Any]) -> Summary:
    """Return the summary of one - other with its p-value, from the sweeps that both have.

    Sweeps are in the same order in both; the trainings need not be of one number.
    """
    tables = [_table(values, len(subjects)) for values in (one, other)]
    whole = np.logical_and(*(np.isfinite(table).all(0) for table in tables))
    tables = [table[:, whole] for table in tables]
    gaps = tables[0].mean(0) - tables[1].mean(0)
    return _summary(gaps, tables, _chosen(subjects, whole), tested=True)


def mirrored(difference: Summary) -> Summary:
    """Return the summary of other - one, given that of one - other."""
    mean, low, high = (difference[key] for key in ("mean", "low", "high"))
    turned = {"mean": mean, "low": high, "high": low}
    return difference | {key: None if x is None else -x for key, x in turned.items()}


def subjects_with(values: Values, subjects: Sequence[Any]) -> int:
    """Return how many subjects have a sweep with a value in every training."""
    table = _table(values, len(subjects))
    return len(set(_chosen(subjects, np.isfinite(table).all(0))))


def mean_of_known(values: Iterable[float | None]) -> float | None:
    """Return the mean of the numbers among values, None where there is none."""
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None


def _table(values: Values, sweeps: int) -> np.ndarray:
    """Return values as (M, N) of floats, NaN where missing; refuse another number of sweeps."""
    table = np.array(values, float)
    table = table.reshape(1, -1) if table.ndim < 2 else table
    if table.shape[1] != sweeps:
        raise ValueError(f"values: expected one per sweep, {sweeps}, got {table.shape[1]}")
    return table


def _chosen(subjects: Sequence[Any], mask: np.ndarray) -> list[str]:
    return [str(subject) for subject, kept in zip(subjects, mask, strict=True) if kept]


def _summary(
    scores: np.ndarray,
    tables: Sequence[np.ndarray],
    subjects: Sequence[str],
    *,
    tested: bool = False,
) -> Summary:
    """Return the summary of scores (N,) that come from tables (M, N) of one or two trackers."""
    summary: Summary = {"mean": None, "sd": None, "low": None, "high": None}
    if tested:
        summary["p"] = None
    if len(scores):
        summary["mean"] = float(scores.mean())
    if len(scores) > 1:
        summary["sd"] = float(scores.std(ddof=1))
    if len(set(subjects)) >= FEWEST_SUBJECTS:
        found = estimate(_contributions(scores, subjects), [table.mean(1) for table in tables])
        summary["low"], summary["high"] = (float(end) for end in found.interval())
        if tested:
            summary["p"] = float(found.p_value())
    return summary


def _contributions(scores: np.ndarray, subjects: Sequence[str]) -> np.ndarray:
    """Return what each subject (n,) adds to the mean over sweeps (N,): their mean is that mean.

    With as many sweeps of each subject these are the subjects' means. Otherwise a subject's
    distance from the mean is weighted by its number of sweeps, which is the linearised error of a
    mean over clusters (Cameron and Miller 2015, J. Human Resources 50:317).
    """
    index = np.unique(np.asarray(subjects, str), return_inverse=True)[1]
    counts = np.bincount(index)
    away = np.bincount(index, scores - scores.mean())
    return scores.mean() + away / counts.mean()
