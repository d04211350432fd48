"""Memory of the B-mode engine over a long sweep: it must not grow with length or extent.

Run as `python -m tests.speed.memory [frames] [length mm]`, by default 2000 frames over 300 mm. Each
line is a process of its own: the frames alone (what any engine must hold), a tenth of the sweep,
all of it.
"""

from __future__ import annotations

import multiprocessing
import resource
import sys
import time

import numpy as np

LIMIT_MB = 2000.0


def sweep(frames: int, length_mm: float, results: multiprocessing.Queue) -> None:
    """Render a straight oblique sweep and report peak memory (MB) and seconds."""
    from simulate.bmode.render import render_bmode
    from simulate.bmode.settings import BmodeSettings
    from simulate.probe.transducer import Probe
    from simulate.tissue.uniform import UniformTissue

    angle = 0.15
    poses = np.tile(np.eye(4), (frames, 1, 1))
    poses[:, 1:3, 1:3] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    poses[:, 2, 3] = np.linspace(0.0, length_mm, frames)
    start = time.perf_counter()
    images = render_bmode(UniformTissue(key=1), Probe(), BmodeSettings(), poses, seed=1)
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0
    results.put((peak, images.nbytes / 1e6, seconds))


def main() -> None:
    frames = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    length_mm = float(sys.argv[2]) if len(sys.argv) > 2 else 300.0
    context = multiprocessing.get_context("spawn")
    peak = 0.0
    for part in (0.1, 1.0):
        results = context.Queue()
        number = max(2, int(part * frames))
        process = context.Process(target=sweep, args=(number, part * length_mm, results))
        process.start()
        peak, frame_mb, seconds = results.get()
        process.join()
        print(
            f"{number} frames over {part * length_mm:g} mm: peak {peak:.0f} MB, of which frames "
            f"{frame_mb:.0f} MB; {seconds:.0f} s"
        )
    print(f"limit {LIMIT_MB:.0f} MB: {'kept' if peak < LIMIT_MB else 'EXCEEDED'}")


if __name__ == "__main__":
    main()
