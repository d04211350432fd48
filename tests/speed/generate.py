"""The cost of generating, and how it scales from one worker process to two.

Run as `python tests/speed/generate.py`. Two workers are held against what two processes of this
machine can do at all: the same script first runs pure arithmetic in one and in two processes, and
that ratio is the ceiling. Everything is the best of three, in turn, since other work on the machine
disturbs each alike; the load is printed.
"""

import dataclasses
import os
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np

from benchmark.workers import process_pool
from simulate.dataset.generate import generate
from simulate.dataset.size import slab_of
from simulate.spec import Spec, load_spec
from simulate.spec.factors import changed
from simulate.sweep.compose import make_sweep

REPEATS = 3
SWEEPS = 12


def arithmetic(count: int) -> float:
    """Multiply and add small arrays that stay in the cache."""
    values = np.linspace(0.9, 1.1, 4096)
    total = np.zeros_like(values)
    for _ in range(count):
        total *= 0.5
        total += values
    return float(total[0])


def _warm(spec: Spec) -> int:
    return len(make_sweep(spec, 0))


def best(action: Callable[[], object]) -> float:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def arithmetic_seconds(pool: ProcessPoolExecutor, jobs: int) -> float:
    return best(lambda: list(pool.map(arithmetic, [60_000] * jobs)))


def generate_seconds(pool: ProcessPoolExecutor, spec: Spec) -> float:
    with tempfile.TemporaryDirectory() as folder:
        return best(lambda: generate(spec, Path(folder) / "d", executor=pool))


def scaling() -> None:
    """Print the ratio of one to two workers, beside the machine's own."""
    base = load_spec("small-v2")
    spec = changed(base, "subjects", train=SWEEPS - 1, val=0, test=1)
    spec = changed(spec, "acquisition", frames=60)
    spec = changed(spec, "showcase", sweeps=0)
    seconds: dict[tuple[str, int], float] = {}
    with process_pool(1) as one, process_pool(2) as two:
        pools = {1: one, 2: two}
        for workers, pool in pools.items():  # processes start, kernels load
            list(pool.map(_warm, [dataclasses.replace(spec, seed=n) for n in range(workers * 2)]))
        for _ in range(REPEATS):
            for workers, pool in pools.items():
                for kind, found in (
                    ("arithmetic", arithmetic_seconds(pool, SWEEPS)),
                    ("generate", generate_seconds(pool, spec)),
                ):
                    key = (kind, workers)
                    seconds[key] = min(found, seconds.get(key, np.inf))
    ratio = {k: seconds[k, 1] / seconds[k, 2] for k in ("arithmetic", "generate")}
    for kind in ratio:
        print(f"{kind:<11} 1 worker {seconds[kind, 1]:6.2f} s   2 workers {seconds[kind, 2]:6.2f} s"
              f"   {ratio[kind]:.2f} times as fast")  # fmt: skip
    share = ratio["generate"] / ratio["arithmetic"]
    print(f"two workers reach {share:.2f} of the two-process ceiling (0.9 is asked for)")


def cost() -> None:
    """Print what a sweep costs against frames, scatterers and frequency."""
    base = load_spec("small-v2")
    rows = {"as small-v2, 40 frames": {}}
    rows |= {f"{n} frames": {"acquisition": {"frames": n}} for n in (20, 80, 160)}
    rows |= {f"{n} scatterers per cell": {"bmode": {"scatterers_per_cell": n}}
             for n in (2.5, 5.0, 20.0)}  # fmt: skip
    rows |= {f"{n:g} MHz": {"probe": {"centre_frequency_hz": 1e6 * n}} for n in (3.5, 7.5)}
    print(
        f"\n{'one sweep':<26} {'scatterers in the slab':>22} {'s of processor':>15} {'ms/frame':>9}"
    )
    for name, changes in rows.items():
        spec = changed(base, "acquisition", frames=40)
        for table, values in changes.items():
            spec = changed(spec, table, **values)
        spec = changed(spec, "showcase", sweeps=0)
        make_sweep(changed(spec, "acquisition", frames=2), 0)
        start = time.process_time()
        frames = len(make_sweep(spec, 0))
        seconds = time.process_time() - start
        scatterers = float(np.prod(slab_of(spec)))
        print(f"{name:<26} {scatterers:>22,.0f} {seconds:>15.2f} {1e3 * seconds / frames:>9.1f}")


if __name__ == "__main__":
    print(f"load {os.getloadavg()[0]:.2f} on {os.cpu_count()} cores")
    scaling()
    cost()
