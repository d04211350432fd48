"""The commands that make and score runs: train, predict, evaluate; and those about trackers."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

import tyro

from benchmark.checker import check_tracker
from benchmark.commands.divided import Divided
from benchmark.commands.quiet import Quiet
from benchmark.commands.selection import Accelerator, Selection
from benchmark.dataset import open_dataset
from benchmark.errors import UserError, note
from benchmark.machine.crew import Crew
from benchmark.machine.ranks import is_first
from benchmark.registry import make_tracker, tracker_class, tracker_names
from benchmark.runs.many import each_run
from benchmark.runs.predict import predict
from benchmark.runs.reference import reference_card, reference_names
from benchmark.runs.run import Run
from benchmark.runs.score import evaluate_run


@dataclass(frozen=True)
class Train(Quiet, Divided):
    """Train or calibrate trackers under one budget; resumes, and does nothing twice."""

    selection: tyro.conf.OmitArgPrefixes[Selection]
    accelerator: Accelerator = "auto"
    precision: Literal["32-true", "bf16-mixed", "16-mixed"] = "32-true"
    devices: int = 1
    """Devices of each machine that share each training's batches: GPUs, or processes of a CPU."""
    nodes: int = 1
    """Machines that share each training's batches; the command runs on each of them."""

    def run(self) -> None:
        if self.devices * self.nodes > 1 and (self.scheduler or self.workers > 1):
            raise UserError(
                "--devices, --nodes: expected 1 with --scheduler or --workers, which give each "
                f"training one device, got {self.devices} and {self.nodes}"
            )
        with self.crew() as crew:
            chosen = crew.share(self.selection.each())
            for run in chosen:
                if run.is_trained():
                    run.refuse_other_precision(self.precision)
                    run.remove_left()
            self._train(crew, [run for run in chosen if not run.is_trained()])
        if is_first(self.devices * self.nodes):
            print(f"trained: {', '.join(str(run.folder) for run in chosen)}")

    def _train(self, crew: Crew, runs: Sequence[Run]) -> None:
        if not runs:
            return  # without loading torch
        from benchmark.learning.training import train

        work = partial(
            train,
            accelerator=self.accelerator,
            precision=self.precision,
            devices=self.devices,
            nodes=self.nodes,
        )
        for _ in each_run(crew, work, runs):
            pass


@dataclass(frozen=True)
class Predict(Quiet, Divided):
    """Let trained trackers and reference rows track a split; writes predictions folders."""

    selection: tyro.conf.OmitArgPrefixes[Selection]
    split: str = "test"

    def run(self) -> None:
        with self.crew() as crew:
            chosen = crew.share(self.selection.each())
            for run in chosen:
                if run.tracker is not None and run.weights is None:
                    self.selection.refuse_missing(run.folder / "config.json", "train")
            work = partial(predict, split=self.split)
            for run, _ in zip(chosen, each_run(crew, work, chosen), strict=True):
                print(run.predictions)


@dataclass(frozen=True)
class CheckTracker:
    """Run the public checker on trackers by name or package.module:Class."""

    trackers: tyro.conf.Positional[tuple[str, ...]]

    def run(self) -> None:
        for name in self.trackers:
            check_tracker(make_tracker(name))
            print(f"{name}: keeps the contract")


@dataclass(frozen=True)
class Trackers:
    """List the registered trackers and the reference rows, with the first line of their cards."""

    def run(self) -> None:
        cards = {name: tracker_class(name).__doc__ or "" for name in tracker_names()}
        cards |= {name: reference_card(name) for name in reference_names()}
        for name, card in cards.items():
            print(f"{name:28s} {card.strip().splitlines()[0] if card.strip() else ''}")


@dataclass(frozen=True)
class Evaluate(Divided):
    """Score predictions against the truth; writes result.json beside each predictions folder."""

    selection: tyro.conf.OmitArgPrefixes[Selection]
    split: str = "test"
    protocol: str = "sweepbench-v2"
    answers: Path | None = None
    """Folder of the true poses, where those of the data set are withheld."""

    def run(self) -> None:
        from benchmark.scoring.remarks import prediction_remarks

        split = () if self.split == "test" else ("--split", self.split)
        answers = open_dataset(self.answers) if self.answers else None
        with self.crew() as crew:
            chosen = crew.share(self.selection.each())
            for run in chosen:
                self.selection.refuse_missing(run.predictions / "meta.json", "predict", *split)
            work = partial(
                evaluate_run,
                split=self.split,
                protocol=self.protocol,
                answers=self.answers and crew.there(self.answers),
            )
            for run, _ in zip(chosen, each_run(crew, work, chosen), strict=True):
                for remark in prediction_remarks(run.predictions, answers or run.dataset):
                    note(remark)
                print(run.result)
