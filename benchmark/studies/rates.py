"""The study of learning rates and seeds, by which each learned tracker has its best rate.

Each tracker is trained at a few learning rates with a fraction of the budget, then, when all are
scanned, with several seeds and the whole budget at the rate with the smallest error. Errors are
those of the validation split; the test split is never read.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import Any

from benchmark.dataset import Dataset
from benchmark.errors import UserError
from benchmark.machine.crew import Crew
from benchmark.registry import make_tracker
from benchmark.runs.environment import environment
from benchmark.studies.variations import Setting, TrainingRow, run_settings, summarise
from benchmark.tables import write_tables

RATE_FACTOR = 3.0  # between neighbouring rates
FORMAT = "sweepbench-study-1"
COLUMNS = {
    "tracker": "tracker",
    "rates": "rates: validation error",
    "learning_rate": "best rate",
    "edge": "at the edge",
    "validation_error": "validation error",
    "spread": "standard deviation",
    "seeds": "seeds",
    "updates": "updates",
    "parameters": "parameters",
    "seconds": "seconds",
}


def learning_rates(name: str, count: int, overrides: Mapping[str, Any]) -> list[float]:
    """Return `count` rates, a factor of 3 apart, with a tracker's default in the middle.

    Raises
    ------
    UserError : the tracker has no field `learning_rate`, or `count` is even or below 1.
    """
    if count < 1 or count % 2 == 0:
        raise UserError(f"--rates: expected an odd number, got {count}")
    config = make_tracker(name, **overrides).config
    if "learning_rate" not in {item.name for item in fields(config)}:
        raise UserError(f"tracker '{name}': its configuration has no field 'learning_rate'")
    powers = range(-(count // 2), count // 2 + 1)
    return [float(f"{config.learning_rate * RATE_FACTOR**power:.3g}") for power in powers]


def run_study(
    dataset: Dataset,
    trackers: Sequence[str],
    *,
    budget: float,
    rates: int,
    seeds: int,
    root: Path,
    share: float,
    name: str = "study",
    overrides: Mapping[str, Any] | None = None,
    crew: Crew | None = None,
    report: Callable[[TrainingRow], None] | None = None,
) -> list[Path] | None:
    """Run the study, all scans first, and return the paths of its json, csv and md tables.

    budget: TFLOP of each final training; share: of it for each training of a scan; rates, seeds:
    how many; name: of the tables, which lie in `root`/<data set>/study; crew: who trains, by
    default this process. What was trained before is not trained again. None while runs of other
    parts (`Crew.shard`) are missing: of the scans, or of the final trainings.

    Raises
    ------
    UserError : no share, rates or seeds; what `learning_rates` and `run_settings` refuse.
    """
    overrides = dict(overrides or {})
    values = {tracker: learning_rates(tracker, rates, overrides) for tracker in trackers}
    if not 0 < share <= 1:
        raise UserError(f"--share: expected a number above 0 and at most 1, got {share:g}")
    if seeds < 1:
        raise UserError(f"--seeds: expected 1 or more, got {seeds}")
    trained = partial(run_settings, dataset, root=root, crew=crew, report=report)
    scanned = [_setting(t, overrides, rate) for t, rates_of in values.items() for rate in rates_of]
    scans = trained(scanned, budget * share, (0,))
    if scans is None:
        return None
    best = {tracker: best_rate(tracker, _of(tracker, scans)) for tracker in values}
    chosen = [_setting(tracker, overrides, rate) for tracker, rate in best.items()]
    finals = trained(chosen, budget, range(seeds))
    if finals is None:
        return None
    studies = [
        {
            "tracker": tracker,
            "learning_rate": rate,
            "scan": _of(tracker, scans),
            "final": _of(tracker, finals),
            "scan_share": share,
        }
        for tracker, rate in best.items()
    ]
    return _write(dataset, studies, budget, root, name)


def _setting(name: str, overrides: Mapping[str, Any], rate: float) -> Setting:
    return Setting(name, {**overrides, "learning_rate": rate})


def _of(tracker: str, rows: Sequence[TrainingRow]) -> list[TrainingRow]:
    return [row for row in rows if row["tracker"] == tracker]


def best_rate(name: str, scan: Sequence[TrainingRow]) -> float:
    """Return the learning rate of the row with the smallest error.

    Raises
    ------
    UserError : every training diverged.
    """
    known = [row for row in scan if row["validation_error"] is not None]
    if not known:
        raise UserError(f"tracker '{name}': every training of the scan diverged")
    return min(known, key=lambda row: row["validation_error"])["overrides"]["learning_rate"]


def study_row(study: Mapping[str, Any]) -> TrainingRow:
    """Return one line of the table: the scan in words, the best rate, the seeds' mean and spread.

    `edge` is "yes" where the best rate is the smallest or the largest that was tried.
    """
    scan = {row["overrides"]["learning_rate"]: row["validation_error"] for row in study["scan"]}
    best = study["learning_rate"]
    shown = [
        f"{rate:g}: " + ("diverged" if error is None else f"{error:.3f}")
        for rate, error in scan.items()
    ]
    row = summarise(study["final"])[0]
    edge = len(scan) > 1 and best in (min(scan), max(scan))
    return {
        **row,
        "tracker": study["tracker"],
        "rates": ", ".join(shown),
        "learning_rate": best,
        "edge": "yes" if edge else "no",
    }


def _write(
    dataset: Dataset, studies: Sequence[Mapping[str, Any]], budget: float, root: Path, name: str
) -> list[Path]:
    content = {
        "format": FORMAT,
        "dataset": dataset.named("val"),
        "budget_tflop": budget,
        "environment": environment(),
        "studies": list(studies),
    }
    rows = [study_row(study) for study in studies]
    return write_tables(root / dataset.name / "study", name, content, rows, COLUMNS)
