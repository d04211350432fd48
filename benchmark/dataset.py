"""A data set: a folder with `dataset.json`, its sweeps and the true vessel trees of its subjects.

data/<name>/dataset.json        identity, splits by subject, one entry per sweep with its hash
data/<name>/sweeps/<sweep>.h5   see benchmark.sweep
data/<name>/truth/<subject>.json
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmark.errors import UserError, unknown_name
from benchmark.files import (
    canonical_json,
    data_root,
    read_json,
    sha256_of_file,
    sha256_of_text,
    write_json,
)
from benchmark.hdf5 import read_sweep
from benchmark.sweep import Sweep

DATASET_FORMAT = "sweepbench-dataset-1"
SPLITS = ("train", "val", "test")


@dataclass(frozen=True)
class Entry:
    """One sweep of a data set: its file (relative), split, subject, frames, hash and factors."""

    name: str
    file: str
    split: str
    subject: str
    frames: int
    sha256: str
    factors: Mapping[str, Any]


@dataclass(frozen=True)
class Dataset:
    """An opened data set folder. `identity`: what generated it (spec, its hash, versions)."""

    folder: Path
    name: str
    entries: tuple[Entry, ...]
    identity: Mapping[str, Any]

    @property
    def hash(self) -> str:
        """SHA-256 over names, splits, subjects and file hashes of all sweeps."""
        rows = [[e.name, e.split, e.subject, e.sha256] for e in self.entries]
        return sha256_of_text(canonical_json(rows))

    def split(self, name: str) -> tuple[Entry, ...]:
        """Return the entries of one split.

        Raises
        ------
        UserError : an unknown split, or one that holds no sweep.
        """
        if name not in SPLITS:
            raise unknown_name("split", name, SPLITS)
        chosen = tuple(entry for entry in self.entries if entry.split == name)
        if not chosen:
            raise UserError(f"{self.folder}: split '{name}' holds no sweep")
        return chosen

    def load(self, entry: Entry, *, lazy: bool = False) -> Sweep:
        """Return one sweep; with `lazy`, its frames stay on disk."""
        return read_sweep(self.folder / entry.file, lazy=lazy)

    def sweeps(self, split: str, *, lazy: bool = False) -> Iterator[Sweep]:
        """Yield the sweeps of a split one after another."""
        for entry in self.split(split):
            yield self.load(entry, lazy=lazy)

    def truth(self, subject: str) -> Any:
        """Return the true vessel tree of a subject (world mm), or None if the set has none."""
        path = self.truth_file(subject)
        return read_json(path) if path.is_file() else None

    def truth_file(self, subject: str) -> Path:
        """Return where the true vessel tree of a subject lies, if the set has one."""
        return self.folder / "truth" / f"{subject}.json"

    def verify(self) -> list[str]:
        """Return one line per sweep whose file is missing or whose bytes differ from its hash."""
        faults = []
        for entry in self.entries:
            path = self.folder / entry.file
            if not path.is_file():
                faults.append(f"{path}: no such file")
            elif sha256_of_file(path) != entry.sha256:
                faults.append(f"{path}: bytes differ from the hash in dataset.json")
        return faults


def open_dataset(place: Path | str) -> Dataset:
    """Return the data set in a folder, given as a path or as a name below the data root.

    Raises
    ------
    UserError : no such folder (the nearest name is suggested), or a `dataset.json` that lacks a
        key or has one too many.
    """
    folder = _folder(place)
    content = read_json(folder / "dataset.json")
    if not isinstance(content, dict) or content.get("format") != DATASET_FORMAT:
        raise UserError(f"{folder / 'dataset.json'}: expected format '{DATASET_FORMAT}'")
    try:
        entries = tuple(Entry(**row) for row in content["sweeps"])
        return Dataset(folder, content["name"], entries, content["identity"])
    except KeyError as error:
        raise UserError(f"{folder / 'dataset.json'}: key {error} is missing") from error
    except TypeError as error:
        raise UserError(f"{folder / 'dataset.json'}: sweeps: {error}") from error


def _folder(place: Path | str) -> Path:
    for folder in (Path(place), data_root() / place):
        if (folder / "dataset.json").is_file():
            return folder
    if Path(place).is_dir():
        raise UserError(f"{place}: no dataset.json in this folder")
    known = [p.parent.name for p in data_root().glob("*/dataset.json")]
    raise unknown_name(f"data set (neither a folder nor below {data_root()}/)", str(place), known)


def write_dataset(
    folder: Path | str, name: str, entries: Sequence[Entry], identity: Mapping[str, Any]
) -> Dataset:
    """Write `dataset.json` for sweeps that lie in the folder already, and return the data set.

    Raises
    ------
    UserError : a subject in two splits, or two sweeps of one name.
    """
    _refuse_leaks(folder, entries)
    content = {
        "format": DATASET_FORMAT,
        "name": name,
        "identity": dict(identity),
        "sweeps": [asdict(entry) for entry in entries],
    }
    write_json(Path(folder) / "dataset.json", content)
    return Dataset(Path(folder), name, tuple(entries), dict(identity))


def _refuse_leaks(folder: Path | str, entries: Sequence[Entry]) -> None:
    home: dict[str, str] = {}
    names = [entry.name for entry in entries]
    if len(set(names)) < len(names):
        raise UserError(f"{folder}: two sweeps have the same name")
    for entry in entries:
        if home.setdefault(entry.subject, entry.split) != entry.split:
            raise UserError(
                f"{folder}: subject '{entry.subject}' stands in splits "
                f"'{home[entry.subject]}' and '{entry.split}'; splits are by subject"
            )
