"""Errors of trackers on data sets that they were not trained on.

Results of several data sets are tabulated side by side and never ranked together.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmark.errors import UserError
from benchmark.leaderboard.conditions import stress_metrics
from benchmark.scoring.plausible import read_scores
from benchmark.scoring.protocol import headline_of
from benchmark.scoring.statistics import Summary, summarise

NOTHING = "nothing"
ALL = "all"


@dataclass(frozen=True)
class Cell:
    """One tracker trained on one data set and tested on (a part of) another.

    trained_on: name, "nothing" for a tracker that learns from no data; part: the value of the
    factor that the table is split by, "all" for the whole set; sweeps: how many are scored;
    missing: how many are not; summary: mean, sd and 95 % interval of the metric over subjects and
    seeds; outside: in what the images lay outside the tracker's training.
    """

    tracker: str
    trained_on: str
    tested_on: str
    part: str
    metric: str
    seeds: int
    sweeps: int
    missing: int
    summary: Summary
    outside: tuple[str, ...] = ()

    @property
    def at_home(self) -> bool:
        """Whether the tracker was trained on the data set that it is tested on."""
        return self.trained_on == self.tested_on


Key = tuple[str, str, str, str]


def generalisation_table(
    paths: Iterable[Path | str],
    metrics: Sequence[str] | None = None,
    by: str | None = None,
) -> list[Cell]:
    """Return a cell per tracker, training data, test data, part and metric, in that order.

    metrics: by default the headline of the protocol, final drift and the local error; by: a factor
    of the sweeps (e.g. "profile") that splits each test set into parts.

    Raises
    ------
    UserError : no file, a file that is not a result, two results of one tracker, configuration,
        seed and data set, two data sets of one name or two splits of one, results of different
        protocols, a factor that no sweep has. The files are named.
    """
    results = {Path(path): read_scores(Path(path)) for path in paths}
    if not results:
        raise UserError("generalisation: expected at least one result.json, got none")
    _refuse_confusion(results)
    _refuse_two_splits(results)
    groups: dict[Key, list[Mapping[str, Any]]] = {}
    for result in results.values():
        groups.setdefault(_key(result), []).append(result)
    sets = {key[3] for key in groups}
    parts = {name: _parts([r for r in results.values() if _tested(r) == name], by) for name in sets}
    if by and all(len(found) == 1 for found in parts.values()):
        raise UserError(f"generalisation: no sweep has the factor '{by}'")
    labels = _labels(list(groups))
    metrics = _default_metrics(results.values()) if metrics is None else metrics
    cells = []
    for key in sorted(groups):
        for part, names in parts[key[3]].items():
            cells += [
                _cell(labels[key], key, groups[key], part, names, metric) for metric in metrics
            ]
    return cells


def _default_metrics(results: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return the headline of the results' protocol, then the other errors of robustness."""
    found = list(results)
    headline = headline_of(str(found[0]["protocol"].get("name")))
    present = {metric for r in found for sweep in r["sweeps"] for metric in sweep["metrics"]}
    return stress_metrics(headline, present | {headline})


def _refuse_confusion(results: Mapping[Path, Mapping[str, Any]]) -> None:
    """Refuse results of two protocols, two data sets of one name, two results of one run."""
    seen: dict[tuple[Any, ...], Path] = {}
    hashes: dict[str, tuple[str, Path]] = {}
    first_path, first = next(iter(results.items()))
    for path, result in results.items():
        if result["protocol"].get("hash") != first["protocol"].get("hash"):
            raise UserError(
                f"results of different protocols cannot be tabulated together: {first_path} has "
                f"'{first['protocol'].get('name')}', {path} has '{result['protocol'].get('name')}'"
            )
        for named in (result["dataset"], result.get("trained_on") or {}):
            name, digest = str(named.get("name")), str(named.get("hash"))
            known, where = hashes.setdefault(name, (digest, path))
            if known != digest:
                raise UserError(
                    f"two data sets are called '{name}': {where} has hash {known[:12]}, {path} "
                    f"has {digest[:12]}"
                )
        identity = (*_key(result), result.get("seed"))
        if identity in seen:
            raise UserError(f"two results of the same run: {seen[identity]}, {path}")
        seen[identity] = path


def _refuse_two_splits(results: Mapping[Path, Mapping[str, Any]]) -> None:
    """Refuse results of two splits of one data set, whose sweeps would share a cell."""
    seen: dict[str, tuple[Any, Path]] = {}
    for path, result in results.items():
        split = result["dataset"].get("split")
        known, where = seen.setdefault(_tested(result), (split, path))
        if known != split:
            raise UserError(
                f"two splits of data set '{_tested(result)}': {where} has '{known}', {path} has "
                f"'{split}'"
            )


def _key(result: Mapping[str, Any]) -> Key:
    taught = (result.get("trained_on") or {}).get("name") or NOTHING
    digest = str(result.get("config_hash") or "")
    return str(result["tracker"]), str(taught), digest, _tested(result)


def _tested(result: Mapping[str, Any]) -> str:
    """Return the name of the data set that was tracked."""
    return str(result["dataset"].get("name"))


def _factors(sweep: Mapping[str, Any]) -> Mapping[str, Any]:
    return sweep.get("factors") or {}


def _labels(keys: Sequence[Key]) -> dict[Key, str]:
    """Return each tracker's label: its name, with the hash of its configuration where one test set
    has results of several.

    A tracker that learns nothing has another hash on every data set, and still one row.
    """
    several = {
        key[:2]
        for key in keys
        if any(key[:2] == o[:2] and key[3] == o[3] and key[2] != o[2] for o in keys)
    }
    return {key: f"{key[0]} ({key[2][:8]})" if key[:2] in several else key[0] for key in keys}


def _parts(results: Sequence[Mapping[str, Any]], by: str | None) -> dict[str, set[str]]:
    """Return names of a test set's sweeps by value of the factor; "all" holds every one.

    A sweep that one tracker failed is known from its entry under "failed", or from another result.
    """
    factors = {sweep["name"]: _factors(sweep) for r in results for sweep in r["sweeps"]}
    failures = [row for r in results for row in r.get("failed") or ()]
    lost = {row["sweep"]: _factors(row) for row in failures if row["sweep"] not in factors}
    parts = {ALL: {*factors, *lost}}
    if by:
        for name, found in (factors | lost).items():
            if by in found:
                parts.setdefault(str(found[by]), set()).add(name)
    return parts


def _cell(
    label: str,
    key: Key,
    results: Sequence[Mapping[str, Any]],
    part: str,
    names: set[str],
    metric: str,
) -> Cell:
    """Return the cell of some sweeps; a sweep that fails in one seed counts in none."""
    by_seed = [
        {s["name"]: s["metrics"].get(metric) for s in result["sweeps"] if s["name"] in names}
        for result in results
    ]
    subjects = {s["name"]: s["subject"] for result in results for s in result["sweeps"]}
    found = sorted({name for seed in by_seed for name in seed})
    table = np.array([[seed.get(name) for name in found] for seed in by_seed], float)
    count = int(np.isfinite(table).all(0).sum())
    expected = len(names) if part != ALL else max(r["expected_sweeps"] for r in results)
    outside = {line for r in results for line in r.get("outside_training") or ()}
    return Cell(
        label,
        key[1],
        key[3],
        part,
        metric,
        len(results),
        count,
        expected - count,
        summarise(table, [subjects[name] for name in found]),
        tuple(sorted(outside)),
    )
