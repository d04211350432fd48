"""Predictions that a run wrote, read back: those of its data set and one split, or none."""

from benchmark.errors import UserError
from benchmark.hdf5 import read_prediction
from benchmark.run import Run
from benchmark.scoring.submission import meta_faults
from benchmark.sweep import Prediction

ADVICE = "run 'python -m benchmark predict' first"


def check_predicted(run: Run, split: str) -> None:
    """Refuse a run whose predictions are missing, of other data or of another split.

    Raises
    ------
    UserError : no meta.json, or all that is wrong with it, in one line.
    """
    meta = run.predictions / "meta.json"
    if not meta.is_file():
        raise UserError(f"{meta}: no such file; {ADVICE}")
    faults = list(meta_faults(run.predictions, run.dataset, split))
    if faults:
        raise UserError("; ".join(faults) + f"; {ADVICE}")


def read_predicted(run: Run, sweep: str) -> Prediction:
    """Return a run's prediction of a sweep, by its name.

    Raises
    ------
    UserError : no such file.
    """
    path = run.predictions / f"{sweep}.h5"
    if not path.is_file():
        raise UserError(f"{path}: no such file; {ADVICE}")
    return read_prediction(path)
