"""Frames per second of the reconstruction, beside a numpy version of the same sums, in one run.

    python tests/speed/volume.py [--frames 100] [--threads 2]

480 x 640 frames of a hand-held sweep into a volume of 256^3. The numpy version is what one would
write with `np.add.at`; it sees fewer frames, since it is slow, and must give the same volume.
Holes are filled in the time given. Frames per core-second do not depend on what else runs.
"""

import argparse
import time

import numpy as np

from benchmark import geometry
from benchmark.sweep import Images
from benchmark.volume.reconstruction import Volume, reconstruct

SIZE, SPACING = 256, 0.15
ROWS, COLUMNS = 480, 640


def sweep(count: int) -> tuple[Images, np.ndarray]:
    """Return random frames of 38 x 38 mm and the poses (count, 4, 4) of a gently turning hand."""
    rng = np.random.default_rng(0)
    frames = rng.integers(0, 256, (count, ROWS, COLUMNS), dtype=np.uint8)
    path = np.linspace(0, 1, count)
    values = np.zeros((count, 6))
    values[:, 0], values[:, 2] = 2 * np.sin(9 * path), 37 * path
    values[:, 3], values[:, 4] = 0.1 * np.sin(5 * path), 0.1 * np.cos(7 * path)
    images = Images(frames, np.arange(count) / 30, np.diag([38 / COLUMNS, 38 / ROWS, 1, 1]))
    return images, geometry.from_degrees_of_freedom(values)


def with_add_at(images: Images, poses: np.ndarray, volume: Volume, method: str) -> np.ndarray:
    """Return the mean volume (X, Y, Z) by numpy's unbuffered addition, on the same grid."""
    rows, columns = images.frames.shape[1:]
    x, y = np.meshgrid(np.arange(columns), np.arange(rows))
    pixels = np.stack([x.ravel(), y.ravel(), 0 * x.ravel()], 1).astype(float)
    voxel_from_pixel = np.linalg.inv(volume.world_from_voxel) @ poses @ images.mm_from_pixel
    shape = volume.values.shape
    sums, weights = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
    corners = np.argwhere(np.ones((2, 2, 2))) if method == "trilinear" else [np.zeros(3, int)]
    for frame, matrix in zip(images.frames, voxel_from_pixel, strict=True):
        places = geometry.apply(matrix, pixels)
        base = np.floor(places + (0 if method == "trilinear" else 0.5)).astype(int)
        for corner in corners:
            at = base + corner
            share = np.ones(len(at))
            if method == "trilinear":
                share = (1 - np.abs(places - at)).prod(1)
            inside = ((at >= 0) & (at < shape)).all(1)
            keys = tuple(at[inside].T)
            np.add.at(sums, keys, (share * frame.ravel())[inside].astype(np.float32))
            np.add.at(weights, keys, share[inside].astype(np.float32))
    return np.divide(sums, weights, where=weights > 1e-6, out=np.zeros_like(sums))


def main() -> None:
    """Print one line per method."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=int, default=100)
    parser.add_argument("--numpy-frames", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    images, poses = sweep(options.frames)
    few = slice(0, options.numpy_frames)
    some = Images(images.frames[few], images.timestamps[few], images.mm_from_pixel)
    edge = (SIZE - 1) * SPACING
    region = [[0, 0, 0], [edge, edge, edge]]
    print(f"{options.frames} frames of {ROWS} x {COLUMNS} into {SIZE}^3, {options.threads} threads")
    for method in ("nearest", "trilinear", "backward"):
        for compounding in ("mean", "max", "latest"):
            how = {"spacing_mm": SPACING, "method": method, "compounding": compounding}
            how |= {"region": region, "threads": options.threads}
            reconstruct(some, poses[few], **how)  # compiles
            start, busy = time.perf_counter(), time.process_time()
            reconstruct(images, poses, **how)
            rate = options.frames / (time.perf_counter() - start)
            per_core = options.frames / (time.process_time() - busy)
            line = f"{method:10s} {compounding:7s} {rate:5.0f} frames/s {per_core:5.0f} per core-s"
            if compounding == "mean" and method != "backward":
                small = reconstruct(some, poses[few], fill_holes_mm=0, **how)
                busy = time.process_time()
                slow = with_add_at(some, poses[few], small, method)
                numpy_rate = len(some.frames) / (time.process_time() - busy)
                worst = np.abs(slow - small.values)[small.weight > 1e-2].max()
                line += (
                    f"   np.add.at {numpy_rate:.1f} per core-s, {per_core / numpy_rate:.0f} times"
                )
                line += f" slower; differ by at most {worst:.1g} of 255"
            print(line, flush=True)


if __name__ == "__main__":
    main()
