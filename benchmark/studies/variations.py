"""Many settings of trackers trained under one budget, with their errors on the validation split.

Only the training and the validation split are read, so that no choice depends on test sweeps. A
setting that was trained before is read from its run's folder, so an interrupted call goes on where
it was.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from benchmark.dataset import Dataset
from benchmark.errors import UserError
from benchmark.machine.crew import Crew
from benchmark.runs.many import each_run
from benchmark.runs.run import Run, make_run
from benchmark.studies.validation import Validation
from benchmark.tracker import LearnedTracker

#: What is known of one training, or of one setting over its seeds, by the column of a table.
TrainingRow = dict[str, Any]


@dataclass(frozen=True)
class Setting:
    """A tracker with some fields of its configuration changed, under a label of its own."""

    tracker: str
    overrides: Mapping[str, Any] = field(default_factory=dict)
    label: str = ""

    @property
    def title(self) -> str:
        """The label, or else the tracker's name and what is changed."""
        changes = ", ".join(f"{key}={value}" for key, value in self.overrides.items())
        return self.label or f"{self.tracker} {changes}".strip()


def run_settings(
    dataset: Dataset,
    settings: Sequence[Setting],
    budget: float,
    seeds: Sequence[int],
    root: Path,
    *,
    crew: Crew | None = None,
    validation: Validation | None = None,
    report: Callable[[TrainingRow], None] | None = None,
) -> list[TrainingRow] | None:
    """Train each setting with each seed and return one row for each, settings first.

    budget: TFLOP of each training; root: folder of all runs; crew: who trains, by default this
    process; validation: on what trained runs are scored as well; report: called with each row when
    it is known. All settings are trained with the first seed before any with the second.
    A row holds label, tracker, overrides, seed, budget_tflop, run (folder), and of the training
    validation_error (share of no motion's; null where it diverged), updates, flops_per_update,
    parameters, seconds; with a validation also metrics.

    Returns
    -------
    The rows, or None while runs of the other parts (`Crew.shard`) are missing.

    Raises
    ------
    UserError : an unknown tracker or field, a tracker that is not learned, or no worker.
    """
    crew = crew or Crew()
    keys = [(place, seed) for seed in seeds for place in range(len(settings))]
    runs = {key: _run_of(settings[key[0]], dataset, budget, key[1], root) for key in keys}
    work = partial(_trained, validation=validation and validation.there(crew))
    rows: dict[tuple[int, int], TrainingRow] = {}

    def finish(own: Sequence[tuple[int, int]], crew: Crew) -> None:
        found = each_run(crew, work, [runs[key] for key in own])
        for key, known in zip(own, found, strict=True):
            rows[key] = _row(settings[key[0]], runs[key], known)
            if report:
                report(rows[key])

    finish(crew.share(keys), crew)
    others = [key for key in keys if key not in rows]
    if not all(_is_done(runs[key], validation) for key in others):
        return None
    finish(others, Crew())
    return [rows[place, seed] for place in range(len(settings)) for seed in seeds]


def _run_of(setting: Setting, dataset: Dataset, budget: float, seed: int, root: Path) -> Run:
    run = make_run(
        setting.tracker,
        dataset,
        budget_tflop=budget,
        seed=seed,
        overrides=setting.overrides,
        root=root,
    )
    if not isinstance(run.tracker, LearnedTracker):
        raise UserError(f"'{setting.tracker}' is not trained: expected a learned tracker")
    return run


def _trained(run: Run, validation: Validation | None) -> dict[str, Any]:
    """Train a run, and score it; return what is known of it, read where it was done before."""
    if run.is_trained():
        run.remove_left()
    else:
        from benchmark.learning.training import train

        train(run)
    metrics = {"metrics": validation.metrics(run)} if validation else {}
    return {"training": run.read_config()["training"], **metrics}


def _is_done(run: Run, validation: Validation | None) -> bool:
    return run.is_trained() and (validation is None or validation.is_done(run))


def _row(setting: Setting, run: Run, known: Mapping[str, Any]) -> TrainingRow:
    training = known["training"]
    error = training.get("validation_error")
    kept = ("updates", "flops_per_update", "parameters", "seconds")
    row = {
        "label": setting.title,
        "tracker": setting.tracker,
        "overrides": dict(setting.overrides),
        "seed": run.seed,
        "budget_tflop": run.budget_tflop,
        "run": str(run.folder),
        "validation_error": error if error is not None and math.isfinite(error) else None,
        **{key: training.get(key) for key in kept},
    }
    return {**row, "metrics": known["metrics"]} if "metrics" in known else row


def outcome(row: TrainingRow) -> str:
    """Return one line on a training: what was trained, its budget and seed, its error."""
    error = row["validation_error"]
    words = "diverged" if error is None else f"{error:.4f}"
    return f"{row['label']}, {row['budget_tflop']:g} TFLOP, seed {row['seed']}: {words}"


def summarise(rows: Iterable[TrainingRow]) -> list[TrainingRow]:
    """Return one row per label in order of appearance: mean, spread and seeds of its errors.

    `validation_error` is the mean over the seeds that have one, `spread` their standard deviation
    (null for a single one), `seeds` how many there are, `diverged` how many have none.
    """
    groups: dict[str, list[TrainingRow]] = {}
    for row in rows:
        groups.setdefault(row["label"], []).append(row)
    return [_summary(label, members) for label, members in groups.items()]


def _summary(label: str, members: list[TrainingRow]) -> TrainingRow:
    errors = [row["validation_error"] for row in members if row["validation_error"] is not None]
    mean = sum(errors) / len(errors) if errors else None
    spread = None
    if len(errors) > 1 and mean is not None:
        spread = math.sqrt(sum((value - mean) ** 2 for value in errors) / (len(errors) - 1))
    seconds = [row["seconds"] for row in members if row["seconds"] is not None]
    return {
        "label": label,
        "tracker": members[0]["tracker"],
        "validation_error": mean,
        "spread": spread,
        "seeds": len(members),
        "diverged": len(members) - len(errors),
        "updates": members[0]["updates"],
        "parameters": members[0]["parameters"],
        "seconds": sum(seconds) / len(seconds) if seconds else None,
    }
