"""Training times of trackers under the common budget, one after another with all cores.

Run as `python -m tests.speed.training DATA [--trackers ...] [--budget 8] [--part 1]
[--precisions 32-true bf16-mixed]`. Each learned tracker is trained from scratch, in each precision,
in a folder that is thrown away. With a smaller part of the budget the time is scaled up, which is
too much for the whole: reading data, compiling and the looks at the validation split cost the same
in any part. The error is that on the validation split.
"""

import argparse
import math
import os
import tempfile
from itertools import product
from pathlib import Path
from typing import Any

from benchmark.dataset import open_dataset
from benchmark.learning.training import train
from benchmark.registry import make_tracker, tracker_names
from benchmark.runs.run import make_run
from benchmark.tracker import LearnedTracker


def trained(name: str, data: Path, budget: float, precision: str) -> dict[str, Any]:
    """Return what training with a budget in TFLOP recorded: seconds, validation error."""
    with tempfile.TemporaryDirectory() as folder:
        run = make_run(name, open_dataset(data), budget_tflop=budget, root=Path(folder))
        train(run, precision=precision)
        return run.read_config()["training"]


def main() -> None:
    learned = [n for n in tracker_names() if isinstance(make_tracker(n), LearnedTracker)]
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--trackers", nargs="+", default=[n for n in learned if "paper" not in n])
    parser.add_argument("--budget", type=float, default=8.0, help="TFLOP")
    parser.add_argument("--part", type=float, default=1.0)
    parser.add_argument("--precisions", nargs="+", default=["32-true"])
    chosen = parser.parse_args()
    print(f"{len(os.sched_getaffinity(0))} cores, load {os.getloadavg()[0]:.2f}")
    print("| tracker | precision | minutes for the whole budget, at most | error |")
    print("|---|---|---|---|")
    for name, precision in product(chosen.trackers, chosen.precisions):
        record = trained(name, chosen.data, chosen.part * chosen.budget, precision)
        minutes = record["seconds"] / chosen.part / 60
        error = record["validation_error"] or math.nan  # none: diverged
        print(f"| `{name}` | {precision} | {minutes:.1f} | {error:.3f} |", flush=True)


if __name__ == "__main__":
    main()
