"""Command line of the benchmark: train, predict, check, evaluate, leaderboard and the rest.

Each command is a frozen dataclass whose fields are its flags; heavy libraries load when it runs.
"""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from benchmark.commands.ablate import Ablate
from benchmark.commands.generalisation import Generalisation
from benchmark.commands.recordings import Convert, Reconstruct, Track
from benchmark.commands.selection import Accelerator, Selection
from benchmark.commands.ship import Ship
from benchmark.commands.stress import Stress
from benchmark.commands.study import Study
from benchmark.commands.vessels import Vessels
from benchmark.dataset import Dataset, open_dataset
from benchmark.errors import UserError, exit_status


@dataclass(frozen=True)
class Train:
    """Train or calibrate trackers under one budget; resumes, and does nothing twice."""

    selection: tyro.conf.OmitArgPrefixes[Selection]
    accelerator: Accelerator = "auto"
    precision: Literal["32-true", "bf16-mixed", "16-mixed"] = "32-true"

    def run(self) -> None:
        waiting = [run for run in self.selection.each() if not run.is_trained()]
        if waiting:
            from benchmark.learning.training import train

            for run in waiting:
                train(run, accelerator=self.accelerator, precision=self.precision)
        print(f"trained: {', '.join(str(run.folder) for run in self.selection.each())}")


@dataclass(frozen=True)
class Predict:
    """Let trained trackers and reference rows track a split; writes predictions folders."""

    selection: tyro.conf.OmitArgPrefixes[Selection]
    split: str = "test"

    def run(self) -> None:
        from benchmark.runs.predict import predict

        for run in self.selection.each():
            print(predict(run, self.split))


@dataclass(frozen=True)
class Check:
    """List every fault of a predictions folder at once."""

    predictions: tyro.conf.Positional[Path]
    data: tyro.conf.Positional[Path]
    split: str = "test"

    def run(self) -> None:
        from benchmark.scoring.submission import check_predictions

        faults = check_predictions(self.predictions, open_dataset(self.data), self.split)
        for fault in faults:
            print(fault, file=sys.stderr)
        if faults:
            raise UserError(f"{self.predictions}: {len(faults)} fault(s)")
        print(f"{self.predictions}: no faults")


@dataclass(frozen=True)
class CheckTracker:
    """Run the public checker on trackers by name or package.module:Class."""

    trackers: tyro.conf.Positional[tuple[str, ...]]

    def run(self) -> None:
        from benchmark.checker import check_tracker
        from benchmark.registry import make_tracker

        for name in self.trackers:
            check_tracker(make_tracker(name))
            print(f"{name}: keeps the contract")


@dataclass(frozen=True)
class Trackers:
    """List the registered trackers and the reference rows, with the first line of their cards."""

    def run(self) -> None:
        from benchmark.registry import tracker_class, tracker_names
        from benchmark.runs.reference import reference_card, reference_names

        cards = {name: tracker_class(name).__doc__ or "" for name in tracker_names()}
        cards |= {name: reference_card(name) for name in reference_names()}
        for name, card in cards.items():
            print(f"{name:28s} {card.strip().splitlines()[0] if card.strip() else ''}")


@dataclass(frozen=True)
class Evaluate:
    """Score predictions against the truth; writes result.json beside each predictions folder."""

    selection: tyro.conf.OmitArgPrefixes[Selection]
    split: str = "test"
    protocol: str = "sweepbench-v1"
    answers: Path | None = None
    """Folder of the true poses, where those of the data set are withheld."""

    def run(self) -> None:
        from benchmark.scoring.evaluate import evaluate

        for run in self.selection.each():
            evaluate(
                run.predictions,
                run.dataset,
                self.protocol,
                run.result,
                split=self.split,
                answers=self.answers,
            )
            print(run.result)


@dataclass(frozen=True)
class Score:
    """Check and score a predictions folder from anywhere; writes one result.json."""

    predictions: tyro.conf.Positional[Path]
    data: tyro.conf.Positional[Path]
    out: Path = Path("result.json")
    split: str = "test"
    protocol: str = "sweepbench-v1"
    answers: Path | None = None
    """Folder of the true poses, where those of the data set are withheld."""

    def run(self) -> None:
        from benchmark.scoring.evaluate import evaluate

        evaluate(
            self.predictions,
            open_dataset(self.data),
            self.protocol,
            self.out,
            split=self.split,
            answers=self.answers,
        )
        print(self.out)


@dataclass(frozen=True)
class Leaderboard:
    """Rank results: csv, markdown and one html page, and a table on the console."""

    selection: tyro.conf.OmitArgPrefixes[Selection]
    results: tuple[Path, ...] = ()
    """Further result.json files, e.g. of external submissions."""
    out: Path | None = None
    """Folder to write to; by default the data set's folder of runs."""
    keep: Path | None = None
    """Folder for a copy of each ranked result, in place of those there, and of their tables."""

    def run(self) -> None:
        from benchmark.leaderboard.keep import keep_results
        from benchmark.leaderboard.publish import build_leaderboard, console_table

        runs = self.selection.each()
        folder = self.out or self.selection.runs / _dataset(self.selection).name
        paths = [run.result for run in runs] + list(self.results)
        figures = self.selection.runs / _dataset(self.selection).name / "figures"
        board = build_leaderboard(paths, folder, figures if figures.is_dir() else None)
        if self.keep:
            keep_results(paths, folder, self.keep)
        print(console_table(board))
        print(f"page: {(folder / 'leaderboard.html').resolve()}")


def _dataset(selection: Selection) -> Dataset:
    return open_dataset(selection.data)


@dataclass(frozen=True)
class Figures:
    """Draw frames, trajectories, drift and reconstructed volumes of selected runs for the page."""

    selection: tyro.conf.OmitArgPrefixes[Selection]
    split: str = "test"

    def run(self) -> None:
        from benchmark.figures.showcase import draw_showcase

        for path in draw_showcase(self.selection.each(), self.split):
            print(path)


Command = (
    Annotated[Train, tyro.conf.subcommand("train")]
    | Annotated[Predict, tyro.conf.subcommand("predict")]
    | Annotated[Check, tyro.conf.subcommand("check")]
    | Annotated[CheckTracker, tyro.conf.subcommand("check-tracker")]
    | Annotated[Trackers, tyro.conf.subcommand("trackers")]
    | Annotated[Evaluate, tyro.conf.subcommand("evaluate")]
    | Annotated[Score, tyro.conf.subcommand("score")]
    | Annotated[Leaderboard, tyro.conf.subcommand("leaderboard")]
    | Annotated[Figures, tyro.conf.subcommand("figures")]
    | Annotated[Ablate, tyro.conf.subcommand("ablate")]
    | Annotated[Ship, tyro.conf.subcommand("ship")]
    | Annotated[Stress, tyro.conf.subcommand("stress")]
    | Annotated[Generalisation, tyro.conf.subcommand("generalisation")]
    | Annotated[Study, tyro.conf.subcommand("study")]
    | Annotated[Vessels, tyro.conf.subcommand("vessels")]
    | Annotated[Convert, tyro.conf.subcommand("convert")]
    | Annotated[Reconstruct, tyro.conf.subcommand("reconstruct")]
    | Annotated[Track, tyro.conf.subcommand("track")]
)


def main() -> int:
    """Run one command; return the exit status."""
    sys.path.insert(0, "")  # so that a tracker in the current folder is found as module:Class
    return exit_status(
        lambda: tyro.cli(Command, prog="python -m benchmark", description=__doc__).run()
    )


if __name__ == "__main__":
    sys.exit(main())
