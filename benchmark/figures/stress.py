"""Figures of a stress test: one small chart per factor, one line with its interval per tracker."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmark.figures.plot import COLOURS, TRUE_COLOUR, new_figure, plain, style
from benchmark.leaderboard.columns import short_title, unit
from benchmark.leaderboard.conditions import FLOOR
from benchmark.robustness.stress import Break, Point, breaks
from benchmark.robustness.stress_tables import severity_text

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_COLUMNS = 4
PANEL_INCHES = (2.9, 2.15)


def stress_curves(points: Sequence[Point], metric: str, floor: str = FLOOR) -> "Figure":
    """Return the error against severity, a chart per factor, all on one logarithmic scale.

    A ring marks where a tracker's mean becomes worse than the floor's, which is drawn dotted.
    """
    mine = [point for point in points if point.metric == metric]
    factors = list(dict.fromkeys(point.factor for point in mine))
    trackers = list(dict.fromkeys(point.tracker for point in mine))
    columns = min(MOST_COLUMNS, max(len(factors), 1))
    rows = max(1, -(-len(factors) // columns))
    broken = breaks(mine)
    colours = dict(zip((t for t in trackers if t != floor), COLOURS * 9, strict=False))
    with style():
        figure = new_figure(PANEL_INCHES[0] * columns, PANEL_INCHES[1] * rows + 0.5)
        grid = figure.subplots(rows, columns, squeeze=False, sharey=True)
        for axes in grid.ravel()[len(factors) :]:
            axes.set_axis_off()
        for axes, factor in zip(grid.ravel(), factors, strict=False):
            for name in trackers:
                curve = [p for p in mine if p.factor == factor and p.tracker == name]
                _line(axes, curve, broken[metric, factor, name], colours.get(name), name)
            _ticks(axes, [p for p in mine if p.factor == factor], factor)
        for axes in grid[:, 0]:
            axes.set_ylabel(f"{short_title(metric).lower()} ({unit(metric)})")
        if factors:
            handles = grid[0, 0].get_legend_handles_labels()
            figure.legend(*handles, loc="outside lower center", ncols=6)
    return figure


def _line(axes: Any, curve: Sequence[Point], broken: Break, colour: Any, name: str) -> None:
    known = [point for point in curve if point.summary["mean"] is not None]
    x = [point.severity for point in known]
    mean = np.array([point.summary["mean"] for point in known], float)
    tone, kind = (TRUE_COLOUR, ":") if colour is None else (colour, "-")
    axes.plot(x, mean, kind, color=tone, linewidth=1.5, marker=".", label=plain(name))
    low, high = (np.array([p.summary[part] for p in known], float) for part in ("low", "high"))
    if colour is not None:
        axes.fill_between(x, low, high, color=tone, alpha=0.14, linewidth=0)
    if broken.severity is not None and broken.severity in x and colour is not None:
        at = x.index(broken.severity)
        axes.plot(x[at], mean[at], "o", markersize=8, fillstyle="none", color=tone)


def _ticks(axes: Any, curve: Sequence[Point], factor: str) -> None:
    named = {point.severity: severity_text(point) for point in curve}
    axes.set_xticks(list(named), [text.replace(" (", "\n(") for text in named.values()])
    axes.tick_params(axis="x", labelsize=7)
    axes.set_yscale("log")
    axes.set_title(plain(factor))
    axes.grid(True, axis="y", which="both")
    axes.yaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_formatter("")
