"""What the simulator reaches beside what the machine allows, measured in one run.

Run as `python -m tests.speed.limits [--peers]` on one thread. First the machine: multiply-adds
that stay in the cache, memory, the disk, Fourier transforms. Beside each stands the part of the
simulator that leans on it: the B-mode engine, answers of tissue, photoacoustics, writing. Then
whole sweeps of data sets in frames per processor second, beside what is aimed at: as their specs
say, and with few frames over the whole path, for each of which nearly all of its tissue is drawn.
On a loaded machine processor seconds are up to twice as long. With `--peers`
PyMUST's SIMUS and zea's simulator where they can be imported (`pip install --target FOLDER pymust
zea`, and FOLDER in PYTHONPATH), on scatterers of one frame.

Realism differs: the peers compute channel data, with directivity of elements and a pulse of many
frequencies, from which an image has yet to be formed; the engine sums beamformed echoes with a
given point spread function. Times per scatterer compare cost, not worth.
"""

from __future__ import annotations

import os

os.environ |= {"OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"}

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from benchmark.hdf5 import write_sweep
from benchmark.sweep import Channel, Sweep
from simulate.compiled import kernel
from simulate.iq.frames import make_frames
from simulate.spec import Spec, load_spec, spec_names
from simulate.spec.factors import changed
from simulate.spec.plan import plan_sweeps
from simulate.sweep.compose import make_sweep
from simulate.sweep.scene import draw_scene
from tests.speed import bmode
from tests.speed.photoacoustic import problem, solve

GOALS = {"small": 120.0, "forearm": 30.0, "tusrec-like": 6.0}  # frames per processor second
SPARSE = {"forearm": 24, "tusrec-like": 10}  # frames of a sweep
PEER_SCATTERERS = 1000


@kernel
def _multiply_add(a, b, c, repeats):
    for _ in range(repeats):
        for i in range(np.uint64(len(a))):
            a[i] = a[i] * b[i] + c[i]


def taken(action: Callable[[], object], repeats: int = 5) -> float:
    """Least processor time of an action after one run to warm up, seconds."""
    return bmode.best_of(action, repeats)[1]


def multiply_add_rate() -> float:
    """GFLOP per second of float32 multiply-adds in the first cache."""
    a, b, c = (np.full(2048, 0.5, np.float32) for _ in range(3))
    seconds = taken(lambda: _multiply_add(a, b, c, 20_000))
    return 2.0 * len(a) * 20_000 / seconds / 1e9


def disk_rate(folder: Path, size: int = 1 << 27) -> float:
    """MB per second of wall time of one large write that has reached the disk."""
    block = np.random.default_rng(0).bytes(size)
    seconds = []
    for _ in range(3):
        start = time.perf_counter()
        with (folder / "block").open("wb") as file:
            file.write(block)
            file.flush()
            os.fsync(file.fileno())
        seconds.append(time.perf_counter() - start)
    return size / min(seconds) / 1e6


def fourier_rate(shape: tuple[int, ...] = (512, 512)) -> float:
    """GFLOP per second of real float32 transforms, at 2.5 N log2 N each."""
    field = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    seconds = taken(lambda: scipy.fft.rfftn(field, workers=1))
    return 2.5 * field.size * np.log2(field.size) / seconds / 1e9


def engine_line(limit: float) -> str:
    """Frames of the reference case on one thread, and its share of the multiply-add rate."""
    poses = bmode.oblique_sweep(16)
    beam = bmode.beam_for(bmode.TISSUE, bmode.PROBE, bmode.SETTINGS)
    source = bmode.frame_source(bmode.TISSUE, bmode.PROBE, bmode.SETTINGS, beam, poses, seed=3)
    seconds = taken(lambda: list(make_frames(source, lambda frame, iq: None, 1))) / len(poses)
    count = len(bmode.image_plane_points(beam, poses[0])[0])
    operations = bmode.operations_per_frame(count, beam)
    return (
        f"engine, {count} scatterers a frame: {1e3 * seconds:.1f} ms a frame, "
        f"{operations / seconds / 1e9:.1f} GFLOP/s, {operations / seconds / 1e9 / limit:.0%} of it"
    )


