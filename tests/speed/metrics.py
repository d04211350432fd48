"""Print how long the metrics of one sweep of 1,000 frames of 480 x 640 take, and their memory."""

import time
import tracemalloc

import numpy as np

from benchmark import geometry
from benchmark.metrics import METRICS, Case, compute

VOLUME = ("overlap_dice", "swept_volume_error")


def make_case(frames: int = 1000) -> Case:
    rng = np.random.default_rng(0)
    t = np.linspace(0, 1, frames - 1)[:, None]
    steps = np.array([0.1, 0.03, 0.2, 1e-3, 1e-3, 1e-3]) * np.sin(t * [5, 9, 3, 7, 4, 6] + 1)
    noise = rng.normal(size=steps.shape) * np.array([0.05] * 3 + [5e-4] * 3)
    true, predicted = (geometry.chain(geometry.exp(s)) for s in (steps, steps + noise))
    landmarks = np.column_stack(
        [rng.integers(0, frames, 100), rng.uniform(0, 639, 100), rng.uniform(0, 479, 100)]
    )
    scale = np.diag([0.2294, 0.2210, 1.0, 1.0])
    return Case(true, predicted, scale, (480, 640), landmarks=landmarks)


def main() -> None:
    poses = [name for name in METRICS if name not in VOLUME]
    compute(make_case(3), METRICS)  # compiles
    for title, names in (
        ("gpe and lpe", ["gpe", "lpe"]),
        ("segment drift", [name for name in METRICS if name.startswith("segment_")]),
        (f"all {len(poses)} pose metrics", poses),
        ("swept volumes", VOLUME),
    ):
        case = make_case()
        start, busy = time.perf_counter(), time.process_time()
        compute(case, names)
        wall, busy = time.perf_counter() - start, time.process_time() - busy
        tracemalloc.start()
        compute(make_case(), names)
        peak = tracemalloc.get_traced_memory()[1] / 2**20
        tracemalloc.stop()
        print(f"{title:24s} {wall:6.2f} s wall, {busy:6.2f} s processor, {peak:6.1f} MB arrays")
    print("targets: pose metrics < 2 s on two cores, < 200 MB")


if __name__ == "__main__":
    main()
