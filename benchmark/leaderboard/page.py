"""The leaderboard as one static html file that needs nothing else: no server, no network.

The page is page.html with page.css, plotly's script, the page_*.js files and the data as JSON.
Every text that came from a file travels inside that JSON and becomes text nodes, never markup.
"""

import html
import json
from collections.abc import Mapping, Sequence
from importlib import metadata, resources
from itertools import chain
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmark.leaderboard.columns import digits, main_columns, short_title, unit
from benchmark.leaderboard.conditions import FLOOR, stress_metrics
from benchmark.leaderboard.page_factors import factors_of, stress_of
from benchmark.leaderboard.page_figures import page_figures
from benchmark.metrics import METRICS

if TYPE_CHECKING:
    from benchmark.leaderboard.board import Leaderboard
    from benchmark.leaderboard.row import Row

#: In this order: each file uses what the ones before it define.
SCRIPTS = (
    *("page_statistics.js", "page_labels.js", "page_charts.js", "page_space.js", "page_parts.js"),
    *("page_table.js", "page_board.js", "page_tracker.js", "page_compare.js", "page_stress.js"),
    *("page_about.js", "page.js"),
)
DEGREES_OF_FREEDOM = {
    "tx": "lateral x",
    "ty": "axial y",
    "tz": "elevational z",
    "rx": "about x",
    "ry": "about y",
    "rz": "about z",
}
#: Lines of all rows and sweeps have so many points in all, of each at least so many: a large board
#: stays a page that opens at once.
ALL_POINTS, FEWEST_POINTS = 200_000, 25


def page_html(board: "Leaderboard", figures_folder: Path | str | None = None) -> str:
    """Return the whole page as text.

    Raises
    ------
    UserError : as `page_figures`.
    """
    from plotly.offline import get_plotlyjs

    data = {**page_data(board), "figures": page_figures(figures_folder)}
    return Template(_asset("page.html")).substitute(
        title=html.escape(f"{board.dataset.get('name')} · sweepbench"),
        style=_asset("page.css"),
        data=embedded_json(data),
        plotly=get_plotlyjs().replace("</script", "<\\/script"),
        script="\n".join(_asset(name) for name in SCRIPTS),
    )


