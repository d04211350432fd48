"""The commands that are killed: the words of each, what it reads, what its folder holds before."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmark.dataset import write_dataset, write_entry
from sweepbench.__main__ import main
from tests import command_line
from tests.benchmark.learning.brightness import FLOPS, bright_sweep
from tests.benchmark.shared import synthetic_results
from tests.benchmark.studies.rated import ME

SPLITS = ("train", "train", "val", "test", "test", "test")
SPEC = """
extends = "tiny-v2"
name = "killed"
subjects = { train = 1, val = 0, test = 1 }
acquisition = { frames = 4 }
probe = { height_px = 32 }
showcase = { sweeps = 0 }
"""


@dataclass(frozen=True)
class Work:
    """A command: what writes the files it reads into a folder, and the words of its line.

    words: given that folder and the one to work in, which begins with a copy of its `runs`, if any;
    divides: whether the command takes `--workers`.
    """

    write: Callable[[Path], None]
    words: Callable[[Path, Path], list[object]]
    divides: bool = True

    def line(self, given: Path, folder: Path, workers: int) -> list[str]:
        """Return the words of the command line."""
        more = ["--workers", workers] if self.divides else []
        return [str(word) for word in (*self.words(given, folder), *more)]


def command(words: list[str]) -> int:
    """Run what `sweepbench words` runs, in this process; return its status."""
    sys.argv = ["sweepbench", *words]
    return main()


def _spec(given: Path) -> None:
    """Two sweeps of four frames, and a secret from which one of them may be drawn."""
    (given / "killed.toml").write_text(SPEC, encoding="utf-8")
    (given / "entropy").write_text("f0e1d2c3b4a59687" * 2, encoding="ascii")


def _bright(given: Path) -> None:
    """Sweeps whose steps can be read from the brightness of their frames."""
    data = given / "data"
    sweeps = [bright_sweep(f"s{n}", 24, n) for n in range(len(SPLITS))]
    entries = [
        write_entry(data, f"{sweep.name}.h5", sweep, split, f"u{n}")
        for n, (sweep, split) in enumerate(zip(sweeps, SPLITS, strict=True))
    ]
    write_dataset(data, "bright", entries, {})


def _selected(verb: str, given: Path, folder: Path) -> list[object]:
    """Two trainings of a tracker of two weights, and a tracker that learns nothing."""
    budget = ["--budget", 36 * FLOPS / 1e12, "--seeds", 0, 1, "--runs", folder / "runs"]
    return [verb, given / "data", "--trackers", ME, "identity", *budget]


def _made(*verbs: str) -> Callable[[Path], None]:
    """Return what writes data and does what comes before a command."""

    def write(given: Path) -> None:
        _bright(given)
        for verb in verbs:
            done = command_line.command("benchmark", *_selected(verb, given, given), cwd=given)
            assert done.returncode == 0, done.stderr

    return write


def _results(given: Path) -> None:
    """Results of two trackers."""
    rates = {"moglo": 9.0, "other": 20.0}
    results = [synthetic_results.result(n, rate=r, sweeps=6) for n, r in rates.items()]
    synthetic_results.write_results(given, results)


def _generate(given: Path, folder: Path) -> list[object]:
    return ["generate", given / "killed.toml", "--out", folder / "data", "--no-preview"]


def _withhold(given: Path, folder: Path) -> list[object]:
    secret = ["--withhold-poses", "--entropy-file", given / "entropy"]
    return [*_generate(given, folder), *secret]


def _study(given: Path, folder: Path) -> list[object]:
    budget = ["--budget", 18 * FLOPS / 1e12, "--share", 0.5, "--rates", 3, "--seeds", 2]
    places = ["--runs", folder / "runs", "--keep", folder / "kept"]
    return ["study", given / "data", "--trackers", ME, *budget, *places]


def _rank(given: Path, folder: Path) -> list[object]:
    return ["leaderboard", "--results", given, "--out", folder / "board", "--keep", folder / "kept"]


WORKS = {
    "generate": Work(_spec, _generate),
    "generate --withhold-poses": Work(_spec, _withhold),
    "train": Work(_made(), lambda *at: _selected("train", *at)),
    "predict": Work(_made("train"), lambda *at: _selected("predict", *at)),
    "study": Work(_made(), _study),
    "evaluate": Work(_made("train", "predict"), lambda *at: _selected("evaluate", *at)),
    "leaderboard": Work(_results, _rank, divides=False),
}
