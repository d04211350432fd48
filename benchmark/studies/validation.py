"""The metrics of a trained run on the validation split of a data set."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmark.dataset import Dataset
from benchmark.machine.crew import Crew
from benchmark.runs.run import Run, open_run
from benchmark.runs.score import is_scored, score_run

SPLIT = "val"
SCORED_METRICS = (
    "fdr_path_centre",
    "gpe",
    "lpe",
    "sigma_within_1",
    "sigma_within_2",
    "sigma_scale",
)


@dataclass(frozen=True)
class Validation:
    """A data set on whose validation split trained runs are tracked and scored.

    root: folder of all runs. Predictions and scores lie below `root`/validation, apart from those
    of the test split.
    """

    dataset: Dataset
    root: Path

    def there(self, crew: Crew) -> "Validation":
        """Return the same by paths that hold for a crew."""
        if crew.executor is None:
            return self
        return Validation(self.dataset.resolved(), crew.there(self.root))

    def metrics(self, run: Run) -> dict[str, float | None]:
        """Return the metrics of a trained run, by id; what was scored before is read."""
        summary = score_run(self._placed(run), SPLIT)["summary"]
        return {metric: summary.get(metric, {}).get("mean") for metric in SCORED_METRICS}

    def is_done(self, run: Run) -> bool:
        """Return whether a trained run is scored."""
        return is_scored(self._placed(run), SPLIT)

    def named(self) -> dict[str, Any]:
        """Return what files say of the data: name, hash, split."""
        return self.dataset.named(SPLIT)

    def _placed(self, run: Run) -> Run:
        return open_run(run.folder, self.dataset, self.root / "validation")
