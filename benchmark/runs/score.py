"""A trained run brought to its result: tracked, then scored, each unless it is done already."""

from pathlib import Path
from typing import Any

from benchmark.errors import note
from benchmark.files import read_json
from benchmark.machine.lock import only_here
from benchmark.runs.predict import predict
from benchmark.runs.run import Run
from benchmark.scoring.evaluate import evaluate, is_current


def score_run(
    run: Run,
    split: str = "test",
    protocol: str = "sweepbench-v2",
    answers: Path | None = None,
) -> dict[str, Any]:
    """Return the result of a trained run on a split of its data set, as its result.json has it.

    answers: folder of the true poses, where those of the data set are withheld.

    Raises
    ------
    UserError : as `predict` and `evaluate`.
    """
    if not is_current(run.result, predict(run, split), protocol):
        evaluate_run(run, split, protocol, answers)
    return read_json(run.result)


def evaluate_run(
    run: Run,
    split: str = "test",
    protocol: str = "sweepbench-v2",
    answers: Path | None = None,
) -> None:
    """Score a run's predictions of a split and write its result.json.

    While another process tracks or scores the run, this one waits.

    answers: as in `score_run`.

    Raises
    ------
    UserError : as `evaluate`.
    """
    with only_here(run.lock, f"the prediction or scoring of '{run.name}'", note):
        evaluate(run.predictions, run.dataset, protocol, run.result, split=split, answers=answers)


def is_scored(run: Run, split: str = "test", protocol: str = "sweepbench-v2") -> bool:
    """Return whether a run is trained and the result of its predictions of a split is there."""
    if not (run.is_trained() and is_current(run.result, run.predictions, protocol)):
        return False
    return read_json(run.result)["dataset"].get("split") == split
