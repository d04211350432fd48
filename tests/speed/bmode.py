"""Speed of the B-mode engine, beside the same algorithm in NumPy and a roofline.

Run as `python tests/speed/bmode.py`. Rates are the best of five on whatever else the machine is
doing; the load is printed, and a rate taken under foreign load is a lower bound. Beside it stands
the rate per second of processor time, which foreign load disturbs less. `tests/speed/limits.py`
has the other simulators.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import correlate1d

from simulate.bmode.render import beam_for, frame_source, image_maker, render_bmode
from simulate.bmode.settings import BmodeSettings
from simulate.iq.beam import Beam, scatterer_density
from simulate.iq.culling import needed_blocks
from simulate.iq.frames import make_frames
from simulate.iq.scatterers import ScattererStore
from simulate.probe.transducer import Probe
from simulate.tissue.uniform import UniformTissue

FRAMES = 48
SETTINGS = BmodeSettings(scatterers_per_cell=10.0, noise_db=-40.0)
TISSUE = UniformTissue(key=1)
PROBE = Probe()  # 5 MHz, 256 x 256 pixels, 38 x 40 mm


def oblique_sweep(frames: int, step_mm: float = 0.1) -> NDArray[np.float64]:
    """Poses tilted about all three axes, advancing along z."""
    a, b, c = 0.15, 0.1, 0.05
    about_x = np.array([[1, 0, 0], [0, np.cos(a), -np.sin(a)], [0, np.sin(a), np.cos(a)]])
    about_y = np.array([[np.cos(b), 0, np.sin(b)], [0, 1, 0], [-np.sin(b), 0, np.cos(b)]])
    about_z = np.array([[np.cos(c), -np.sin(c), 0], [np.sin(c), np.cos(c), 0], [0, 0, 1]])
    poses = np.tile(np.eye(4), (frames, 1, 1))
    poses[:, :3, :3] = about_z @ about_y @ about_x
    poses[:, 2, 3] = step_mm * np.arange(frames)
    return poses


def best_of(action: Callable[[], object], repetitions: int = 5) -> tuple[float, float]:
    """Shortest wall and processor time of an action after one run to warm up, seconds."""
    action()
    times = []
    for _ in range(repetitions):
        wall, cpu = time.perf_counter(), time.process_time()
        action()
        times.append((time.perf_counter() - wall, time.process_time() - cpu))
    return min(t for t, _ in times), min(t for _, t in times)


def image_plane_points(beam: Beam, pose: NDArray) -> tuple[NDArray, NDArray]:
    """Positions in the image frame and amplitudes of the scatterers one frame hears."""
    store = ScattererStore(TISSUE, scatterer_density(PROBE, 10.0))
    blocks = needed_blocks(np.linalg.inv(pose), beam, store.block_mm)
    drawn = [store.points(tuple(block)) for block in blocks]
    points = (np.concatenate([p for p, _ in drawn]) - pose[:3, 3]) @ pose[:3, :3]
    x, y, z = points.T
    grid = beam.grid
    heard = (np.abs(_lens_weight(beam, y, z)) > 0.0) & (y > 0)
    column, row = (x - grid.first_column) / grid.column_step, (y - grid.first_row) / grid.row_step
    heard &= (column >= 1) & (column < grid.columns - 2) & (row >= 1) & (row < grid.rows - 2)
    return points[heard], np.concatenate([a for _, a in drawn])[heard]


def numpy_frame(points: NDArray, amplitudes: NDArray, beam: Beam) -> NDArray:
    """Splat and filters in float64 NumPy and SciPy, given the scatterers: IQ of one frame."""
    x, y, z = points.T
    grid = beam.grid
    phase = -2j * np.pi * (beam.carrier[0] * y + beam.carrier[1] * y**2)
    weight = amplitudes * np.exp(phase) * _lens_weight(beam, y, z)
    column, row = (x - grid.first_column) / grid.column_step, (y - grid.first_row) / grid.row_step
    left, above = column.astype(int), row.astype(int)
    across, down = _cubic(column - left), _cubic(row - above)
    size = grid.rows * grid.columns
    samples = np.zeros(size, complex)
    for i in range(4):
        for j in range(4):
            where = (above + i - 1) * grid.columns + left + j - 1
            value = weight * down[i] * across[j]
            samples += np.bincount(where, value.real, size)
            samples += 1j * np.bincount(where, value.imag, size)
    image = correlate1d(samples.reshape(grid.rows, grid.columns), beam.axial_taps, axis=0)
    image = image[grid.border_rows : -grid.border_rows]
    taps = beam.lateral_taps[-1, :, 0] + 1j * beam.lateral_taps[-1, :, 1]  # of the middle, for all
    out = np.stack(
        [np.convolve(line, own[::-1], "same") for line, own in zip(image, taps, strict=True)]
    )
    inner = out[:, grid.border_columns : -grid.border_columns]
    return inner * beam.gain


def _lens_weight(beam: Beam, depth: NDArray, elevation: NDArray) -> NDArray:
    """Complex weights of the lens's table, as the engine takes them."""
    lens = beam.lens
    assert lens is not None
    level = np.clip(depth * lens.levels_per_mm + 0.5, 0, len(lens.values) - 1).astype(int)
    place = np.abs(elevation) * lens.places_per_mm[level]
    inner = np.minimum(place.astype(int), lens.values.shape[1] - 2)
    share = np.clip(place - inner, 0.0, 1.0)[:, None]
    weight = (1.0 - share) * lens.values[level, inner] + share * lens.values[level, inner + 1]
    return weight[:, 0] + 1j * weight[:, 1]


