"""The commands for predictions and results: check, score, leaderboard, figures."""

import sys
from dataclasses import dataclass
from pathlib import Path

import tyro

from benchmark.commands.selection import Selection
from benchmark.dataset import open_dataset
from benchmark.errors import UserError


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
    """Rank results: csv, Markdown and one html page, and a table on the console."""

    selection: tyro.conf.OmitArgPrefixes[Selection]
    results: tuple[Path, ...] = ()
    """Further result.json files, e.g. of external submissions."""
    out: Path | None = None
    """Folder to write to; by default the data set's folder of runs."""
    keep: Path | None = None
    """Folder for a copy of each ranked result, in place of those there, and of their tables."""

    def run(self) -> None:
        from benchmark.leaderboard import build_leaderboard, console_table
        from benchmark.leaderboard.keep import keep_results

        runs = self.selection.each()
        place = self.selection.runs / runs[0].dataset.name
        folder, figures = self.out or place, place / "figures"
        paths = [run.result for run in runs] + list(self.results)
        board = build_leaderboard(paths, folder, figures if figures.is_dir() else None)
        if self.keep:
            keep_results(paths, folder, self.keep)
        print(console_table(board))
        print(f"page: {(folder / 'leaderboard.html').resolve()}")


@dataclass(frozen=True)
class Figures:
    """Draw frames, trajectories, drift and reconstructed volumes of selected runs for the page."""

    selection: tyro.conf.OmitArgPrefixes[Selection]
    split: str = "test"

    def run(self) -> None:
        from benchmark.figures.showcase import draw_showcase

        for path in draw_showcase(self.selection.each(), self.split):
            print(path)
