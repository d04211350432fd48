"""The command that scans learning rates and repeats seeds on the validation split."""

from dataclasses import dataclass
from pathlib import Path

import tyro

from benchmark.commands.divided import Divided, show_or_wait
from benchmark.commands.quiet import Quiet
from benchmark.dataset import open_dataset
from benchmark.runs.run import RUNS


@dataclass(frozen=True)
class Study(Quiet, Divided):
    """Scan learning rates at a part of the budget, then train seeds at the best; resumes.

    Chooses and reports by the validation split alone.
    """

    data: tyro.conf.Positional[Path]
    """Folder of a data set, or its name below the data root."""
    trackers: tuple[str, ...]
    """Registered names of learned trackers, or package.module:Class."""
    budget: float = 8.0
    """Training budget of each final run, in TFLOP (10^12 operations)."""
    rates: int = 3
    """Learning rates tried, a factor of 3 apart, the default in the middle; odd."""
    seeds: int = 3
    """Seeds of the final setting."""
    share: float = 0.2
    """Part of the budget that each training of the scan has."""
    set: tuple[str, ...] = ()
    """Fields of the trackers' configuration, as field=value."""
    name: str = "study"
    """Name of the tables."""
    keep: Path | None = None
    """Folder for a copy of the tables."""
    runs: Path = RUNS
    """Folder of all runs."""

    def run(self) -> None:
        from benchmark.registry import field_values
        from benchmark.studies.rates import run_study
        from benchmark.studies.variations import outcome

        dataset = open_dataset(self.data)
        with self.crew() as crew:
            paths = run_study(
                dataset,
                self.trackers,
                budget=self.budget,
                rates=self.rates,
                seeds=self.seeds,
                root=self.runs,
                share=self.share,
                name=self.name,
                overrides=field_values(self.set),
                crew=crew,
                report=lambda row: print(outcome(row), flush=True),
            )
        show_or_wait(paths, self.keep, self.runs / dataset.name)