def _cubic(f: NDArray) -> list[NDArray]:
    return [
        (1 - f) ** 3 / 6,
        (3 * f**3 - 6 * f**2 + 4) / 6,
        (-3 * f**3 + 3 * f**2 + 3 * f + 1) / 6,
        f**3 / 6,
    ]


def engine(poses: NDArray, settings: BmodeSettings = SETTINGS) -> dict[int, tuple[float, float]]:
    """Frames per second and per processor second by threads; scatterers drawn beforehand.

    Number 0: on two threads, all scatterers drawn anew.
    """
    beam = beam_for(TISSUE, PROBE, settings)
    source = frame_source(TISSUE, PROBE, settings, beam, poses, seed=3)
    make_image = image_maker(PROBE, settings, beam)
    images = np.empty((len(poses), PROBE.height_px, PROBE.width_px), np.uint8)

    def sweep(threads: int) -> None:
        def keep(frame: int, data: NDArray) -> None:
            make_image(data, images[frame], 0.0)

        for _ in make_frames(source, keep, threads):
            pass

    taken = {n: best_of(lambda n=n: sweep(n)) for n in (1, 2)}
    taken[0] = best_of(lambda: render_bmode(TISSUE, PROBE, settings, poses, seed=3, threads=2), 2)
    return {n: (len(poses) / wall, len(poses) / cpu) for n, (wall, cpu) in taken.items()}


def triad_gb_per_s() -> float:
    """Memory bandwidth of one thread."""
    a, b = np.zeros(8_000_000, np.float32), np.ones(8_000_000, np.float32)
    return 3 * a.nbytes / best_of(lambda: np.add(a, b, out=a))[0] / 1e9


def operations_per_frame(heard: int, beam: Beam) -> float:
    """Multiplications and additions of a frame that hears so many scatterers.

    Per scatterer heard: 45 to transform and weigh (on 1.6 times as many), 80 to splat.
    """
    filters = 4 * (len(beam.axial_taps) + 2 * beam.lateral_taps.shape[3])
    return heard * (1.6 * 45 + 80) + beam.grid.rows * beam.grid.columns * filters


def main() -> None:
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
    beam = beam_for(TISSUE, PROBE, SETTINGS)
    poses = oblique_sweep(FRAMES)
    points, amplitudes = image_plane_points(beam, poses[0])
    count = len(points)
    rates = engine(poses)
    print(f"engine, {count} scatterers a frame, 256 x 256, 5 MHz, oblique, 0.1 mm a frame:")
    for threads in (1, 2):
        rate, per_cpu = rates[threads]
        print(
            f"  {threads} thread(s): {rate:6.1f} frames/s, {rate * count / 1e6:.0f} M scatterers/s;"
            f" {per_cpu:.1f} frames per processor second"
        )
    print(
        f"  2 threads, drawing all scatterers anew: {rates[0][0]:.1f} frames/s; "
        f"{rates[0][1]:.1f} per processor second"
    )
    fast = engine(oblique_sweep(FRAMES, 0.5))[0]
    print(f"  the same, 0.5 mm a frame: {fast[0]:.1f} frames/s; {fast[1]:.1f} per processor second")
    thin = engine(poses, replace(SETTINGS, depth_adaptive=True))
    print(
        f"  depth-adaptive: {thin[1][0]:.1f} and {thin[2][0]:.1f} frames/s on 1 and 2 threads; "
        f"{thin[1][1]:.1f} per processor second"
    )

    per_cpu = rates[1][1]
    slow = best_of(lambda: numpy_frame(points, amplitudes, beam), 2)[1]
    print(f"NumPy, same sum, scatterers given: {1 / slow:.2f} frames/s, x {per_cpu * slow:.0f}")

    operations = operations_per_frame(count, beam)
    moved = 1.6 * 16 * count + 3 * 8 * beam.grid.rows * beam.grid.columns
    bandwidth = triad_gb_per_s()
    print(
        f"roofline, 1 thread: {operations / 1e6:.0f} MFLOP and {moved / 1e6:.0f} MB a frame, "
        f"{operations * per_cpu / 1e9:.1f} GFLOP per processor second reached; "
        f"{bandwidth:.1f} GB/s would allow {1e9 * bandwidth / moved:.0f} frames/s"
    )


if __name__ == "__main__":
    main()
