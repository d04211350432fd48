"""What generation takes beside what `show` says that it takes, spec by spec.

    python -m tests.speed.estimate                 # every spec of the package
    python -m tests.speed.estimate small-v2 mine.toml

Of each spec some sweeps are made, without photoacoustic frames, in one process and one thread, and
timed by processor time; then the same of the estimate. Before that, kernels are compiled and beams
computed by short sweeps of other subjects. The constants of `simulate.dataset.size` are right where
the last column is near 1; a loaded machine has more.
"""

import sys
import time
from dataclasses import replace

import numpy as np

from simulate.dataset.size import bmode_seconds
from simulate.spec import Spec, load_spec, spec_names
from simulate.spec.draw import draw_spec
from simulate.spec.plan import SweepPlan, plan_sweeps
from simulate.sweep.compose import compose_sweep

SWEEPS = 4  # of a spec, of one probe each or of as many
MOST_FRAMES = 60  # of a sweep; longer ones are cut, with their path


def shortened(spec: Spec) -> Spec:
    """Return a spec with at most MOST_FRAMES in a sweep, of the same step."""
    frames = min(spec.acquisition.frames, MOST_FRAMES)
    low, high = (length * frames / spec.acquisition.frames for length in spec.motion.path_length_mm)
    return replace(
        spec,
        acquisition=replace(spec.acquisition, frames=frames),
        motion=replace(spec.motion, path_length_mm=(low, high)),
    )


def some(spec: Spec) -> list[SweepPlan]:
    """Return the plans of some sweeps of different subjects, without photoacoustics or stress."""
    plans = [p for p in plan_sweeps(spec) if not p.severity and not p.held_out]
    first = list({plan.subject: plan for plan in reversed(plans)}.values())
    chosen = np.linspace(0, len(first) - 1, min(SWEEPS, len(first))).astype(int)
    return [replace(first[n], showcase=False, controlled=False) for n in chosen]


def measure(name: str) -> tuple[float, float, int]:
    """Return seconds measured and estimated of some sweeps of a spec, and their frames."""
    found = told = 0.0
    frames = 0
    spec = load_spec(name)
    for plan in some(spec):
        local = shortened(draw_spec(spec, plan).spec)
        few = replace(local.acquisition, frames=2)
        compose_sweep(replace(local, acquisition=few, seed=spec.seed + 1), plan)
        start = time.process_time()
        compose_sweep(local, plan)
        found += time.process_time() - start
        told += bmode_seconds(local)
        frames += local.acquisition.frames
    return found, told, frames


if __name__ == "__main__":
    print(f"{'spec':<16} {'frames':>6} {'measured s':>10} {'ms/frame':>8} {'estimate s':>10} ratio")
    for each in sys.argv[1:] or spec_names():
        seconds, estimate, count = measure(each)
        print(f"{each:<16} {count:>6} {seconds:>10.1f} {1e3 * seconds / count:>8.1f} "
              f"{estimate:>10.1f} {seconds / estimate:.2f}", flush=True)  # fmt: skip
