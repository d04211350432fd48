"""The commands that make and score runs: train, predict, evaluate; and those about trackers."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import tyro

from benchmark.checker import check_tracker
from benchmark.commands.quiet import Quiet
from benchmark.commands.selection import Accelerator, Selection
from benchmark.registry import make_tracker, tracker_class, tracker_names
from benchmark.runs.predict import predict
from benchmark.runs.reference import reference_card, reference_names
from benchmark.scoring.evaluate import evaluate


@dataclass(frozen=True)
class Train(Quiet):
    """Train or calibrate trackers under one budget; resumes, and does nothing twice."""

    selection: tyro.conf.OmitArgPrefixes[Selection]
    accelerator: Accelerator = "auto"
    precision: Literal["32-true", "bf16-mixed", "16-mixed"] = "32-true"

    def run(self) -> None:
        chosen = self.selection.each()
        for run in chosen:
            if run.is_trained():
                run.refuse_other_precision(self.precision)
        waiting = [run for run in chosen if not run.is_trained()]
        if waiting:
            from benchmark.learning.training import train

            for run in waiting:
                train(run, accelerator=self.accelerator, precision=self.precision)
        print(f"trained: {', '.join(str(run.folder) for run in chosen)}")


@dataclass(frozen=True)
class Predict(Quiet):
    """Let trained trackers and reference rows track a split; writes predictions folders."""

    selection: tyro.conf.OmitArgPrefixes[Selection]
    split: str = "test"

    def run(self) -> None:
        for run in self.selection.each():
            print(predict(run, self.split))


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
class Evaluate:
    """Score predictions against the truth; writes result.json beside each predictions folder."""

    selection: tyro.conf.OmitArgPrefixes[Selection]
    split: str = "test"
    protocol: str = "sweepbench-v2"
    answers: Path | None = None
    """Folder of the true poses, where those of the data set are withheld."""

    def run(self) -> None:
        split = () if self.split == "test" else ("--split", self.split)
        for run in self.selection.each():
            self.selection.refuse_missing(run.predictions / "meta.json", "predict", *split)
            evaluate(
                run.predictions,
                run.dataset,
                self.protocol,
                run.result,
                split=self.split,
                answers=self.answers,
            )
            print(run.result)
