"""Stress as text: one line per point for machines, one table per metric for readers."""

import csv
import io
from collections.abc import Sequence

from benchmark.leaderboard.columns import digits, short_title, unit
from benchmark.leaderboard.conditions import FLOOR
from benchmark.robustness.stress import Break, Point, breaks
from benchmark.tables import inert, number


def stress_csv(points: Sequence[Point]) -> str:
    """Return one line per tracker, factor, severity and metric, with both intervals."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(
        [
            "metric",
            "unit",
            "factor",
            "severity",
            "level",
            "tracker",
            "sweeps",
            "mean",
            "low",
            "high",
        ]
        + [f"over_{FLOOR}{part}" for part in ("", "_low", "_high")]
    )
    for point in points:
        writer.writerow(
            [point.metric, unit(point.metric), point.factor, f"{point.severity:g}", point.level]
            + [point.tracker, point.sweeps]
            + [point.summary[part] for part in ("mean", "low", "high")]
            + [point.over_floor[part] for part in ("mean", "low", "high")]
        )
    return text.getvalue()


def stress_markdown(points: Sequence[Point], floor: str = FLOOR) -> str:
    """Return a table per metric: errors at the lowest and highest severity, and the break."""
    broken = breaks(points)
    parts = []
    for metric in dict.fromkeys(point.metric for point in points):
        mine = [point for point in points if point.metric == metric]
        trackers = list(dict.fromkeys(point.tracker for point in mine))
        head = ["factor", "severity (level)", *(inert(name) for name in trackers)]
        lines = [head, ["---"] * 2 + ["---:"] * len(trackers)]
        for factor in dict.fromkeys(point.factor for point in mine):
            curve = [point for point in mine if point.factor == factor]
            cells = [
                _cell([p for p in curve if p.tracker == name], broken[metric, factor, name], floor)
                for name in trackers
            ]
            lines.append([inert(factor), _span(curve), *cells])
        title = f"## {short_title(metric)} ({unit(metric)}), `{metric}`"
        parts.append(title + "\n\n" + "\n".join(f"| {' | '.join(line)} |" for line in lines))
    note = (
        "Mean at the lowest and at the highest severity; then the severity from which on (and, "
        f"after a slash, from which on beyond doubt: 95 % interval of the paired difference) the "
        f"tracker is worse than {floor}, which sees no image. No severity: it never is."
    )
    return "\n\n".join([*parts, note]) + "\n"


def _span(curve: Sequence[Point]) -> str:
    low, high = curve[0], max(curve, key=lambda point: point.severity)
    return " to ".join(severity_text(point) for point in (low, high))


def severity_text(point: Point) -> str:
    """Return a severity with its level, "3 (2.5)"; without one, "3"."""
    level = "" if point.level is None else f" ({point.level:g})"
    return f"{point.severity:g}{level}"


def _cell(curve: Sequence[Point], broken: Break, floor: str) -> str:
    places = digits(curve[0].metric)
    ends = (curve[0], max(curve, key=lambda point: point.severity))
    text = " → ".join(number(point.summary["mean"], places) for point in ends)
    if curve[0].tracker == floor or broken.severity is None:
        return text
    certain = "" if broken.certain is None else f"/{broken.certain:g}"
    return f"{text}, breaks at {broken.severity:g}{certain}"
