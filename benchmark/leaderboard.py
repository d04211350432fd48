"""Many result.json -> ranking, csv, markdown and one static page.

Only result files (and figure files) are read: no predictions, no ground truth, no tracker. One
row is one tracker with one configuration; results that differ in nothing but the seed share it.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmark.errors import UserError
from benchmark.files import atomic_path, read_json
from benchmark.leaderboard_rows import Row, make_row
from benchmark.leaderboard_tables import (
    HEADLINE,
    MAIN_METRICS,
    console_table,
    csv_text,
    markdown_text,
    paired_csv_text,
)
from benchmark.metrics import METRICS
from benchmark.statistics import Summary, paired_difference, rank_ranges

__all__ = ["Leaderboard", "Row", "build_leaderboard", "console_table", "read_leaderboard"]

RESULT_FORMAT = "sweepbench-result-1"
REQUIRED = ("tracker", "dataset", "protocol", "expected_sweeps", "sweeps", "summary")


@dataclass(frozen=True, eq=False)
class Leaderboard:
    """Rows, best first, on one data set under one protocol.

    dataset, protocol: name and hash (and split); sweeps: name, subject, frames, factors of every
    sweep; metrics: ids that occur, the headline first; paired[first label][second label]: mean
    headline of the first minus the second with its interval.
    """

    dataset: Mapping[str, Any]
    protocol: Mapping[str, Any]
    sweeps: Sequence[Mapping[str, Any]]
    metrics: Sequence[str]
    rows: Sequence[Row]
    paired: Mapping[str, Mapping[str, Summary]]

    @property
    def subjects(self) -> list[str]:
        """The subject of every sweep: what the bootstrap draws."""
        return [str(sweep["subject"]) for sweep in self.sweeps]


def build_leaderboard(
    result_paths: Iterable[Path | str],
    out_folder: Path | str,
    figures_folder: Path | str | None = None,
) -> Leaderboard:
    """Rank results and write leaderboard.csv, .md, .html and leaderboard_paired.csv into a folder.

    figures_folder: PNG files, each with `<same name>.json` {"title", "caption", "tracker"}, which
    the page embeds.

    Raises
    ------
    UserError : as `read_leaderboard`; a figure without its JSON.
    """
    from benchmark.page import page_html

    board = read_leaderboard(result_paths)
    texts = {
        "leaderboard.csv": csv_text(board),
        "leaderboard_paired.csv": paired_csv_text(board),
        "leaderboard.md": markdown_text(board),
        "leaderboard.html": page_html(board, figures_folder),
    }
    for name, text in texts.items():
        with atomic_path(Path(out_folder) / name) as temporary:
            temporary.write_text(text, encoding="utf-8", newline="")
    return board


def read_leaderboard(result_paths: Iterable[Path | str]) -> Leaderboard:
    """Return the ranking of result files.

    Raises
    ------
    UserError : no files; a file is not a result or lacks a key; two files differ in the hash of
        the data set, its split or the protocol; two files are of the same tracker, configuration
        and seed. The files are named.
    """
    results = {Path(path): _read_result(Path(path)) for path in result_paths}
    if not results:
        raise UserError("leaderboard: expected at least one result.json, got none")
    for key in ("dataset", "protocol"):
        _refuse_mixture(results, key)
    sweeps = _all_sweeps(results.values())
    groups = _groups(results)
    undefined = _undefined(results.values())
    subjects = [str(sweep["subject"]) for sweep in sweeps]
    rows = [make_row(label, group, sweeps, undefined) for label, group in groups.items()]
    rows = _ranked(rows)
    first = next(iter(results.values()))
    present = {name for row in rows for name in row.values}
    metrics = [
        n for n in dict.fromkeys([*MAIN_METRICS, *METRICS, *sorted(present)]) if n in present
    ]
    paired = _paired(rows, subjects)
    return Leaderboard(first["dataset"], first["protocol"], sweeps, metrics, rows, paired)


def _read_result(path: Path) -> dict[str, Any]:
    result = read_json(path)
    found = result.get("format") if isinstance(result, dict) else type(result).__name__
    if found != RESULT_FORMAT:
        raise UserError(f"{path}: expected format '{RESULT_FORMAT}', got {found!r}")
    for key in REQUIRED:
        if key not in result:
            raise UserError(f"{path}: key '{key}' is missing")
    return result


def _refuse_mixture(results: Mapping[Path, Mapping[str, Any]], key: str) -> None:
    """Refuse results whose data set (with its split) or protocol is not one and the same."""
    first_path, first = next(iter(results.items()))
    wanted = (first[key].get("hash"), first[key].get("split"))
    for path, result in results.items():
        found = (result[key].get("hash"), result[key].get("split"))
        if found != wanted:
            raise UserError(
                f"results of different {key}s cannot be ranked together: "
                f"{first_path} has {_identity(first[key])}, {path} has {_identity(result[key])}"
            )


def _identity(entry: Mapping[str, Any]) -> str:
    split = f" split '{entry['split']}'" if entry.get("split") else ""
    return f"'{entry.get('name')}'{split} with hash {str(entry.get('hash'))[:12]}"


def _all_sweeps(results: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return every sweep that any result has, by name, with what does not depend on a tracker."""
    found: dict[str, dict[str, Any]] = {}
    for result in results:
        for sweep in result["sweeps"]:
            kept = {key: sweep.get(key) for key in ("name", "subject", "frames")}
            kept["factors"] = sweep.get("factors") or {}
            kept["true"] = (sweep.get("trajectory") or {}).get("true")
            found.setdefault(sweep["name"], kept)
    return [found[name] for name in sorted(found)]


