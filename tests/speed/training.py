"""How long trackers train under the common budget, one after another with all cores.

Run as `python -m tests.speed.training DATA [--trackers ...] [--budget 8] [--part 1]`. Each learned
tracker is trained from scratch in a folder that is thrown away. With a smaller part of the budget
the time is scaled up, which is too much for the whole: reading data, compiling and the looks at
the validation split cost the same in any part.
"""

import argparse
import os
import tempfile
from pathlib import Path

from benchmark.dataset import open_dataset
from benchmark.run import make_run
from benchmark.tracker import LearnedTracker, make_tracker, tracker_names
from benchmark.training import train


def seconds(name: str, data: Path, budget: float) -> float:
    """Return how long a tracker trained with a budget in TFLOP."""
    with tempfile.TemporaryDirectory() as folder:
        run = make_run(name, open_dataset(data), budget_tflop=budget, root=Path(folder))
        train(run)
        return run.read_config()["training"]["seconds"]


def main() -> None:
    learned = [n for n in tracker_names() if isinstance(make_tracker(n), LearnedTracker)]
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--trackers", nargs="+", default=[n for n in learned if "paper" not in n])
    parser.add_argument("--budget", type=float, default=8.0, help="TFLOP")
    parser.add_argument("--part", type=float, default=1.0)
    chosen = parser.parse_args()
    print(f"{len(os.sched_getaffinity(0))} cores, load {os.getloadavg()[0]:.2f}")
    print("| tracker | minutes for the whole budget, at most |\n|---|---|")
    for name in chosen.trackers:
        taken = seconds(name, chosen.data, chosen.part * chosen.budget)
        print(f"| `{name}` | {taken / chosen.part / 60:.1f} |", flush=True)


if __name__ == "__main__":
    main()
