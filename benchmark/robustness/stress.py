"""Stress: a tracker's error under one factor at a time, against a tracker that sees no image.

Sweeps name the one `factor` that was made worse, its `severity` and its `level` (the value, where
there is one). Sweeps of factor "none" are severity 0 of every factor: same subjects, same paths.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from benchmark.errors import UserError
from benchmark.leaderboard.conditions import FLOOR, conditions, shared_level, stress_metrics
from benchmark.scoring.statistics import Summary, paired_difference, summarise

if TYPE_CHECKING:
    from benchmark.leaderboard.board import Leaderboard
    from benchmark.leaderboard.row import Row


@dataclass(frozen=True)
class Point:
    """One tracker under one factor at one severity.

    level: the factor's value, None where it has none; sweeps: how many have a value; summary: mean,
    sd and 95 % interval of the metric; over_floor: the same of its paired difference to the floor,
    with its p-value; kind: of tracker.
    """

    tracker: str
    factor: str
    severity: float
    level: float | None
    metric: str
    sweeps: int
    summary: Summary
    over_floor: Summary
    kind: str = "learned"


@dataclass(frozen=True)
class Break:
    """Where a tracker breaks under a factor: the lowest severity at which its mean error exceeds
    the floor's, and the lowest at which the interval of the difference lies above zero; None where
    there is no such severity. Reference rows know the truth and cannot break."""

    severity: float | None
    certain: float | None


def stress_points(
    board: "Leaderboard", metrics: Sequence[str] | None = None, floor: str = FLOOR
) -> list[Point]:
    """Return every point of every curve: by metric, factor, tracker and rising severity.

    metrics: by default the headline of the board, and those of `STRESS_METRICS` that it has.

    Raises
    ------
    UserError : as `conditions`; no row of the floor.
    """
    floors = [row for row in board.rows if row.tracker == floor]
    if not floors:
        raise UserError(f"stress: expected a result of '{floor}', which says where others break")
    if metrics is None:
        metrics = stress_metrics(board.headline, board.metrics)
    return [
        _point(board, row, floors[0], metric, factor, severity, indices)
        for metric in metrics
        for factor, by_severity in conditions(board.sweeps).items()
        for row in board.rows
        for severity, indices in by_severity.items()
    ]


def _point(
    board: "Leaderboard",
    row: "Row",
    floor: "Row",
    metric: str,
    factor: str,
    severity: float,
    indices: Sequence[int],
) -> Point:
    """Return the point of a row over the sweeps of one condition."""
    mine, other = (_scores(each, metric, indices) for each in (row, floor))
    subjects = [board.subjects[index] for index in indices]
    return Point(
        row.label,
        factor,
        severity,
        shared_level(board.sweeps, indices),
        metric,
        int(np.isfinite(mine).all(0).sum()),
        summarise(mine, subjects),
        paired_difference(mine, other, subjects),
        row.kind,
    )


def _scores(row: "Row", metric: str, indices: Sequence[int]) -> np.ndarray:
    """Return a row's scores (S, N) on some sweeps, NaN where it has none of this metric."""
    table = row.tables.get(metric)
    return np.full((1, len(indices)), np.nan) if table is None else table[:, list(indices)]


def breaks(points: Sequence[Point]) -> dict[tuple[str, str, str], Break]:
    """Return where each tracker breaks, by (metric, factor, tracker)."""
    curves: dict[tuple[str, str, str], list[Point]] = {}
    for point in points:
        curves.setdefault((point.metric, point.factor, point.tracker), []).append(point)
    return {
        key: Break(_first(curve, "mean"), _first(curve, "low")) for key, curve in curves.items()
    }


def _first(curve: Sequence[Point], part: str) -> float | None:
    """Return the lowest severity at which a part of the difference to the floor is above zero."""
    if curve[0].kind == "reference":
        return None
    above = [
        point.severity
        for point in curve
        if (value := point.over_floor[part]) is not None and value > 0
    ]
    return min(above, default=None)