def tissue_line(name: str) -> str:
    """Nanoseconds in which a data set's tissue answers one point, block by block."""
    spec = load_spec(name)
    tissue = draw_scene(spec, plan_sweeps(spec)[0]).tissue
    rng = np.random.default_rng(0)
    corners = rng.uniform((-12.0, 0.0, -5.0), (12.0, 20.0, 20.0), (50, 3))
    blocks = corners[:, None] + rng.uniform(0.0, 4.0, (50, 4096, 3))
    seconds = taken(lambda: [tissue.backscatter(block) for block in blocks], 3)
    return f"tissue of {name}: {1e9 * seconds / (50 * 4096):.0f} ns a point"


def photoacoustic_line(limit: float) -> str:
    """Seconds of the exact propagator, and what Fourier transforms of its size would allow."""
    source, grid = problem((256, 256), 800)
    seconds = taken(lambda: solve("propagator", source, grid), 3)
    size = source.size
    least = 2.5 * size * np.log2(size) / (1e9 * limit)
    return (
        f"photoacoustics, 256 x 256 cells, 800 samples: {1e3 * seconds:.1f} ms a frame; one "
        f"transform of the grid would take {1e3 * least:.1f}"
    )


def writing_line(folder: Path, disk: float) -> str:
    """Rate at which a sweep is written, beside the disk's."""
    path, count = folder / "sweep.h5", 1000
    frames = np.random.default_rng(0).integers(0, 255, (count, 256, 256), np.uint8)
    poses = np.tile(np.eye(4), (count, 1, 1))
    channel = Channel(frames, np.arange(count) / 20.0, np.eye(4), world_from_image=poses)
    seconds = []
    for _ in range(3):
        path.unlink(missing_ok=True)
        start = time.perf_counter()
        write_sweep(path, Sweep("sweep", {"bmode": channel}))
        seconds.append(time.perf_counter() - start)
    rate = frames.nbytes / min(seconds) / 1e6
    return f"writing 1,000 frames of 256 x 256: {rate:.0f} MB/s; the disk takes {disk:.0f}"


def newest(kind: str) -> str:
    """The newest spec of a kind, by its version."""
    return max(name for name in spec_names() if name.startswith(f"{kind}-v"))


def generation_lines(kind: str) -> Iterator[str]:
    """Frames of whole sweeps per processor second, from the second sweep of a process on."""
    name = newest(kind)
    spec = changed(load_spec(name), "showcase", sweeps=0)
    make_sweep(changed(spec, "acquisition", frames=2), 0)
    yield f"{name}: {_frames_per_second(spec)}; aimed at {GOALS[kind]:g}"
    if kind in SPARSE:
        sparse = changed(spec, "acquisition", frames=SPARSE[kind])
        yield f"{name}, few frames over the whole path: {_frames_per_second(sparse)}"


def _frames_per_second(spec: Spec) -> str:
    """Rate of the second sweep of a spec."""
    start = time.process_time()
    make_sweep(spec, 1)
    frames = spec.acquisition.frames
    rate = frames / (time.process_time() - start)
    return f"{frames} frames, {rate:.3g} per processor second"


def peer_seconds(name: str, points: NDArray) -> str:
    """What a peer takes for one plane wave of 1,000 scatterers, in a process of its own."""
    with tempfile.NamedTemporaryFile(suffix=".npy") as file:
        np.save(file.name, points)
        command = [sys.executable, "-m", "tests.speed.peers", name, file.name]
        found = subprocess.run(command, capture_output=True, text=True, check=False)
    return found.stdout.strip() or f"{name} cannot be imported: skipped"


def main() -> None:
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors; one thread")
    rate, fourier = multiply_add_rate(), fourier_rate()
    print(f"multiply-add in the cache: {rate:.1f} GFLOP/s")
    print(f"memory: {bmode.triad_gb_per_s():.1f} GB/s; Fourier transforms: {fourier:.1f} GFLOP/s")
    print(engine_line(rate))
    for kind in GOALS:
        print(tissue_line(newest(kind)))
    print(photoacoustic_line(fourier))
    with tempfile.TemporaryDirectory() as folder:
        print(writing_line(Path(folder), disk_rate(Path(folder))))
    for kind in GOALS:
        for line in generation_lines(kind):
            print(line, flush=True)
    if "--peers" in sys.argv:
        beam = bmode.beam_for(bmode.TISSUE, bmode.PROBE, bmode.SETTINGS)
        points = bmode.image_plane_points(beam, bmode.oblique_sweep(1)[0])[0]
        some = points[:: max(1, len(points) // PEER_SCATTERERS)][:PEER_SCATTERERS]
        for name in ("pymust", "zea"):
            print(peer_seconds(name, some))


if __name__ == "__main__":
    main()
