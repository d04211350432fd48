"""The commands for predictions and results: check, score, leaderboard, figures."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tyro

from benchmark.commands.selection import Choice, Selection
from benchmark.dataset import Dataset, open_dataset
from benchmark.errors import UserError, note
from benchmark.runs.run import Run

if TYPE_CHECKING:
    from benchmark.leaderboard import Leaderboard as Board


@dataclass(frozen=True)
class Check:
    """List every fault of a predictions folder at once."""

    predictions: tyro.conf.Positional[Path]
    data: tyro.conf.Positional[Path]
    split: str = "test"

    def run(self) -> None:
        from benchmark.scoring.remarks import prediction_remarks
        from benchmark.scoring.submission import check_predictions

        dataset = open_dataset(self.data)
        faults = check_predictions(self.predictions, dataset, self.split)
        for fault in faults:
            print(fault, file=sys.stderr)
        for remark in prediction_remarks(self.predictions, dataset):
            note(remark)
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
    protocol: str = "sweepbench-v2"
    answers: Path | None = None
    """Folder of the true poses, where those of the data set are withheld."""

    def run(self) -> None:
        from benchmark.scoring.evaluate import evaluate
        from benchmark.scoring.remarks import prediction_remarks

        dataset = open_dataset(self.data)
        result = evaluate(
            self.predictions,
            dataset,
            self.protocol,
            self.out,
            split=self.split,
            answers=self.answers,
        )
        truth = open_dataset(self.answers) if self.answers else dataset
        for remark in prediction_remarks(self.predictions, truth):
            note(remark)
        print(_score_line(result, self.out))


def _score_line(result: Mapping[str, Any], out: Path) -> str:
    """Return a result in one line: how many sweeps were scored, the headline, where it lies.

    Raises
    ------
    UserError : no sweep was scored.
    """
    from benchmark.metrics import METRICS
    from benchmark.scoring.protocol import find_protocol

    failed, expected = result["failed"], result["expected_sweeps"]
    lost = [f"{len(failed)} failed, first '{f['sweep']}': {f['reason']}" for f in failed[:1]]
    if not result["sweeps"]:
        raise UserError("; ".join([f"{out}: expected {expected} scored sweeps, got none", *lost]))
    metric = METRICS[find_protocol(result["protocol"]["name"]).headline]
    mean = result["summary"][metric.id]["mean"]
    value = "not defined" if mean is None else f"{mean:.{metric.digits}f} {metric.unit}".rstrip()
    scored = f"scored {len(result['sweeps'])} of {expected} sweeps"
    return "; ".join([scored, f"{metric.id} {value}", str(out), *lost])


@dataclass(frozen=True)
class Leaderboard:
    """Rank results: csv, Markdown and one html page, and a table on the console.

    The rows are those of the chosen runs, of --results, or both; --results alone needs no data set.
    """

    selection: tyro.conf.OmitArgPrefixes[Choice]
    results: tuple[Path, ...] = ()
    """Result files, e.g. of submissions, and folders, of which all results below are taken."""
    protocol: str | None = None
    """Rank only results under this protocol; by default all, which must be under one."""
    other_versions: bool = False
    """Show results on other versions of the data (another generator) as well, without ranks."""
    out: Path | None = None
    """Folder to write to; by default the data set's folder of runs."""
    keep: Path | None = None
    """Folder for a copy of each ranked result, in place of those there, and of their tables."""

    def run(self) -> None:
        from benchmark.leaderboard import console_table, read_leaderboard, write_leaderboard
        from benchmark.leaderboard.gather import gather_results
        from benchmark.leaderboard.keep import keep_results

        own = [self._result(run) for run in self.selection.each()]
        given = gather_results(self.results, self.protocol)
        paths = list({path.resolve(): path for path in [*own, *given]}.values())
        if not paths:
            raise self._nothing_to_rank()
        board = read_leaderboard(paths, other_versions=self.other_versions)
        if self.selection.data is not None:
            _refuse_other_data(board, open_dataset(self.selection.data))
        place = self.selection.runs / _folder_name(board)
        folder, figures = self.out or place, place / "figures"
        write_leaderboard(board, folder, figures if figures.is_dir() else None)
        if self.keep:
            keep_results(paths, folder, self.keep)
        print(console_table(board))
        print(f"page: {(folder / 'leaderboard.html').resolve()}")

    def _result(self, run: Run) -> Path:
        """Return the result of a run, or refuse the run with the command that makes it."""
        from benchmark.leaderboard.gather import protocol_of

        more = () if self.protocol is None else ("--protocol", self.protocol)
        self.selection.refuse_missing(run.result, "evaluate", *more)
        if self.protocol is not None and (found := protocol_of(run.result)) != self.protocol:
            raise UserError(
                f"{run.result}: protocol: expected '{self.protocol}', got '{found}'; run "
                f"'{self.selection.command('evaluate', *more)}' first"
            )
        return run.result

    def _nothing_to_rank(self) -> UserError:
        data = self.selection.data or "DATA"
        return UserError(
            "leaderboard: expected runs to rank (--trackers, --weights) or --results, got neither; "
            f"e.g. 'sweepbench leaderboard {data} --trackers moglo identity', or with "
            "'--results FOLDER' every result below a folder"
        )


def _refuse_other_data(board: "Board", dataset: Dataset) -> None:
    """Refuse a board of another data set than the one that was named, or with sweeps it lacks."""
    if board.dataset["hash"] != dataset.hash:
        raise UserError(
            f"{dataset.folder}: expected results on '{dataset.name}' with hash {dataset.hash[:12]}"
            f", got results on '{board.dataset['name']}' with hash {board.dataset['hash'][:12]}"
        )
    names = {entry.name for entry in dataset.entries}
    strange = [sweep["name"] for sweep in board.sweeps if sweep["name"] not in names]
    if strange:
        raise UserError(
            f"{dataset.folder}: sweeps: expected results on sweeps of '{dataset.name}', got "
            f"{len(strange)} others, e.g. '{strange[0]}'"
        )


def _folder_name(board: "Board") -> str:
    """Return the name of a board's data set, refused where it is no plain name of a folder."""
    name = str(board.dataset["name"])
    if name in (".", "..") or not set(name).isdisjoint("/\\\0"):
        raise UserError(f"dataset.name: expected the name of a folder, got {name!r}")
    return name


@dataclass(frozen=True)
class Figures:
    """Draw frames, trajectories, drift and reconstructed volumes of selected runs for the page."""

    selection: tyro.conf.OmitArgPrefixes[Selection]
    split: str = "test"

    def run(self) -> None:
        from benchmark.figures.showcase import draw_showcase

        for path in draw_showcase(self.selection.each(), self.split):
            print(path)