def _groups(results: Mapping[Path, Mapping[str, Any]]) -> dict[str, list[Mapping[str, Any]]]:
    """Return results by the label of their row, seeds in order; twice the same run is an error."""
    groups: dict[tuple[str, str], dict[Any, tuple[Path, Mapping[str, Any]]]] = {}
    for path, result in results.items():
        group = groups.setdefault((result["tracker"], result.get("config_hash") or ""), {})
        seed = result.get("seed")
        if seed in group:
            raise UserError(
                f"two results of tracker '{result['tracker']}' with one configuration and "
                f"seed {seed}: {group[seed][0]}, {path}"
            )
        group[seed] = (path, result)
    names = [tracker for tracker, _ in groups]
    labelled = {}
    for (tracker, digest), group in groups.items():
        label = tracker if names.count(tracker) == 1 else f"{tracker} ({digest[:8] or 'no hash'})"
        seeds = sorted(group, key=lambda seed: (seed is None, seed))
        labelled[label] = [group[seed][1] for seed in seeds]
    return labelled


def _undefined(results: Iterable[Mapping[str, Any]]) -> set[str]:
    """Return the sweeps whose headline is null in every result: no path, so nothing to divide by.

    Such a sweep is nobody's failure.
    """
    scores: dict[str, list[Any]] = {}
    for result in results:
        for sweep in result["sweeps"]:
            scores.setdefault(sweep["name"], []).append(sweep["metrics"].get(HEADLINE))
    return {name for name, values in scores.items() if all(value is None for value in values)}


def _ranked(rows: Sequence[Row]) -> list[Row]:
    """Return rows by headline, complete ones first, with the ranks of those that may have one."""
    able = [row for row in rows if row.may_rank]
    ranges = rank_ranges([row.headline for row in able])
    ranks = {row.label: rank for row, rank in zip(able, ranges, strict=True)}
    placed = [replace(row, rank=ranks.get(row.label)) for row in rows]
    return sorted(placed, key=lambda r: (r.missing > 0, _late(r.headline["mean"]), r.label))


def _late(value: float | None) -> float:
    return math.inf if value is None else value


def _paired(rows: Sequence[Row], subjects: Sequence[str]) -> dict[str, dict[str, Summary]]:
    """Return all differences of the headline, first minus second, over the sweeps of both."""
    table: dict[str, dict[str, Summary]] = {row.label: {} for row in rows}
    for first in rows:
        for second in rows:
            if second is not first:
                one, other = first.values[HEADLINE], second.values[HEADLINE]
                table[first.label][second.label] = paired_difference(one, other, subjects)
    return table
