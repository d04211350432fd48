"""The work that is killed: each function prepares it in a folder and returns what does it."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

from benchmark.leaderboard.publish import build_leaderboard
from benchmark.learning.training import train
from benchmark.runs.predict import predict
from benchmark.runs.run import make_run
from simulate.dataset.generate import generate
from simulate.spec import load_spec
from tests.benchmark.learning.brightness import FLOPS, ME, write_bright
from tests.benchmark.shared import folders, synthetic_results

Work = Callable[[Path], object]


def generating(given: Path) -> Work:
    """Two sweeps of four frames in one process."""
    spec = load_spec("tiny-v2")
    spec = dataclasses.replace(
        spec,
        subjects=dataclasses.replace(spec.subjects, train=1, val=0, test=1),
        acquisition=dataclasses.replace(spec.acquisition, frames=4),
        showcase=dataclasses.replace(spec.showcase, sweeps=0),
    )
    return lambda folder: generate(spec, folder, workers=1)


def training(given: Path) -> Work:
    """A learned tracker of one weight, with checkpoints."""
    dataset = write_bright(given)

    def work(folder: Path) -> None:
        run = make_run(ME, dataset, budget_tflop=40 * FLOPS / 1e12, root=folder)
        train(run, accelerator="cpu")

    return work


def predicting(given: Path) -> Work:
    """Predictions of four sweeps by a tracker that learns nothing."""
    dataset = folders.make_dataset(given)

    def work(folder: Path) -> None:
        run = make_run("identity", dataset, root=folder)
        train(run)
        predict(run)

    return work


def ranking(given: Path) -> Work:
    """The files of a board of two trackers."""
    given.mkdir(parents=True)
    rates = {"moglo": 9.0, "other": 20.0}
    results = [synthetic_results.result(n, rate=r, sweeps=6) for n, r in rates.items()]
    paths = synthetic_results.write_results(given, results)
    return lambda folder: build_leaderboard(paths, folder)


WORKS: dict[str, Callable[[Path], Work]] = {
    "generate": generating,
    "train": training,
    "predict": predicting,
    "leaderboard": ranking,
}
