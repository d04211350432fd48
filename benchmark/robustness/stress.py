"""Stress: a tracker's error under one factor at a time, against a tracker that sees no image.

Sweeps name the one `factor` that was made worse, its `severity` and its `level` (the value, where
there is one). Sweeps of factor "none" are severity 0 of every factor: same subjects, same paths.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmark.errors import UserError
from benchmark.leaderboard.conditions import FLOOR, conditions, shared_level, stress_metrics
from benchmark.scoring.statistics import Summary, cluster_bootstrap, paired_difference

if TYPE_CHECKING:
    from benchmark.leaderboard.board import Leaderboard


@dataclass(frozen=True)
class Point:
    """One tracker under one factor at one severity.

    level: the factor's value, None where it has none; sweeps: how many have a value; summary: mean,
    sd and 95 % interval of the metric; over_floor: the same of its paired difference to the floor,
    sweep by sweep; kind: of tracker.
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
    groups = conditions(board.sweeps)
    subjects = board.subjects
    points = []
    for metric in stress_metrics(board.headline, board.metrics) if metrics is None else metrics:
        for factor, by_severity in groups.items():
            for row in board.rows:
                for severity, indices in by_severity.items():
                    mine = _chosen(row.values.get(metric), indices)
                    other = _chosen(floors[0].values.get(metric), indices)
                    who = [subjects[index] for index in indices]
                    points.append(
                        Point(
                            row.label,
                            factor,
                            severity,
                            shared_level(board.sweeps, indices),
                            metric,
                            sum(value is not None for value in mine),
                            cluster_bootstrap(mine, who),
                            paired_difference(mine, other, who),
                            row.kind,
                        )
                    )
    return points


def _chosen(values: Sequence[float | None] | None, indices: Sequence[int]) -> list[float | None]:
    return [None if values is None else values[index] for index in indices]


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
