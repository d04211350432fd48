"""Which runs a command is about: data set, trackers, budget, seeds."""

from dataclasses import dataclass
from pathlib import Path

import tyro

from benchmark.dataset import open_dataset
from benchmark.errors import UserError
from benchmark.run import RUNS, Run, make_run


@dataclass(frozen=True)
class Selection:
    """Which runs: data set, trackers, budget, seeds."""

    data: tyro.conf.Positional[Path]
    """Folder of a data set, or its name below the data root."""
    trackers: tuple[str, ...]
    """Registered names, reference rows, or package.module:Class."""
    budget: float = 8.0
    """Training budget of each learned tracker, in TFLOP (10^12 operations)."""
    seeds: tuple[int, ...] = (0,)
    """Training seeds; each is a run of its own."""
    set: tuple[str, ...] = ()
    """Fields of the tracker's configuration, as field=value."""
    runs: Path = RUNS
    """Folder of all runs."""

    def each(self) -> list[Run]:
        """Return the selected runs; what is not trained has no seeds to repeat."""
        dataset = open_dataset(self.data)
        overrides = dict(_pair(text) for text in self.set)
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
                )
                chosen.setdefault(run.folder, run)
        return list(chosen.values())


def _pair(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals:
        raise UserError(f"--set: expected field=value, got '{text}'")
    return key, value
