"""Result files -> the board: rows in order, their ranks, and paired differences."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmark.errors import UserError
from benchmark.leaderboard.columns import HEADLINE, MAIN_METRICS
from benchmark.leaderboard.mixture import by_version, refuse_mixture, refuse_other
from benchmark.leaderboard.ranks import paired_differences, rank_frequencies, ranked
from benchmark.leaderboard.row import Row, make_row
from benchmark.metrics import METRICS
from benchmark.results import read_result
from benchmark.scoring.protocol import headline_of
from benchmark.scoring.statistics import Summary
from benchmark.tracks import TRACKS


@dataclass(frozen=True, eq=False)
class Leaderboard:
    """Rows, best first, on one data set under one protocol.

    dataset, protocol: name and hash (and split); sweeps: name, subject, frames, factors of every
    sweep; metrics: ids that occur, the headline first; paired, rank_frequencies: as
    `benchmark.leaderboard.ranks` describes them; headline: the metric that the protocol ranks by.
    """

    dataset: Mapping[str, Any]
    protocol: Mapping[str, Any]
    sweeps: Sequence[Mapping[str, Any]]
    metrics: Sequence[str]
    rows: Sequence[Row]
    paired: Mapping[str, Mapping[str, Summary]]
    rank_frequencies: Mapping[str, Sequence[float]]
    headline: str = HEADLINE

    @property
    def subjects(self) -> list[str]:
        """The subject of every sweep."""
        return [str(sweep["subject"]) for sweep in self.sweeps]

    @property
    def tracks(self) -> list[str]:
        """The tracks that rows are on, the plain one first."""
        return [track for track in TRACKS if any(row.track == track for row in self.rows)]


def read_leaderboard(
    result_paths: Iterable[Path | str], *, other_versions: bool = False
) -> Leaderboard:
    """Return the ranking of result files.

    other_versions: show results on other versions of the first one's data as well, unranked.

    Raises
    ------
    UserError : no files; a file is not a result or lacks a key; two files differ in the hash of
        the data set, its split or the protocol; two files are of the same tracker, configuration
        and seed. The files are named.
    """
    results = {Path(path): read_result(Path(path)) for path in result_paths}
    if not results:
        raise UserError("leaderboard: expected at least one result.json, got none")
    home, others = by_version(results) if other_versions else (results, {})
    refuse_mixture(home)
    refuse_other(results, "protocol")
    sweeps = _all_sweeps(home.values())
    first = next(iter(home.values()))
    headline = headline_of(str(first["protocol"].get("name")))
    subjects = [str(sweep["subject"]) for sweep in sweeps]
    rows = _rows(home, sweeps, headline)
    paired = paired_differences(rows, subjects)
    for version, theirs in others.items():
        rows += _rows(theirs, sweeps, headline, version)
    rows = ranked(rows, paired)
    present = {name for row in rows for name in row.values}
    order = dict.fromkeys([headline, *MAIN_METRICS, *METRICS, *sorted(present)])
    metrics = [name for name in order if name in present]
    return Leaderboard(
        {key: value for key, value in first["dataset"].items() if key != "fingerprints"},
        first["protocol"],
        sweeps,
        metrics,
        rows,
        paired,
        rank_frequencies(rows, subjects),
        headline,
    )


def _rows(
    results: Mapping[Path, Mapping[str, Any]],
    sweeps: Sequence[Mapping[str, Any]],
    headline: str,
    version: str = "",
) -> list[Row]:
    """Return the unranked rows of results; version: which other version of the data they are of."""
    undefined = _undefined(results.values(), headline)
    rows = []
    for label, group in _groups(results).items():
        row = make_row(
            f"{label}, {version}" if version else label, group, sweeps, undefined, headline
        )
        rows.append(replace(row, other_data=version))
    return rows


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
    labelled = {}
    for key, group in groups.items():
        seeds = sorted(group, key=lambda seed: (seed is None, seed))
        labelled[_label(key, groups)] = [group[seed][1] for seed in seeds]
    return labelled


def _label(
    key: tuple[str, str], groups: Mapping[tuple[str, str], Mapping[Any, tuple[Path, Any]]]
) -> str:
    """Return a row's label: the tracker's name, which several rows may share.

    Then what each was trained on is added; where that is the same too, the configuration's hash.
    """
    tracker, digest = key
    rivals = {
        other: _teacher(next(iter(group.values()))[1])
        for other, group in groups.items()
        if other[0] == tracker
    }
    if len(rivals) == 1:
        return tracker
    if len(set(rivals.values())) == len(rivals):
        return f"{tracker} (trained on {rivals[key]})"
    return f"{tracker} ({digest[:8] or 'no hash'})"


def _teacher(result: Mapping[str, Any]) -> str:
    return str((result.get("trained_on") or {}).get("name") or "nothing")


def _undefined(results: Iterable[Mapping[str, Any]], headline: str) -> set[str]:
    """Return the sweeps whose headline is null in every result, e.g. because nothing moves.

    Such a sweep counts as missing in no row.
    """
    scores: dict[str, list[Any]] = {}
    for result in results:
        for sweep in result["sweeps"]:
            scores.setdefault(sweep["name"], []).append(sweep["metrics"].get(headline))
    return {name for name, values in scores.items() if all(value is None for value in values)}
