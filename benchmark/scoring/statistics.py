"""Statistics of a few sweeps: intervals, paired differences, rank ranges.

Frames of a sweep depend on each other, and so do sweeps of a subject. So the bootstrap resamples
subjects (phantoms), each with all its sweeps.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from benchmark.errors import UserError

LEVEL = 0.95
RESAMPLES = 4000

#: Keys mean, sd (n - 1, over sweeps), low, high (95 % interval of the mean); None where there is
#: none: no sweep with a value, one sweep (sd), one subject (low and high).
Summary = dict[str, float | None]
Values = Sequence[float | None]


def bootstrap_means(
    values: Values, subjects: Sequence[Any], *, seed: int = 0, resamples: int = RESAMPLES
) -> np.ndarray:
    """Return means (R,) of one value per sweep over resamples of whole subjects.

    Subjects are drawn with replacement, as many as there are; each mean is over the sweeps drawn,
    so that a subject counts by its number of sweeps, as in the mean itself (the pairs cluster
    bootstrap; Cameron, Gelbach and Miller 2008). None or NaN marks a sweep without a value; a
    resample without any is NaN.
    """
    numbers, names = _known(values, subjects)
    unique, index = np.unique(np.asarray(names, str), return_inverse=True)
    if not len(unique):
        return np.full(resamples, np.nan)
    sums = np.bincount(index, numbers, minlength=len(unique))
    counts = np.bincount(index, minlength=len(unique))
    rng = np.random.default_rng(seed)
    drawn = rng.multinomial(len(unique), np.full(len(unique), 1 / len(unique)), size=resamples)
    return (drawn @ sums) / (drawn @ counts)


def _known(values: Values, subjects: Sequence[Any]) -> tuple[np.ndarray, list[str]]:
    """Return the finite values and their subjects."""
    pairs = [
        (float(value), str(subject))
        for value, subject in zip(values, subjects, strict=True)
        if value is not None and np.isfinite(value)
    ]
    return np.array([value for value, _ in pairs]), [subject for _, subject in pairs]


def mean_of_known(values: Iterable[float | None]) -> float | None:
    """Return the mean of the numbers among values, None where there is none."""
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None


def cluster_bootstrap(
    values: Values, subjects: Sequence[Any], *, seed: int = 0, resamples: int = RESAMPLES
) -> Summary:
    """Return mean, sd and 95 % percentile interval of one value per sweep, subjects resampled."""
    numbers, names = _known(values, subjects)
    summary: Summary = {"mean": None, "sd": None, "low": None, "high": None}
    if len(numbers):
        summary["mean"] = float(numbers.mean())
    if len(numbers) > 1:
        summary["sd"] = float(numbers.std(ddof=1))
    if len(set(names)) > 1:
        means = bootstrap_means(numbers.tolist(), names, seed=seed, resamples=resamples)
        tail = 50 * (1 - LEVEL)
        low, high = np.percentile(means, [tail, 100 - tail])
        summary["low"], summary["high"] = float(low), float(high)
    return summary


def paired_difference(
    one: Values, other: Values, subjects: Sequence[Any], *, seed: int = 0
) -> Summary:
    """Return the summary of one - other over sweeps, given in the same order in both.

    A sweep that lacks a value in either is left out of both.
    """
    gaps = [
        None if a is None or b is None else float(a) - float(b)
        for a, b in zip(one, other, strict=True)
    ]
    return cluster_bootstrap(gaps, subjects, seed=seed)


def differs(difference: Summary) -> bool:
    """Return whether the interval of a paired difference excludes zero."""
    low, high = difference["low"], difference["high"]
    return low is not None and high is not None and (low > 0 or high < 0)


def compare_results(
    one: Mapping[str, Any], other: Mapping[str, Any], metric: str, *, seed: int = 0
) -> Summary:
    """Return the paired difference (one - other) of a metric between two contents of result.json.

    Raises
    ------
    UserError : the results are of different data or protocols, or share no sweep.
    """
    for key in ("dataset", "protocol"):
        if one[key] != other[key]:
            raise UserError(
                f"results of '{one['tracker']}' and '{other['tracker']}' cannot be compared: "
                f"{key} differs ({one[key]}, {other[key]})"
            )
    there = {sweep["name"]: sweep["metrics"].get(metric) for sweep in other["sweeps"]}
    shared = [sweep for sweep in one["sweeps"] if sweep["name"] in there]
    if not shared:
        raise UserError(f"'{one['tracker']}' and '{other['tracker']}' share no sweep")
    return paired_difference(
        [sweep["metrics"].get(metric) for sweep in shared],
        [there[sweep["name"]] for sweep in shared],
        [sweep["subject"] for sweep in shared],
        seed=seed,
    )


def rank_ranges(summaries: Sequence[Summary], *, better: str = "lower") -> list[tuple[int, int]]:
    """Return the best and the worst rank (from 1) of each row, a range where intervals overlap.

    A row is certainly behind another only if their intervals are apart; without an interval
    nothing is certain.

    Parameters
    ----------
    summaries : one per row, with `low` and `high`.
    better : "lower" or "higher".
    """
    spans = [_span(summary, better) for summary in summaries]
    return [
        (
            1 + sum(other[1] < mine[0] for other in spans),
            len(spans) - sum(mine[1] < other[0] for other in spans),
        )
        for mine in spans
    ]


def _span(summary: Summary, better: str) -> tuple[float, float]:
    """Return the interval with the better end first."""
    low, high = summary["low"], summary["high"]
    if low is None or high is None:
        return -np.inf, np.inf
    return (low, high) if better == "lower" else (-high, -low)
