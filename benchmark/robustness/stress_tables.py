"""Stress as text: csv with a line per point for machines, Markdown with a table per metric."""

from collections.abc import Sequence

from benchmark.leaderboard.columns import digits, short_title, unit
from benchmark.leaderboard.conditions import FLOOR
from benchmark.robustness.stress import Break, Point, breaks
from benchmark.robustness.stress_error import ALL, REFERENCE, StressError
from benchmark.scoring.statistics import FEWEST_SUBJECTS, Summary
from benchmark.tables import Markup, csv_text, markdown, number

ERROR_NOTE = (
    "Mean stress error: the error over all severities in % of that of "
    f"`{REFERENCE}` on the same sweeps, mean over factors, with its 95 % interval over subjects; "
    "mean stress loss: what it exceeds the same share at severity 0 by, in percentage points."
)


def stress_csv(points: Sequence[Point]) -> str:
    """Return one line per tracker, factor, severity and metric, with both intervals."""
    return csv_text(
        [
            {
                "metric": point.metric,
                "unit": unit(point.metric),
                "factor": point.factor,
                "severity": f"{point.severity:g}",
                "level": point.level,
                "tracker": point.tracker,
                "sweeps": point.sweeps,
                **{part: point.summary[part] for part in ("mean", "low", "high")},
                f"over_{FLOOR}": point.over_floor["mean"],
                f"over_{FLOOR}_low": point.over_floor["low"],
                f"over_{FLOOR}_high": point.over_floor["high"],
            }
            for point in points
        ]
    )


def stress_error_csv(errors: Sequence[StressError]) -> str:
    """Return one line per metric, factor (and all of them) and tracker, with both intervals."""
    return csv_text(
        [
            {"metric": error.metric, "factor": error.factor, "tracker": error.tracker}
            | _parts("stress_error", error.error)
            | _parts("stress_loss", error.loss)
            for error in errors
        ]
    )


def _parts(name: str, summary: Summary) -> dict[str, float | None]:
    return {name: summary["mean"], f"{name}_low": summary["low"], f"{name}_high": summary["high"]}


def stress_markdown(
    points: Sequence[Point], errors: Sequence[StressError] = (), floor: str = FLOOR
) -> str:
    """Return a table per metric: errors at the lowest and highest severity, and the break.

    errors: of which those over all factors are the last two rows of each table.
    """
    parts = []
    for metric in dict.fromkeys(point.metric for point in points):
        title = f"## {short_title(metric)} ({unit(metric)}), `{metric}`"
        mine = [point for point in points if point.metric == metric]
        means = [e for e in errors if e.metric == metric and e.factor == ALL]
        parts.append(f"{title}\n\n" + _table(mine, means, floor))
    note = (
        "Mean at the lowest and at the highest severity; then the lowest severity at which the "
        f"tracker is worse than {floor}, which sees no image, and after a slash the lowest at "
        "which the 95 % interval of the paired difference says so, each condition by itself. No "
        f"severity: it never is. Below {FEWEST_SUBJECTS} subjects there are no intervals."
    )
    if errors:
        note += f" {ERROR_NOTE}"
    return "\n".join([*parts, note]) + "\n"


def _table(points: Sequence[Point], means: Sequence[StressError], floor: str) -> str:
    """Return the table of the points of one metric: a row per factor, a column per tracker.

    means: the stress errors of this metric over all factors.
    """
    broken = breaks(points)
    metric = points[0].metric
    trackers = {f"tracker {p.tracker}": p.tracker for p in points}
    rows = []
    for factor in dict.fromkeys(point.factor for point in points):
        curve = [point for point in points if point.factor == factor]
        cells = {
            key: _cell([p for p in curve if p.tracker == name], broken[metric, factor, name], floor)
            for key, name in trackers.items()
        }
        rows.append({"factor": factor, "span": Markup(_span(curve)), **cells})
    if means:
        by_tracker = {mean.tracker: mean for mean in means}
        for title, part in (("mean stress error, %", "error"), ("mean stress loss, %", "loss")):
            cells = {
                key: Markup(_interval(getattr(by_tracker[name], part)))
                for key, name in trackers.items()
            }
            rows.append({"factor": title, "span": Markup(""), **cells})
    columns = {"factor": "factor", "span": Markup("severity (level)"), **trackers}
    return markdown(rows, columns, right=trackers)


def _interval(summary: Summary) -> str:
    text = number(summary["mean"], 1)
    if summary["low"] is not None:
        text += f" [{number(summary['low'], 1)}, {number(summary['high'], 1)}]"
    return text


def _span(curve: Sequence[Point]) -> str:
    low, high = curve[0], max(curve, key=lambda point: point.severity)
    return " to ".join(severity_text(point) for point in (low, high))


def severity_text(point: Point) -> str:
    """Return a severity with its level, "3 (2.5)"; without one, "3"."""
    level = "" if point.level is None else f" ({point.level:g})"
    return f"{point.severity:g}{level}"


def _cell(curve: Sequence[Point], broken: Break, floor: str) -> Markup:
    places = digits(curve[0].metric)
    ends = (curve[0], max(curve, key=lambda point: point.severity))
    text = " → ".join(number(point.summary["mean"], places) for point in ends)
    if curve[0].tracker == floor or broken.severity is None:
        return Markup(text)
    certain = "" if broken.certain is None else f"/{broken.certain:g}"
    return Markup(f"{text}, breaks at {broken.severity:g}{certain}")
