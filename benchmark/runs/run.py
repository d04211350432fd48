"""A run: one tracker, one configuration, one data set, one seed; its folder follows from those."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from benchmark.dataset import Dataset
from benchmark.errors import UserError
from benchmark.files import (
    canonical_json,
    read_json,
    sha256_of_file,
    sha256_of_text,
    write_json,
)
from benchmark.machine.lock import remove_left
from benchmark.registry import make_tracker, open_weights
from benchmark.runs.environment import environment
from benchmark.runs.reference import reference_names
from benchmark.tracker import LearnedTracker, Tracker

RUNS = Path("runs")


@dataclass(frozen=True)
class Run:
    """The identity of a run; its folders and files follow from it.

    tracker: None for a reference row, which needs the truth; dataset: the one to track;
    budget_tflop: training budget in 10^12 floating-point operations, 0 where nothing is learned;
    trained_on: the data set whose train split teaches the tracker, by default `dataset`; weights:
    a folder of existing weights, in place of training; out: a folder for the predictions, in place
    of that in `root`.
    """

    name: str
    tracker: Tracker | None
    dataset: Dataset
    budget_tflop: float
    seed: int
    root: Path = RUNS
    trained_on: Dataset | None = None
    weights: Path | None = None
    out: Path | None = None

    def resolved(self) -> "Run":
        """Return the same run by paths that hold in any current folder."""
        return replace(
            self,
            dataset=self.dataset.resolved(),
            root=self.root.resolve(),
            trained_on=self.trained_on and self.trained_on.resolved(),
            weights=self.weights and self.weights.resolve(),
            out=self.out and self.out.resolve(),
        )

    @property
    def training_set(self) -> Dataset:
        """The data set that teaches the tracker."""
        return self.trained_on or self.dataset

    @property
    def is_away(self) -> bool:
        """Whether the tracker learned from another data set than the one it tracks."""
        if self.tracker is None or not learns(self.tracker):
            return False
        if self.weights is None:
            return self.training_set.hash != self.dataset.hash
        taught = self.read_config().get("trained_on") or {}
        return taught.get("hash") != self.dataset.hash

    @property
    def config(self) -> dict[str, Any]:
        """The tracker's configuration as JSON values."""
        return {} if self.tracker is None else json.loads(json.dumps(asdict(self.tracker.config)))

    @property
    def config_hash(self) -> str:
        """SHA-256 of tracker name, configuration, training data and budget; of existing weights if
        their folder does not state it.
        """
        if self.weights is not None:
            stored = self.read_config().get("config_hash")
            return stored or sha256_of_file(self.weights / "weights.safetensors")
        identity = [self.name, self.config, self.training_set.hash, self.budget_tflop]
        return sha256_of_text(canonical_json(identity))

    @property
    def label(self) -> str:
        """`<tracker>-<hash>-s<seed>`, the name of the run's folders."""
        return f"{self.name}-{self.config_hash[:8]}-s{self.seed}"

    @property
    def folder(self) -> Path:
        """Folder of the weights: `runs/<training data>/<label>`, or that of existing weights."""
        return self.weights or self.root / self.training_set.name / self.label

    @property
    def place(self) -> Path:
        """Folder of predictions and scores: `runs/<data set>/<label>`."""
        return self.root / self.dataset.name / self.label

    @property
    def predictions(self) -> Path:
        """The folder of the run's predictions."""
        return self.out or self.place / "predictions"

    @property
    def lock(self) -> Path:
        """The file by which one process at a time tracks or scores the run."""
        return self.predictions / ".lock"

    @property
    def result(self) -> Path:
        """The file of the run's scores."""
        return self.place / "result.json"

    @property
    def training_lock(self) -> Path:
        """The file by which the process that trains the run is known."""
        return self.folder / "training.lock"

    @property
    def kind(self) -> str:
        """learned, classical, or reference (a row that needs the truth or reads no image)."""
        if self.tracker is None:
            return "reference"
        if isinstance(self.tracker, LearnedTracker):
            return "learned"
        return getattr(self.tracker, "kind", "classical")

    def is_trained(self) -> bool:
        """Whether there is nothing left to train: weights of this run exist, or none are needed."""
        if self.tracker is None or self.weights is not None:
            return True
        return (self.folder / "config.json").is_file()

    def remove_left(self) -> None:
        """Remove what a training that was killed after its last file has left in a trained run."""
        self.remove_checkpoints()
        remove_left(self.training_lock)

    def remove_checkpoints(self) -> None:
        """Remove all checkpoints of the run's training, where it has one."""
        if self.tracker is None or self.weights is not None:
            return
        for checkpoint in self.folder.glob("*.ckpt"):
            checkpoint.unlink(missing_ok=True)

    def refuse_other_precision(self, precision: str) -> None:
        """Refuse a trained run that was trained with another precision than the one asked for.

        Its folder is the same for all precisions. Existing weights are taken as they are.

        Raises
        ------
        UserError : both precisions.
        """
        if self.tracker is None or self.weights is not None:
            return
        known = (self.read_config().get("training") or {}).get("precision", precision)
        if known != precision:
            raise UserError(
                f"{self.folder}: trained with --precision {known}, asked for {precision}; delete "
                "the folder or use another --runs"
            )

    def write_config(self, training: Mapping[str, Any] | None) -> None:
        """Write `config.json`, which marks a run as trained.

        training: its record (updates, operations, seconds ...); None where nothing is trained.
        """
        taught = self.training_set.named()
        content = {
            "tracker": self.name,
            "kind": self.kind,
            "config": self.config,
            "config_hash": self.config_hash,
            "seed": self.seed,
            "budget_tflop": self.budget_tflop,
            "trained_on": taught if self.tracker and learns(self.tracker) else None,
            "training": dict(training) if training else None,
            "environment": environment(),
        }
        write_json(self.folder / "config.json", content)

    def read_config(self) -> dict[str, Any]:
        """Return `config.json` of a trained run; {} for existing weights that lack it.

        Raises
        ------
        UserError : the run is not trained yet.
        """
        path = self.weights / "config.json" if self.weights else self.folder / "config.json"
        if path.is_file():
            return read_json(path)
        if self.weights:
            return {}
        raise UserError(
            f"{self.folder}: '{self.name}' is not trained yet; run 'sweepbench train' first"
        )