def _asset(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")


def embedded_json(value: Any) -> str:
    """Return JSON that no parser of html can mistake for markup: `<`, `>`, `&` are \\u escapes."""
    text = json.dumps(value, allow_nan=False, ensure_ascii=True, separators=(",", ":"))
    return text.translate({ord(c): f"\\u{ord(c):04x}" for c in "<>&"})


def page_data(board: "Leaderboard") -> dict[str, Any]:
    """Return all that the page shows, as JSON values."""
    factors = factors_of(board.sweeps)
    points = max(FEWEST_POINTS, ALL_POINTS // max(1, len(board.rows) * len(board.sweeps)))
    scored = [_scored(row) for row in board.rows]
    paths = _paths(scored, points)
    return {
        "version": _version(),
        "dataset": dict(board.dataset),
        "protocol": dict(board.protocol),
        "headline": board.headline,
        "metrics": [_metric(name) for name in board.metrics],
        "columns": main_columns(board.headline, board.metrics),
        "factors": factors,
        "tracks": board.tracks,
        "stress": stress_of(board.sweeps, factors),
        "stress_metrics": stress_metrics(board.headline, board.metrics),
        "floor": FLOOR,
        "bias_noise": [
            {
                "label": label,
                "unit": unit(f"bias_step_{dof}"),
                "bias": f"bias_step_{dof}",
                "noise": f"noise_step_{dof}",
            }
            for dof, label in DEGREES_OF_FREEDOM.items()
            if {f"bias_step_{dof}", f"noise_step_{dof}"} <= set(board.metrics)
        ],
        "sweeps": [
            {**sweep, "true": _line(sweep["true"], points), "path": paths.get(sweep["name"])}
            for sweep in board.sweeps
        ],
        "rows": [
            _row(row, board, of_row, paths, points)
            for row, of_row in zip(board.rows, scored, strict=True)
        ],
        "paired": board.paired,
        "rank_frequencies": board.rank_frequencies,
    }


def _version() -> str:
    try:
        return metadata.version("sweepbench")
    except metadata.PackageNotFoundError:
        return ""


def _metric(name: str) -> dict[str, Any]:
    known = METRICS.get(name)
    return {
        "id": name,
        "label": short_title(name),
        "unit": unit(name),
        "digits": digits(name),
        "higher_is_better": known is not None and known.better == "higher",
        "about": known.meaning if known else "",
        "definition": known.definition if known else "",
    }


Scored = Mapping[str, Mapping[str, Any]]  # the entries of a result by the name of their sweep


def _scored(row: "Row") -> list[Scored]:
    return [{sweep["name"]: sweep for sweep in result["sweeps"]} for result in row.results]


def _row(
    row: "Row",
    board: "Leaderboard",
    scored: Sequence[Scored],
    paths: Mapping[str, list[float]],
    points: int,
) -> dict[str, Any]:
    names = [sweep["name"] for sweep in board.sweeps]
    kept = [
        *("card", "config", "config_hash", "trained_on", "outside_training", "training"),
        *("environment", "code_sha256"),
    ]
    return {
        "label": row.label,
        "name": row.tracker,
        "kind": row.kind,
        "track": row.track,
        "rank": row.rank,
        "ranked": row.rank is not None,
        "collapsed": bool(row.collapsed),
        "remarks": row.remarks,
        "compared": not row.other_data,
        "seeds": row.seeds,
        "seed_spread": row.seed_spread,
        "seed_means": _seed_means(row),
        "expected": row.expected,
        "scored": row.scored,
        "missing": row.missing,
        "failed": [failure for result in row.results for failure in result.get("failed") or []],
        "summary": row.summary,
        "tables": {name: _table(table) for name, table in row.tables.items()},
        "drifts": [_drift(scored, name, paths) for name in names],
        "predicted": [_predicted(scored[0], name, points) for name in names],
        "weights": [r["weights_sha256"] for r in row.results if r.get("weights_sha256")],
        "seconds_per_frame": row.mean_of("seconds_per_frame"),
        "peak_memory_mb": row.mean_of("peak_memory_mb"),
        "parameters": row.first("parameters"),
        "training_seconds": row.training_seconds,
        **{key: row.first(key) for key in kept},
    }


def _table(scores: np.ndarray) -> list[list[float | None]]:
    """Return scores (S, N) by seed and sweep as JSON values, None where missing."""
    return [[None if np.isnan(x) else round(x, 6) for x in seed] for seed in scores.tolist()]


def _seed_means(row: "Row") -> list[dict[str, Any]]:
    return [
        {"seed": r.get("seed"), "mean": (r["summary"].get(row.headline_id) or {}).get("mean")}
        for r in row.results
    ]


def _curve(scored: Scored, name: str) -> Mapping[str, Any] | None:
    """Return the curve of a sweep in one result, None where it has no two points."""
    curve = (scored.get(name) or {}).get("curve") or {}
    return curve if len(curve.get("path_mm") or []) > 1 else None


def _paths(rows: Sequence[Sequence[Scored]], points: int) -> dict[str, list[float]]:
    """Return by sweep the lengths of path at which drift is shown, those of the first result."""
    found: dict[str, list[float]] = {}
    for scored in chain.from_iterable(rows):
        for name in scored.keys() - found.keys():
            if (curve := _curve(scored, name)) is not None:
                found[name] = _line(curve["path_mm"], points)
    return found


def _drift(
    scored: Sequence[Scored], name: str, paths: Mapping[str, list[float]]
) -> list[float] | None:
    """Return the drift of a sweep along its path, mean over seeds; None where no seed tells it."""
    curves = [curve for one in scored if (curve := _curve(one, name)) is not None]
    if not curves:
        return None
    path = paths[name]
    drift = np.mean([np.interp(path, c["path_mm"], c["drift_mm"]) for c in curves], axis=0)
    return _rounded(drift.tolist(), 3)


def _predicted(scored: Scored, name: str, points: int) -> Any:
    """Return the path of a sweep as the first seed predicts it; no seed predicts a mean path."""
    path = ((scored.get(name) or {}).get("trajectory") or {}).get("predicted")
    return _line(path, points)


def _line(values: Any, points: int) -> Any:
    """Return at most so many values of a line, both ends among them, rounded; None for None."""
    if values is None or len(values) <= points:
        return _rounded(values, 2)
    kept = np.linspace(0, len(values) - 1, points).round().astype(int)
    return _rounded([values[index] for index in kept], 2)


def _rounded(value: Any, places: int) -> Any:
    """Return nested lists with their numbers rounded, so that the file stays small."""
    if isinstance(value, list):
        return [_rounded(item, places) for item in value]
    return round(value, places) if isinstance(value, float) else value
