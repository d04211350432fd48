"""The command that makes a submission: one tracker's predictions in a folder of their own."""

from dataclasses import dataclass
from pathlib import Path

import tyro

from benchmark.commands.quiet import Quiet
from benchmark.commands.recordings import RunFolder
from benchmark.commands.results import Check
from benchmark.dataset import open_dataset
from benchmark.errors import note


@dataclass(frozen=True)
class Submission(Quiet):
    """Let one tracker track a split and write its predictions into a folder, then check them.

    Reads DATA, whose poses may be withheld, writes into OUT and nowhere else, and needs no network:
    so it runs in a container. Sweeps at which the tracker raises an exception are told, and the
    exit status is then 2.
    """

    data: tyro.conf.Positional[Path]
    """Folder of a data set, or its name below the data root."""
    out: tyro.conf.Positional[Path]
    """Folder for the predictions."""
    tracker: str
    """Registered name, or package.module:Class."""
    run_folder: RunFolder = None
    """Folder of the tracker's trained run; by default the weights shipped with the tracker."""
    split: str = "test"

    def run(self) -> None:
        from benchmark.runs.submission import write_submission

        dataset = open_dataset(self.data)
        write_submission(self.tracker, dataset, self.out, self.run_folder, self.split, note)
        Check(self.out, dataset.folder, self.split).run()
