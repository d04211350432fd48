"""A data set: a folder with `dataset.json`, its sweeps and the true vessel trees of its subjects.

data/<name>/dataset.json        identity, its hash, splits by subject, one entry per sweep
data/<name>/sweeps/<sweep>.h5   see benchmark.sweep
data/<name>/truth/<subject>.json
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from benchmark.errors import UserError, one_line, unknown_name
from benchmark.files import (
    array_fingerprint,
    canonical_json,
    data_root,
    read_json,
    sha256_of_file,
    sha256_of_text,
    write_json,
)
from benchmark.hdf5 import read_sweep, write_sweep
from benchmark.schema.dataset import dataset_faults, is_file_name, is_path_below
from benchmark.sweep import TRUE, Sweep
from benchmark.tracks import data_gap

DATASET_FORMAT = "sweepbench-dataset-2"
SPLITS = ("train", "val", "test")

#: Of the parts of a sweep, by their keys in its file: see `benchmark.files.array_fingerprint`.
Fingerprint = Mapping[str, Sequence[float]]


@dataclass(frozen=True)
class Entry:
    """One sweep of a data set.

    file: relative to the folder; frames: how many B-mode frames; sha256: of the file, so that a
    stopped job resumes and `verify` finds damage; fingerprint: of each part of the sweep, which
    `benchmark.tracks.data_gap` compares with a tolerance.
    """

    name: str
    file: str
    split: str
    subject: str
    frames: int
    sha256: str
    factors: Mapping[str, Any]
    fingerprint: Fingerprint


@dataclass(frozen=True)
class Dataset:
    """An opened data set folder. `identity`: what generated it (spec, its hash, versions)."""

    folder: Path
    name: str
    entries: tuple[Entry, ...]
    identity: Mapping[str, Any]

    @property
    def hash(self) -> str:
        """What names the data: the same for every copy, on any machine.

        Of a generated set the hash of its spec, which covers the generator's version; with a
        withheld split that of the spec and of the hash of its private entropy. Of other sets the
        hash of names, splits, subjects and lengths of their sweeps, and of the B-mode frames'
        fingerprints: sums of whole numbers, which no machine rounds.
        """
        return _hash(self.identity, self.entries)

    def resolved(self) -> "Dataset":
        """Return the same data set by a path that holds in any current folder."""
        return replace(self, folder=self.folder.resolve())

    def named(self, split: str | None = None) -> dict[str, Any]:
        """Return what files say of a data set or one of its splits: name, hash, split."""
        found = {"name": self.name, "hash": self.hash}
        return found if split is None else {**found, "split": split}

    def described(self, split: str) -> dict[str, Any]:
        """Return what predictions and results say of a split: its identity and its fingerprints.

        Keys: name, hash, split, generator (missing where nothing was generated), fingerprints by
        sweep.
        """
        found = self.named(split)
        if "generator" in self.identity:
            found["generator"] = self.identity["generator"]
        prints = {e.name: {k: list(v) for k, v in e.fingerprint.items()} for e in self.split(split)}
        return {**found, "fingerprints": prints}

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
        """Return one line per sweep whose file is missing or whose bytes differ from its hash.

        Of such a file it says whether its content differs as well.
        """
        return [one_line(fault) for entry in self.entries if (fault := self._fault(entry))]

    def _fault(self, entry: Entry) -> str | None:
        path = self.folder / entry.file
        if not path.is_file():
            return f"{path}: no such file"
        if sha256_of_file(path) == entry.sha256:
            return None
        try:
            found = sweep_fingerprint(self.load(entry, lazy=True))
        except UserError as error:
            return str(error)
        gap = data_gap(found, entry.fingerprint, tuple(entry.fingerprint))
        told = "the data are the same within rounding" if gap is None else str(gap)
        return f"{path}: bytes differ from the hash in dataset.json; {told}"


def sweep_fingerprint(sweep: Sweep) -> dict[str, list[float]]:
    """Return the fingerprint of each part of a sweep that a tracker may see or that is scored."""
    parts: dict[str, list[float]] = {}
    for name, channel in sweep.channels.items():
        parts[f"{name}/frames"] = array_fingerprint(
            channel.frames[index] for index in range(len(channel.frames))
        )
        parts[f"{name}/timestamps"] = array_fingerprint([channel.timestamps])
        parts[f"{name}/mm_from_pixel"] = array_fingerprint([channel.mm_from_pixel])
        if channel.mask is not None:
            parts[f"{name}/mask"] = array_fingerprint([channel.mask])
        if not channel.is_withheld:
            parts[f"{name}/world_from_image"] = array_fingerprint([channel.world_from_image])
    for name, values in (sweep.imu or {}).items():
        if not name.startswith(TRUE):
            parts[f"imu/{name}"] = array_fingerprint([values])
    if len(sweep.landmarks):
        parts["landmarks"] = array_fingerprint([sweep.landmarks])
    return parts


def write_entry(folder: Path, file: str, sweep: Sweep, split: str, subject: str) -> Entry:
    """Write a sweep to `file`, relative to a data set's folder, and return its entry."""
    for value in (sweep.name, subject):
        if not is_file_name(value):
            raise UserError(f"{folder}: {value!r}: expected a name that a file can have")
    if not is_path_below(file):
        raise UserError(f"{folder}: expected a file in this folder, got {file!r}")
    write_sweep(folder / file, sweep)
    return Entry(
        name=sweep.name,
        file=file,
        split=split,
        subject=subject,
        frames=len(sweep),
        sha256=sha256_of_file(folder / file),
        factors=dict(sweep.factors),
        fingerprint=sweep_fingerprint(sweep),
    )


