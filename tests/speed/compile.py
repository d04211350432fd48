"""Seconds that compiling takes on the first use of a fresh installation, kernel by kernel.

Run as `python tests/speed/compile.py [specs]`, by default for `small-v2` without its showcase. Each
spec is made (two frames of one sweep) by a process of its own whose cache of kernels is empty, and
then by one that finds them there. Seconds are of the processor: `own` of a function alone, `all`
with those that were compiled on the way to it. A function that is inlined into others is compiled
by itself and again as part of each of them, which then stands in their own seconds.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict

SHOWN = 25


def first_sweep(name: str) -> None:
    """Make two frames of a spec, print what was compiled and the seconds of all."""
    begin = time.process_time()
    from numba.core import event

    class Listener(event.Listener):
        """Adds up what each function takes, without and with what it called for."""

        def __init__(self) -> None:
            self.running: list[list[float]] = []
            self.taken: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0, 0.0])

        def on_start(self, event: event.Event) -> None:
            self.running.append([time.process_time(), 0.0])

        def on_end(self, event: event.Event) -> None:
            start, inner = self.running.pop()
            whole = time.process_time() - start
            if self.running:
                self.running[-1][1] += whole
            function = event.data["dispatcher"].py_func
            entry = self.taken[f"{function.__module__}.{function.__qualname__}"]
            for place, value in enumerate((whole - inner, whole, 1.0)):
                entry[place] += value

    listener = Listener()
    event.register("numba:compile", listener)
    from simulate.spec import load_spec
    from simulate.spec.factors import changed
    from simulate.sweep.compose import make_sweep

    spec = changed(load_spec(name), "showcase", sweeps=0)
    imported = time.process_time()
    make_sweep(changed(spec, "acquisition", frames=2), 0)
    end = time.process_time()
    compiled = sum(own for own, _, _ in listener.taken.values())
    print(
        f"{name}: {end - begin:.1f} s, of which imports {imported - begin:.1f}, "
        f"{compiled:.1f} compiling {len(listener.taken)} functions"
    )
    ranked = sorted(listener.taken.items(), key=lambda item: -item[1][0])
    for function, (own, whole, times) in ranked[:SHOWN]:
        print(f"  own {own:5.2f}  all {whole:5.2f}  x {times:.0f}  {function}")


def main() -> None:
    if sys.argv[1:2] == ["--child"]:
        return first_sweep(sys.argv[2])
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
    for name in sys.argv[1:] or ["small-v2"]:
        with tempfile.TemporaryDirectory() as cache:
            environment = os.environ | {"NUMBA_CACHE_DIR": cache}
            for _ in ("empty cache", "filled"):
                subprocess.run([sys.executable, __file__, "--child", name], env=environment,
                               check=True)  # fmt: skip
    return None


if __name__ == "__main__":
    main()
