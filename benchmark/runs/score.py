"""A trained run brought to its result: tracked, then scored, each unless it is done already."""

from pathlib import Path
from typing import Any

from benchmark.files import read_json
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
    predictions = predict(run, split)
    if not is_current(run.result, predictions, protocol):
        evaluate(predictions, run.dataset, protocol, run.result, split=split, answers=answers)
    return read_json(run.result)
