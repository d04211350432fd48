"""A data set folder while it is made, by several processes at once and over several runs.

A sweep is written whole under its own name, and after it a record of its hash. The process that
finds all records writes the index, so the result does not depend on which process made which
sweep, or when.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from benchmark.dataset import Dataset, Entry, open_dataset, write_dataset, write_entry
from benchmark.errors import UserError
from benchmark.files import read_json, remove_left_in, sha256_of_file, write_json
from benchmark.machine.lock import done_once
from benchmark.sweep import Sweep
from simulate.spec.plan import SweepPlan

CARD, CROISSANT = ABOUT = ("README.md", "croissant.json")  # files that tell of the index


def _in_words(key: str, identity: Mapping[str, Any]) -> str:
    """Return the value of "spec_hash" or "withheld" of an identity in the words of an error."""
    value = identity.get(key)
    if key == "spec_hash":
        return f"spec hash {str(value)[:12]}"
    if value is None:
        return "public answers"
    return f"withheld answers (entropy {value['entropy_sha256'][:12]})"


@dataclass(frozen=True)
class DatasetFolder:
    """The folder of a data set; for splits in `without_truth` it holds no vessel trees."""

    path: Path
    without_truth: tuple[str, ...] = ()

    def claim(self, identity: Mapping[str, Any]) -> None:
        """Write the identity of a data set into its folder.

        Raises
        ------
        UserError : the folder holds another data set, or part of one of other library versions.
        """
        path, ours = self.path / "identity.json", dict(identity)
        if not path.is_file() and (self.path / "dataset.json").is_file():
            raise UserError(
                f"{self.path}: holds a data set that was not generated; choose another --out"
            )
        done_once(
            self.path / "identity.lock",
            "the beginning of a data set",
            path.is_file,
            lambda _: write_json(path, ours),
        )
        found = read_json(path)
        for key in ("spec_hash", "withheld"):
            if found.get(key) != ours.get(key):
                raise UserError(
                    f"{path}: the folder holds data with {_in_words(key, found)}, not with "
                    f"{_in_words(key, ours)}; delete it or choose another --out"
                )
        if not (self.path / "dataset.json").is_file():
            self.refuse_other_versions(ours["versions"])

    def refuse_other_versions(self, versions: Mapping[str, str]) -> None:
        """Refuse to add sweeps to those of other library versions.

        Raises
        ------
        UserError : the folder's identity has other versions.
        """
        path = self.path / "identity.json"
        found = read_json(path).get("versions")
        if found != dict(versions):
            raise UserError(
                f"{path}: this part was made with {found}, now {dict(versions)}; delete the folder "
                "or choose another --out"
            )

    def _sweep(self, plan: SweepPlan) -> Path:
        return self.path / "sweeps" / f"{plan.name}.h5"

    def _record(self, plan: SweepPlan) -> Path:
        return self.path / "records" / f"{plan.name}.json"

    def recorded(self, plan: SweepPlan) -> Entry | None:
        """Return the entry of a sweep whose files are complete and unchanged, or None."""
        path = self._record(plan)
        if not (path.is_file() and self._sweep(plan).is_file()):
            return None
        record = read_json(path)
        if set(record) != {item.name for item in fields(Entry)}:
            return None  # of another format
        entry = Entry(**record)
        if sha256_of_file(self._sweep(plan)) != entry.sha256:
            return None
        truth = self.path / "truth" / f"{plan.subject}.json"
        told = plan.held_out or plan.split in self.without_truth or truth.is_file()
        return entry if told else None

    def write(self, plan: SweepPlan, sweep: Sweep, truth: Any) -> None:
        """Write a sweep, its subject's truth (None for a twin), and last its record."""
        file = self._sweep(plan).relative_to(self.path).as_posix()
        entry = write_entry(self.path, file, sweep, plan.split, plan.subject)
        if truth is not None and plan.split not in self.without_truth:
            write_json(self.path / "truth" / f"{plan.subject}.json", truth)
        write_json(self._record(plan), asdict(entry))

    def even_times(self) -> None:
        """Give all files the modification time of the first: that of a sweep tells its work."""
        begun = (self.path / "identity.json").stat().st_mtime_ns
        for path in (*self.path.rglob("*"), self.path):
            if path.stat().st_mtime_ns != begun:
                os.utime(path, ns=(begun, begun))

    def finish(self, name: str, plans: Sequence[SweepPlan]) -> Dataset | None:
        """Write the index if every sweep is complete; None while sweeps are missing.

        What tells of an older index (`ABOUT`) is removed first, so that it is missing afterwards
        however the process ends.
        """
        found = [self.recorded(plan) for plan in plans]
        entries = [entry for entry in found if entry is not None]
        if len(entries) < len(plans):
            return None
        remove_left_in(self.path / "sweeps")
        if (self.path / "dataset.json").is_file():
            dataset = open_dataset(self.path)
            if [asdict(e) for e in dataset.entries] == [asdict(e) for e in entries]:
                return dataset
        for about in ABOUT:
            (self.path / about).unlink(missing_ok=True)
        return write_dataset(self.path, name, entries, read_json(self.path / "identity.json"))
