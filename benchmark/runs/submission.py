"""Predictions of one tracker in a folder of their own, without any other file of a run."""

from dataclasses import replace
from pathlib import Path

from benchmark.dataset import Dataset
from benchmark.errors import Report, UserError
from benchmark.registry import shipped_weights
from benchmark.runs.predict import predict_loaded
from benchmark.runs.run import Run, open_run
from benchmark.runs.track import open_tracker


def write_submission(
    name: str, dataset: Dataset, out: Path, folder: Path | None, split: str, report: Report
) -> None:
    """Let a tracker track the sweeps of a split and write its predictions and meta.json into `out`.

    name: registered, or "package.module:Class"; folder: of its weights, by default those shipped
    with its package; report: told of each sweep at which the tracker raises an exception; such a
    sweep has no prediction. What `out` holds of the same tracker on the same data is kept.

    Raises
    ------
    UserError : a tracker that is unknown or lacks its weights, a folder that holds other files, or
        no sweep that could be tracked.
    """
    _refuse_other_files(out, dataset)
    tracker, _ = open_tracker(name, folder, report)
    weights = folder or shipped_weights(type(tracker))
    if weights is None:
        run = Run(tracker.name, tracker, dataset, 0.0, 0, out=out)
        predict_loaded(run, split, {}, report)
    else:
        run = replace(open_run(weights, dataset), tracker=tracker, out=out)
        predict_loaded(run, split, run.read_config(), report)


def _refuse_other_files(out: Path, dataset: Dataset) -> None:
    """Refuse a folder in which there are other files than predictions of the data set."""
    names = {entry.name for entry in dataset.entries}
    files = [path.name for path in sorted(out.glob("*.h5")) if path.stem not in names]
    files += [name for name in ("dataset.json", "tracker.json") if (out / name).exists()]
    if files:
        raise UserError(
            f"{out}: expected an empty folder or predictions of '{dataset.name}', got {files[0]}"
        )
