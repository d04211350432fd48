"""Time and memory of cines against their number of frames: a video and DICOM files into a sweep.

    python -m tests.speed.recordings [--frames 1000 10000] [--size 240 320]

Each size is read in a process of its own: opened, its field of view found, its frames written into
an .h5 file. Memory is the peak of the resident set, less that of the imports.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmark.hdf5 import write_sweep
from benchmark.interop.sequence import Reading
from benchmark.interop.untracked import open_recording
from benchmark.sweep import Channel, Sweep
from tests.benchmark.interop.cines.inputs import write_dicom, write_video

DIFFERENT = 50  # frames of noise that are repeated, so that writing the input is quick


def speckle(count: int, rows: int, columns: int) -> np.ndarray:
    """Return frames (N, H, W) uint8: smooth noise in a sector, black beside it."""
    rng = np.random.default_rng(0)
    row, column = np.indices((rows, columns))
    sector = np.abs(column - columns / 2) < 0.2 * columns + 0.25 * row
    coarse = rng.integers(30, 220, (DIFFERENT, rows // 4, columns // 4), dtype=np.uint8)
    frames = np.where(sector, coarse.repeat(4, 1).repeat(4, 2), 0).astype(np.uint8)
    return np.broadcast_to(frames, (-(-count // DIFFERENT), *frames.shape)).reshape(
        -1, rows, columns
    )[:count]


def write_input(kind: str, path: Path, count: int, size: tuple[int, int]) -> None:
    """Write a cine of a kind in a process of its own, since it holds all frames."""
    frames = speckle(count, *size)
    if kind == "video":
        write_video(path, frames, "mp4v")
    else:
        packing = {"dicom": None, "dicom-jpeg": "jpeg"}[kind]
        write_dicom(path, frames, compress=packing, FrameTime=50)


def read_input(path: Path) -> None:
    """Read a cine, write its frames as a sweep, print seconds, CPU seconds and MB."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start, busy = time.perf_counter(), time.process_time()
    recording = open_recording(path, Reading(pixel_mm=(0.2, 0.2)))
    images = recording.images
    poses = np.repeat(np.eye(4)[None], len(images.frames), 0)
    poses[:, 2, 3] = 0.1 * np.arange(len(poses))
    channel = Channel(**vars(images), world_from_image=poses)
    write_sweep(path.with_suffix(".h5"), Sweep(path.stem, {"bmode": channel}))
    wall, cpu = time.perf_counter() - start, time.process_time() - busy
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    seen = 1.0 if images.mask is None else images.mask.mean()
    print(f"{wall:6.1f} s  {cpu:6.1f} CPU s  {(peak - before) / 1024:6.0f} MB  seen {seen:.0%}")


def main() -> None:
    """Print a line for each kind and number of frames."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=int, nargs="+", default=[1000, 10000])
    parser.add_argument("--size", type=int, nargs=2, default=[240, 320], help="rows, columns")
    parser.add_argument("--kinds", nargs="+", default=["video", "dicom", "dicom-jpeg"])
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        step, path = options.one
        if step == "read":
            read_input(Path(path))
        else:
            write_input(step, Path(path), options.frames[0], tuple(options.size))
        return
    for kind in options.kinds:
        for count in options.frames:
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / ("a.mp4" if kind == "video" else "a.dcm")
                sizes = ["--frames", str(count), "--size", *map(str, options.size)]
                here = [sys.executable, "-m", "tests.speed.recordings", *sizes, "--one"]
                subprocess.run([*here, kind, str(path)], check=True)
                print(f"{kind:10s} {count:6d} frames  ", end="", flush=True)
                subprocess.run([*here, "read", str(path)], check=True)


if __name__ == "__main__":
    main()