def _hash(identity: Mapping[str, Any], entries: Sequence[Entry]) -> str:
    spec, withheld = identity.get("spec_hash"), identity.get("withheld")
    if spec and withheld:
        return sha256_of_text(canonical_json([spec, withheld["entropy_sha256"]]))
    if spec:
        return str(spec)
    rows = [
        [e.name, e.split, e.subject, e.frames, list(e.fingerprint.get("bmode/frames", ()))]
        for e in entries
    ]
    return sha256_of_text(canonical_json(sorted(rows)))


def open_dataset(place: Path | str) -> Dataset:
    """Return the data set in a folder, given as a path or as a name below the data root.

    Raises
    ------
    UserError : no such folder (the nearest name is suggested), or a `dataset.json` that lacks a
        key or has one too many, or whose hash is not that of its content.
    """
    folder = _folder(place)
    content = read_json(folder / "dataset.json")
    if not isinstance(content, dict) or content.get("format") != DATASET_FORMAT:
        found = content.get("format") if isinstance(content, dict) else type(content).__name__
        raise UserError(
            f"{folder / 'dataset.json'}: expected format '{DATASET_FORMAT}', got {found!r}; "
            "generate or convert it again"
        )
    fault = next(dataset_faults(content, SPLITS), None)
    if fault:
        raise UserError(f"{folder / 'dataset.json'}: {fault}")
    try:
        entries = tuple(Entry(**row) for row in content["sweeps"])
    except TypeError as error:  # a key that no entry has
        raise UserError(f"{folder / 'dataset.json'}: sweeps: {error}") from error
    dataset = Dataset(folder, content["name"], entries, content["identity"])
    if content["hash"] != dataset.hash:
        raise UserError(
            f"{folder / 'dataset.json'}: hash: expected {dataset.hash} for this content, "
            f"got {content['hash']}"
        )
    return dataset


def _folder(place: Path | str) -> Path:
    for folder in (Path(place), data_root() / place):
        if (folder / "dataset.json").is_file():
            return folder
    if Path(place).is_dir():
        raise UserError(f"{place}: no dataset.json in this folder")
    known = [p.parent.name for p in data_root().glob("*/dataset.json")]
    kind = f"data set (neither a folder nor below {data_root()}/; 'sweepbench generate' makes one)"
    raise unknown_name(kind, str(place), known)


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
        "hash": _hash(identity, entries),
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
