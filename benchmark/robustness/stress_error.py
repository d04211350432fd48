"""A tracker's stress in one number, in the manner of ImageNet-C's mean corruption error.

Under one factor, the **stress error** is the error averaged over the severities, as a share of that
of `identity`, which answers no motion, on the same sweeps; the **stress loss** is this share less
the same share at severity 0. The mean of each over the factors is the one number.

Factors differ in how hard they are for anyone: for this reason Hendrycks and Dietterich (ICLR 2019)
divide by the errors of AlexNet. `identity` learns from no data and draws no random numbers, so it
is the same on every board, and its error is the motion itself, which does not vanish. Their
relative error divides differences by the reference's own difference; that of `identity` is zero or
nearly so under most factors, so here the difference of the two shares is taken.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from benchmark.leaderboard.conditions import conditions, stress_metrics
from benchmark.scoring.statistics import Summary, summarise

if TYPE_CHECKING:
    from benchmark.leaderboard.board import Leaderboard
    from benchmark.leaderboard.row import Row

#: The tracker whose errors others are divided by.
REFERENCE = "identity"
#: Stands for the mean over all factors.
ALL = "all"
PERCENT = 100.0


@dataclass(frozen=True)
class StressError:
    """One tracker under one factor, or under all (`ALL`).

    error, loss: mean, sd and 95 % interval over subjects, in % of the reference's error, which is
    taken as it is; None where the tracker lacks a sweep or the reference has no error to divide by.
    """

    tracker: str
    factor: str
    metric: str
    error: Summary
    loss: Summary


def stress_errors(
    board: "Leaderboard", metrics: Sequence[str] | None = None, reference: str = REFERENCE
) -> list[StressError]:
    """Return the stress error of every row, by metric and factor, the mean over factors last.

    metrics: errors, by default those of `stress_points`. Empty where no row is the reference.

    Raises
    ------
    UserError : as `conditions`.
    """
    references = [row for row in board.rows if row.tracker == reference]
    groups = conditions(board.sweeps)
    if not references:
        return []
    found = []
    for metric in stress_metrics(board.headline, board.metrics) if metrics is None else metrics:
        weights = _weights(_scores(references[0], metric, board).mean(0), groups)
        for factor, (error, loss) in weights.items():
            for row in board.rows:
                scores = _scores(row, metric, board)
                summaries = (_weighted(scores, part, board.subjects) for part in (error, loss))
                found.append(StressError(row.label, factor, metric, *summaries))
    return found


def _scores(row: "Row", metric: str, board: "Leaderboard") -> np.ndarray:
    """Return the errors (S, N) of a row by seed and sweep, NaN where there is none."""
    table = row.tables.get(metric)
    return np.full((1, len(board.sweeps)), np.nan) if table is None else table


def _weights(
    reference: np.ndarray, groups: Mapping[str, Mapping[float, Sequence[int]]]
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return by factor, and for all, how much each sweep's error counts in error and loss (N,).

    Both numbers are weighted sums of a tracker's errors; NaN where one is not defined.
    """
    found = {}
    for factor, by_severity in groups.items():
        plain = _share(reference, [by_severity.get(0.0, [])])
        hard = [indices for severity, indices in by_severity.items() if severity > 0]
        error = _share(reference, hard)
        found[factor] = error, error - plain
    mean = np.mean(list(found.values()), axis=0)
    return found | {ALL: (mean[0], mean[1])}


def _share(reference: np.ndarray, severities: Sequence[Sequence[int]]) -> np.ndarray:
    """Return weights (N,) whose sum with a tracker's errors is its share of the reference's error.

    Either error is the mean over severities of the mean over sweeps; sweeps of which the reference
    has no error (nothing moves) have no weight.
    """
    weights = np.zeros(len(reference))
    for indices in severities:
        defined = [index for index in indices if np.isfinite(reference[index])]
        weights[defined] = 1 / max(len(defined), 1)
    total = float(weights @ np.nan_to_num(reference))
    return PERCENT * weights / total if total > 0 else np.full(len(reference), np.nan)


def _weighted(scores: np.ndarray, weights: np.ndarray, subjects: Sequence[str]) -> Summary:
    """Return the weighted sum of scores (S, N) with its interval; nothing where one is missing.

    Each subject stands for the sum of its sweeps, times the number of subjects.
    """
    used = np.flatnonzero(weights)
    parts = scores[:, used] * weights[used]
    if not np.isfinite(parts).all():
        return summarise([], [])
    names, index = np.unique([subjects[i] for i in used], return_inverse=True)
    sums = np.array([np.bincount(index, seed, minlength=len(names)) for seed in parts])
    return summarise(len(names) * sums, names.tolist())
