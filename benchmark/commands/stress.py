"""The command that finds where trackers break: curves of their error over one factor each."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import tyro

from benchmark.commands.divided import Divided, part_done
from benchmark.commands.quiet import Quiet
from benchmark.commands.selection import Accelerator, Selection
from benchmark.leaderboard.conditions import FLOOR
from benchmark.robustness.stress import Point
from benchmark.robustness.stress_error import REFERENCE, StressError
from benchmark.runs.many import each_run
from benchmark.runs.provenance import write_provenance
from benchmark.runs.run import Run
from benchmark.runs.score import is_scored, score_run
from benchmark.tables import write_text


@dataclass(frozen=True)
class Stress(Quiet, Divided):
    """Train, track and score on a stress data set; tables, curves and a page of where each breaks.

    What was done before is not done again. Two trackers are added that see no image: the training
    mean, of which a tracker with larger errors has broken, and no motion (identity), whose errors
    are the unit of the stress error.
    """

    selection: tyro.conf.OmitArgPrefixes[Selection]
    split: str = "test"
    protocol: str = "sweepbench-v2"
    answers: Path | None = None
    """Folder of the true poses, where those of the data set are withheld."""
    accelerator: Accelerator = "auto"
    """For trackers that are not trained yet."""
    keep: Path | None = None
    """Folder for a copy of the tables and curves, with what they came from."""

    def run(self) -> None:
        trackers = dict.fromkeys((*self.selection.trackers, FLOOR, REFERENCE))
        runs = replace(self.selection, trackers=tuple(trackers)).each()
        place = self.selection.runs / runs[0].dataset.name
        if self._score(runs):
            self._tabulate(runs, place)
        else:
            part_done(place)

    def _score(self, runs: Sequence[Run]) -> bool:
        """Bring this part's runs to their results; return whether all runs have one."""
        with self.crew() as crew:
            work = partial(
                trained_and_scored,
                split=self.split,
                protocol=self.protocol,
                answers=self.answers and crew.there(self.answers),
                accelerator=self.accelerator,
            )
            for _ in each_run(crew, work, crew.share(runs)):
                pass
        return crew.is_whole or all(is_scored(run, self.split, self.protocol) for run in runs)

    def _tabulate(self, runs: Sequence[Run], place: Path) -> None:
        from benchmark.leaderboard import build_leaderboard
        from benchmark.robustness.stress import stress_points
        from benchmark.robustness.stress_error import stress_errors

        figures = place / "figures"
        board = build_leaderboard(
            [run.result for run in runs], place, figures if figures.is_dir() else None
        )
        points, errors = stress_points(board), stress_errors(board)
        for folder in (place, self.keep):
            if folder is not None:
                _write(folder, points, errors)
        if self.keep is not None:
            write_provenance(self.keep, runs)
        print((place / "stress.md").read_text(encoding="utf-8"))
        print(f"page: {(place / 'leaderboard.html').resolve()}#/stress")


def trained_and_scored(
    run: Run, split: str, protocol: str, answers: Path | None, accelerator: Accelerator
) -> None:
    """Bring a run to its result, where it is not there yet."""
    if not run.is_trained():
        from benchmark.learning.training import train

        train(run, accelerator=accelerator)
    score_run(run, split, protocol, answers)


def _write(folder: Path, points: Sequence[Point], errors: Sequence[StressError]) -> None:
    """Write stress.csv, stress-error.csv, stress.md and a figure per metric into a folder."""
    from benchmark.figures import plot
    from benchmark.figures.stress import stress_curves
    from benchmark.leaderboard.columns import short_title
    from benchmark.robustness.stress_tables import stress_csv, stress_error_csv, stress_markdown

    write_text(folder / "stress.csv", stress_csv(points))
    write_text(folder / "stress-error.csv", stress_error_csv(errors))
    write_text(folder / "stress.md", stress_markdown(points, errors))
    for metric in dict.fromkeys(point.metric for point in points):
        plot.save(
            stress_curves(points, metric),
            folder / f"stress-{metric}",
            f"{short_title(metric)} under stress",
            f"Mean and 95 % interval per factor; rings: worse than {FLOOR}, which sees no image.",
            dpi=90,
        )
