"""Result files -> the board: rows in order, their ranks, and paired differences."""

from collections import Counter
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
from benchmark.schema.result import sweep_names
from benchmark.scoring.plausible import read_scores
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
    UserError : no files; a file is not a result or has a fault (`read_scores`); two files differ in
        the hash of the data set, its split or the protocol, in their sweeps, or in the subject or
        the frames of a sweep; two files are of the same tracker, configuration and seed. The files
        are named.
    """
    results = {Path(path): read_scores(Path(path)) for path in result_paths}
    if not results:
        raise UserError("leaderboard: expected at least one result.json, got none")
    home, others = by_version(results) if other_versions else (results, {})
    refuse_mixture(home)
    refuse_other(results, "protocol")
    _refuse_other_sweeps(home)
    sweeps = _all_sweeps(home)
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


def _refuse_other_sweeps(results: Mapping[Path, Mapping[str, Any]]) -> None:
    """Refuse a result whose sweeps, scored and failed, are not those that most results have."""
    found = {path: frozenset(sweep_names(result)) for path, result in results.items()}
    wanted = Counter(found.values()).most_common(1)[0][0]
    model = next(path for path, names in found.items() if names == wanted)
    for path, names in found.items():
        strange, absent = sorted(names - wanted), sorted(wanted - names)
        if strange or absent:
            unknown = f"; '{strange[0]}' is in no such result" if strange else ""
            lacking = f"; '{absent[0]}' is missing" if absent else ""
            raise UserError(
                f"{path}: sweeps: expected the {len(wanted)} of {model}, got {len(strange)} others "
                f"and {len(absent)} missing{unknown}{lacking}"
            )


def _all_sweeps(results: Mapping[Path, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return every sweep that any result has, by name, with what does not depend on a tracker.

    Results that say another subject or number of frames of a sweep are refused.
    """
    found: dict[str, tuple[Path, dict[str, Any]]] = {}
    for path, result in results.items():
        for sweep in result["sweeps"]:
            kept = {key: sweep.get(key) for key in ("name", "subject", "frames")}
            kept["factors"] = sweep.get("factors") or {}
            kept["true"] = (sweep.get("trajectory") or {}).get("true")
            where, first = found.setdefault(sweep["name"], (path, kept))
            for key in ("subject", "frames"):
                if None not in (first[key], kept[key]) and first[key] != kept[key]:
                    raise UserError(
                        f"{path}: sweep '{sweep['name']}': {key}: expected {first[key]!r} as in "
                        f"{where}, got {kept[key]!r}"
                    )
    return [found[name][1] for name in sorted(found)]


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
        _refuse_other_rules(result, path, group)
        group[seed] = (path, result)
    labelled = {}
    for key, group in groups.items():
        seeds = sorted(group, key=lambda seed: (seed is None, seed))
        labelled[_label(key, groups)] = [group[seed][1] for seed in seeds]
    return labelled


def _refuse_other_rules(
    result: Mapping[str, Any], path: Path, group: Mapping[Any, tuple[Path, Any]]
) -> None:
    """Refuse a result of another kind or track than the other seeds of its row."""
    for where, other in group.values():
        for key in ("kind", "track"):
            if result.get(key) != other.get(key):
                raise UserError(
                    f"{path}: {key}: expected {other.get(key)!r} as in {where}, another seed of "
                    f"tracker '{result['tracker']}', got {result.get(key)!r}"
                )


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
