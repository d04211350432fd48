"""A run: one tracker, one configuration, one data set, one seed; its folder follows from those."""

import json
import platform
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from benchmark.dataset import Dataset
from benchmark.errors import UserError
from benchmark.files import canonical_json, read_json, sha256_of_text, write_json
from benchmark.reference import reference_names
from benchmark.tracker import LearnedTracker, Tracker, make_tracker

RUNS = Path("runs")
FRONT_DOOR = ("numpy", "scipy", "torch", "lightning", "numba", "h5py", "scikit-image", "sweepbench")


@dataclass(frozen=True)
class Run:
    """What identifies a run. `tracker` is None for a reference row, which needs the truth.

    budget_tflop: training budget in 10^12 floating-point operations, 0 where nothing is learned.
    """

    name: str
    tracker: Tracker | None
    dataset: Dataset
    budget_tflop: float
    seed: int
    root: Path = RUNS

    @property
    def config(self) -> dict[str, Any]:
        """The tracker's configuration as JSON values."""
        return {} if self.tracker is None else json.loads(json.dumps(asdict(self.tracker.config)))

    @property
    def config_hash(self) -> str:
        """SHA-256 of tracker name, configuration, data set and budget."""
        identity = [self.name, self.config, self.dataset.hash, self.budget_tflop]
        return sha256_of_text(canonical_json(identity))

    @property
    def folder(self) -> Path:
        """`runs/<data set>/<tracker>-<hash>-s<seed>`."""
        return self.root / self.dataset.name / f"{self.name}-{self.config_hash[:8]}-s{self.seed}"

    @property
    def predictions(self) -> Path:
        """The folder of the run's predictions."""
        return self.folder / "predictions"

    @property
    def result(self) -> Path:
        """The file of the run's scores."""
        return self.folder / "result.json"

    @property
    def kind(self) -> str:
        """learned, classical, or reference (a row that needs the truth or knows no image)."""
        if self.tracker is None:
            return "reference"
        if isinstance(self.tracker, LearnedTracker):
            return "learned"
        return getattr(self.tracker, "kind", "classical")

    def is_trained(self) -> bool:
        """Whether the weights of this very run lie in its folder."""
        return self.tracker is None or (self.folder / "config.json").is_file()

    def write_config(self, training: Mapping[str, Any] | None) -> None:
        """Write `config.json`: what was run, with what, and what training took. Marks the end."""
        content = {
            "tracker": self.name,
            "kind": self.kind,
            "config": self.config,
            "config_hash": self.config_hash,
            "seed": self.seed,
            "budget_tflop": self.budget_tflop,
            "trained_on": {"name": self.dataset.name, "hash": self.dataset.hash},
            "training": dict(training) if training else None,
            "environment": environment(),
        }
        write_json(self.folder / "config.json", content)

    def read_config(self) -> dict[str, Any]:
        """Return `config.json` of a trained run.

        Raises
        ------
        UserError : the run was not trained yet (the command that does is named).
        """
        if not (self.folder / "config.json").is_file():
            raise UserError(
                f"{self.folder}: '{self.name}' is not trained yet; "
                f"run 'python -m benchmark train {self.dataset.folder} --trackers {self.name}'"
            )
        return read_json(self.folder / "config.json")


def make_run(
    name: str,
    dataset: Dataset,
    *,
    budget_tflop: float = 0.0,
    seed: int = 0,
    overrides: Mapping[str, Any] | None = None,
    root: Path = RUNS,
) -> Run:
    """Return the run of a tracker, by registered name or "package.module:Class", or of a reference.

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
    )


def environment() -> dict[str, Any]:
    """Return what the numbers depend on beside code and data: versions, processor, commit."""
    versions = {}
    for package in FRONT_DOOR:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return {
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}",
        "versions": versions,
        "commit": _commit(),
        "accelerator": _accelerator(),
    }


def _commit() -> str | None:
    home = Path(__file__).parent
    asked = ["git", "-C", str(home), "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        done = subprocess.run(asked, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()


def _accelerator() -> str:
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        return torch.cuda.get_device_name(0)
    return "cpu"