def titles(runs: Sequence[Run]) -> list[str]:
    """Return a title for each run: the tracker's name, or the run's label if several share it."""
    names = [run.name for run in runs]
    return [run.name if names.count(run.name) == 1 else run.label for run in runs]


def learns(tracker: Tracker) -> bool:
    """Return whether a tracker's predictions depend on training data."""
    return isinstance(tracker, LearnedTracker) or type(tracker).fit is not Tracker.fit


def make_run(
    name: str,
    dataset: Dataset,
    *,
    budget_tflop: float = 0.0,
    seed: int = 0,
    overrides: Mapping[str, Any] | None = None,
    root: Path = RUNS,
    trained_on: Dataset | None = None,
) -> Run:
    """Return the run of a tracker, by registered name or "package.module:Class", or of a reference.

    trained_on: the data set that teaches it, by default `dataset`.

    Raises
    ------
    UserError : unknown tracker or field of its configuration.
    """
    if name in reference_names():
        return Run(name, None, dataset, 0.0, 0, root)
    tracker = make_tracker(name, **(overrides or {}))
    learned = isinstance(tracker, LearnedTracker)
    return Run(
        tracker.name,
        tracker,
        dataset,
        budget_tflop if learned else 0.0,
        seed if learned else 0,
        root,
        trained_on,
    )


def open_run(weights: Path | str, dataset: Dataset, root: Path = RUNS) -> Run:
    """Return the run of a tracker whose weights lie in a folder, on any data set.

    weights: a trained run's folder, or one that was shipped (`tracker.json`,
    `weights.safetensors`).

    Raises
    ------
    UserError : as `benchmark.registry.open_weights`.
    """
    folder = Path(weights)
    tracker = open_weights(folder)
    config = folder / "config.json"
    told = read_json(config) if config.is_file() else {}
    budget, seed = told.get("budget_tflop", 0.0), told.get("seed", 0)
    return Run(tracker.name, tracker, dataset, budget, seed, root, weights=folder)
