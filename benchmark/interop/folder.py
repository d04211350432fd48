"""Folders of tracked recordings: which files they hold, and whose, in which split.

A table says it, or the names: see `plan_of`.
"""

import csv
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmark.dataset import SPLITS
from benchmark.errors import UserError, unknown_name
from benchmark.sweep import Sweep

RECORDINGS = "recordings"  # the kind of such a folder
SUFFIXES = (".mha", ".mhd", ".nrrd", ".nhdr", ".h5", ".hdf5")
TABLES = ("splits.csv", "splits.toml")  # looked for in the folder itself
COLUMNS = ("file", "subject", "split")
WORDS = re.compile(r"[-_. ]")


@dataclass(frozen=True)
class Planned:
    """A recording of a folder: its file, and the subject and split of its sweep."""

    file: Path
    subject: str
    split: str


def recordings_in(folder: Path) -> list[Path]:
    """Return the files of a folder and its subfolders that may hold frames with poses, sorted."""
    return sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in SUFFIXES and path.is_file() and not path.name.startswith(".")
    )


def plan_of(folder: Path, table: Path | None, split: str | None) -> list[Planned]:
    """Return what a folder's recordings become.

    table: .csv with the columns file, subject and split, or .toml of tables train, val and test
    that say `subject = [files]`; by default `splits.csv` or `splits.toml` in the folder. Files are
    relative to the folder. Without a table, names tell: a folder or a first word train, val or test
    is the split, else `split` or test; the next folder, else the next word, is the subject. So
    they do for what a row leaves empty.

    Raises
    ------
    UserError : a table that cannot be read or names no such file; an unknown split.
    """
    table = table or next((folder / n for n in TABLES if (folder / n).is_file()), None)
    if table is None:
        return [_named(path, folder, split) for path in recordings_in(folder)]
    rows = _toml_rows if table.suffix.lower() == ".toml" else _csv_rows
    planned = []
    for where, row in rows(table):
        path = folder / row["file"]
        found = _named(path, folder, split)
        chosen = row.get("split") or found.split
        if not path.is_file():
            raise UserError(f"{where}: no file '{row['file']}' in {folder}")
        if chosen not in SPLITS:
            raise UserError(f"{where}: {unknown_name('split', chosen, SPLITS)}")
        planned.append(Planned(path, row.get("subject") or found.subject, chosen))
    if not planned:
        raise UserError(f"{table}: names no recording")
    return planned


def _named(path: Path, folder: Path, split: str | None) -> Planned:
    """Return what the name of a recording in a folder says."""
    *folders, name = path.relative_to(folder).parts if path.is_relative_to(folder) else path.parts
    words = WORDS.split(name)
    told = None
    for parts in (folders, words):
        if told is None and parts and parts[0] in SPLITS and len(words) > 1:
            told = parts.pop(0)
    return Planned(path, (folders or words)[0], told or split or "test")


def _csv_rows(table: Path) -> Iterator[tuple[str, Mapping[str, str]]]:
    """Yield the rows of a .csv by column, each with its place in words."""
    try:
        text = table.read_text(encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        raise UserError(f"{table}: expected a table of recordings, got {error}") from error
    rows = csv.DictReader(text.splitlines(), skipinitialspace=True)
    names = [name.strip() for name in rows.fieldnames or ()]
    if "file" not in names or set(names) - set(COLUMNS):
        raise UserError(f"{table}: expected the columns {', '.join(COLUMNS)}, got {names}")
    rows.fieldnames = names
    for number, row in enumerate(rows, start=2):
        yield f"{table}, row {number}", {k: (v or "").strip() for k, v in row.items() if k}


def _toml_rows(table: Path) -> Iterator[tuple[str, Mapping[str, str]]]:
    """Yield file, subject and split of a .toml, each with its place in words."""
    try:
        content = tomllib.loads(table.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"{table}: expected TOML, got {error}") from error
    for split, subjects in content.items():
        for subject, files in _items(subjects, f"{table}: {split}"):
            if not isinstance(files, list) or not all(isinstance(file, str) for file in files):
                raise UserError(f"{table}: {split}.{subject}: expected a list of files")
            for file in files:
                place = f"{table}: {split}.{subject}"
                yield place, {"file": file, "subject": subject, "split": split}


def _items(subjects: Any, place: str) -> Iterator[tuple[str, Any]]:
    if not isinstance(subjects, dict):
        raise UserError(f"{place}: expected a table of subjects, got {subjects!r}")
    yield from subjects.items()


def planned_sweeps(
    plans: list[Planned], folder: Path, opened: Callable[[Path], Sweep], probe: Mapping[str, Any]
) -> Iterator[tuple[str, str, Sweep]]:
    """Yield split, subject and sweep of recordings, named by their paths in the folder.

    opened: reads the sweep of a file; probe: what is known of the probe beside the files.
    """
    for plan in plans:
        place = plan.file.relative_to(folder)
        name = "-".join([*place.parts[:-1], place.name.split(".")[0]])
        sweep = opened(plan.file)
        factors = {**sweep.factors, "subject": plan.subject}
        described = {**sweep.probe, **probe}
        yield (
            plan.split,
            plan.subject,
            replace(sweep, name=name, factors=factors, probe=described),
        )
