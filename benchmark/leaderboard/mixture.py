"""Which results may stand on one board: those of one protocol, on the same data."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmark.errors import UserError
from benchmark.tracks import data_gap, parts_of, told_track

Results = Mapping[Path, Mapping[str, Any]]


def by_version(results: Results) -> tuple[Results, Mapping[str, Results]]:
    """Return the results on the data of the first one, and others on its other versions.

    The others have the data set's name and split, but another hash: another generator, or a
    changed spec. They are by the words that name their version, e.g. "generator 1".
    """
    first = next(iter(results.values()))["dataset"]
    home: dict[Path, Mapping[str, Any]] = {}
    others: dict[str, dict[Path, Mapping[str, Any]]] = {}
    for path, result in results.items():
        told = result["dataset"]
        same = all(told.get(key) == first.get(key) for key in ("name", "split"))
        if same and told.get("hash") != first.get("hash"):
            version = told.get("generator")
            words = f"generator {version}" if version != first.get("generator") else "spec"
            others.setdefault(f"{words} ({str(told.get('hash'))[:8]})", {})[path] = result
        else:
            home[path] = result
    return home, others


def refuse_mixture(results: Results) -> None:
    """Refuse results that cannot be ranked together.

    Copies of a data set may be made on different machines: their fingerprints are compared with a
    tolerance, for each result only in what its track reads and what is scored.

    Raises
    ------
    UserError : two results differ in protocol, in data set or split, or in a sweep's fingerprint;
        both files, and what differs, are named.
    """
    for key in ("dataset", "protocol"):
        refuse_other(results, key)
    _refuse_other_copy(results)


def refuse_other(results: Results, key: str) -> None:
    """Refuse results whose "dataset" (with its split) or "protocol" is not one and the same.

    Raises
    ------
    UserError : both files and what they have.
    """
    first_path, first = next(iter(results.items()))
    wanted = (first[key].get("hash"), first[key].get("split"))
    for path, result in results.items():
        found = (result[key].get("hash"), result[key].get("split"))
        if found != wanted:
            versions = key == "dataset" and result[key].get("name") == first[key].get("name")
            raise UserError(
                f"results of different {key}s cannot be ranked together: "
                f"{first_path} has {_identity(first[key])}, {path} has {_identity(result[key])}"
                + ("; --other-versions shows such rows without ranks" if versions else "")
            )


def _identity(entry: Mapping[str, Any]) -> str:
    split = f" split '{entry['split']}'" if entry.get("split") else ""
    generator = f" of generator {entry['generator']}" if entry.get("generator") else ""
    return f"'{entry.get('name')}'{generator}{split} with hash {str(entry.get('hash'))[:12]}"


def _refuse_other_copy(results: Results) -> None:
    """Refuse results that were scored on a copy of the data that differs from an earlier one's."""
    seen: dict[str, dict[str, Any]] = {}
    owner: dict[tuple[str, str], Path] = {}
    for path, result in results.items():
        track = told_track(result.get("track"))
        for sweep, fingerprint in (result["dataset"].get("fingerprints") or {}).items():
            known = seen.setdefault(sweep, {})
            parts = parts_of(track, fingerprint)
            gap = data_gap(fingerprint, known, parts)
            if gap is not None:
                other = owner[sweep, gap.part]
                raise UserError(f"{path}: other data than {other}: sweep '{sweep}': {gap}")
            for part in parts:
                if known.setdefault(part, fingerprint[part]) is fingerprint[part]:
                    owner[sweep, part] = path
