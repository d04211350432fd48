"""The flags by which commands select runs."""

import shlex
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Literal

import tyro

from benchmark.dataset import open_dataset
from benchmark.errors import UserError
from benchmark.registry import field_values
from benchmark.runs.run import RUNS, Run, make_run, open_run

Accelerator = Literal["auto", "cpu", "gpu"]  # for training


@dataclass(frozen=True)
class Choice:
    """A choice of runs, which may be empty: trackers, their training data, budget and seeds."""

    data: tyro.conf.Positional[Path | None] = None
    """Folder of a data set, or its name below the data root."""
    trackers: tuple[str, ...] = ()
    """Registered names, reference rows, or package.module:Class."""
    budget: float = 8.0
    """Training budget of each learned tracker, in TFLOP (10^12 operations)."""
    seeds: tuple[int, ...] = (0,)
    """Training seeds; each is a run of its own."""
    set: tuple[str, ...] = ()
    """Fields of the tracker's configuration, as field=value."""
    runs: Path = RUNS
    """Folder of all runs."""
    train_on: Path | None = None
    """Data set whose train split teaches the trackers; by default DATA's own."""
    weights: tuple[Path, ...] = ()
    """Folders of trained runs or shipped weights, tracked on DATA as they are."""

    def each(self) -> list[Run]:
        """Return the selected runs; a tracker that is not learned has one, whatever the seeds.

        Raises
        ------
        UserError : an unknown tracker, or trackers or weights without a data set.
        """
        if self.data is None:
            if self.trackers or self.weights:
                raise UserError("expected a data set for --trackers and --weights, got none")
            return []
        dataset = open_dataset(self.data)
        teacher = open_dataset(self.train_on) if self.train_on else None
        overrides = field_values(self.set)
        chosen: dict[Path, Run] = {}
        for name in self.trackers:
            for seed in self.seeds:
                run = make_run(
                    name,
                    dataset,
                    budget_tflop=self.budget,
                    seed=seed,
                    overrides=overrides,
                    root=self.runs,
                    trained_on=teacher,
                )
                chosen.setdefault(run.place, run)
        for folder in self.weights:
            run = open_run(folder, dataset, self.runs)
            chosen.setdefault(run.place, run)
        return list(chosen.values())

    def command(self, verb: str, *more: str) -> str:
        """Return the command line of another command on the same runs, quoted for a shell."""
        words = ["sweepbench", verb, str(self.data)]
        for item in fields(self):
            value = getattr(self, item.name)
            if item.name != "data" and value != item.default:
                values = value if isinstance(value, tuple) else (value,)
                words += [f"--{item.name.replace('_', '-')}", *map(str, values)]
        return shlex.join([*words, *more])

    def refuse_missing(self, path: Path, verb: str, *more: str) -> None:
        """Raise a UserError that names the command which makes a file, where there is no such file.

        verb, more: as in `command`.
        """
        if not path.is_file():
            raise UserError(f"{path}: no such file; run '{self.command(verb, *more)}' first")


@dataclass(frozen=True)
class Selection(Choice):
    """A choice of runs: data set, trackers, their training data, budget and seeds."""

    data: tyro.conf.Positional[Path] = field()
    """Folder of a data set, or its name below the data root."""

    def each(self) -> list[Run]:
        """Return the selected runs, at least one (`Choice.each`).

        Raises
        ------
        UserError : neither trackers nor weights, or an unknown one.
        """
        runs = super().each()
        if not runs:
            raise UserError("expected --trackers or --weights, got neither")
        return runs
