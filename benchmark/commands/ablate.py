"""The command that trains and tabulates variations of a tracker's configuration."""

from dataclasses import dataclass
from pathlib import Path

import tyro

from benchmark.commands.divided import Divided, show_or_wait
from benchmark.commands.quiet import Quiet
from benchmark.dataset import open_dataset
from benchmark.errors import UserError
from benchmark.runs.run import RUNS


@dataclass(frozen=True)
class Ablate(Quiet, Divided):
    """Train variations of a tracker's configuration under one budget and tabulate them; resumes.

    Without --vary and --file, the variations that come with the tracker's package are taken.
    Judged by the validation split alone.
    """

    tracker: tyro.conf.Positional[str]
    """Registered name of a learned tracker, or package.module:Class."""
    data: tyro.conf.Positional[Path]
    """Folder of a data set, or its name below the data root."""
    vary: tuple[str, ...] = ()
    """Fields with the values to try, one at a time, as field=value,value."""
    file: Path | None = None
    """TOML file of variations: [[tracker]] entries with label and set."""
    set: tuple[str, ...] = ()
    """Fields of the base that all variations share, as field=value."""
    budget: float = 8.0
    """Training budget of each run, in TFLOP (10^12 operations)."""
    seeds: tuple[int, ...] = (0,)
    """Training seeds of each variation."""
    score_on: Path | None = None
    """Data set whose validation split is tracked and scored too: DATA itself, or one of more."""
    name: str | None = None
    """Name of the tables; by default the tracker's."""
    keep: Path | None = None
    """Folder for a copy of the tables."""
    runs: Path = RUNS
    """Folder of all runs."""

    def run(self) -> None:
        from benchmark.registry import field_values
        from benchmark.studies.ablate import ablate, listed, shipped_file, varied, with_base
        from benchmark.studies.variations import outcome

        settings = varied(self.tracker, self.vary)
        path = self.file if self.file or self.vary else shipped_file(self.tracker)
        if path is not None:
            settings += listed(self.tracker, path)
        if not settings:
            raise UserError(f"'{self.tracker}' comes with no variations; give --vary or --file")
        dataset = open_dataset(self.data)
        with self.crew() as crew:
            paths = ablate(
                dataset,
                with_base(self.tracker, settings, field_values(self.set)),
                budget=self.budget,
                seeds=self.seeds,
                root=self.runs,
                name=self.name or self.tracker.replace(":", "-"),
                score_on=open_dataset(self.score_on) if self.score_on else None,
                crew=crew,
                report=lambda row: print(outcome(row), flush=True),
            )
        show_or_wait(paths, self.keep, self.runs / dataset.name)
