"""Photoacoustic engines side by side: seconds, memory, and error against the exact propagator.

    python tests/speed/photoacoustic.py [--quick]

Every engine solves the same problem: two smooth absorbers, recorded along the probe face. Each row
runs in a process of its own, so that memory is its own; the best of its repetitions is given.
"""

import argparse
import multiprocessing
import resource
import time

import numpy as np
from scipy.ndimage import gaussian_filter

from simulate.photoacoustic.acoustics import SOURCE_SIGMA_CELLS, AcousticGrid

SPEED = 1540.0  # m/s


def problem(shape: tuple[int, ...], steps: int) -> tuple[np.ndarray, AcousticGrid]:
    """Return a source and its grid; a CFL number of 0.3, the customary choice of k-Wave."""
    source = np.zeros(shape, np.float32)
    middle = tuple(n // 2 for n in shape[1:])
    source[(shape[0] // 2, *middle)] = 1.0
    source[(shape[0] // 4, middle[0] // 2, *middle[1:])] = 0.5
    source = gaussian_filter(source, SOURCE_SIGMA_CELLS, mode="constant", truncate=5)
    time_step = 0.3 * 0.15e-3 / SPEED
    return source, AcousticGrid(0.15, shape, (0.0,) * len(shape), 4, time_step, steps)


def solve(engine: str, source: np.ndarray, grid: AcousticGrid) -> np.ndarray:
    """Return the sensor data of one engine."""
    weights = None
    if len(grid.shape) == 3:
        weights = np.zeros((1, grid.shape[2]))
        weights[0, grid.shape[2] // 2 - 10 : grid.shape[2] // 2 + 10] = 1 / 20
    if engine == "propagator":
        from simulate.photoacoustic import propagator

        return propagator.sensor_rows(
            source, grid.spacing_mm, SPEED, grid.time_step_s, grid.steps,
            sensor_row=grid.sensor_row, elevation_weights=weights,
        )  # fmt: skip
    from simulate.photoacoustic import kwave

    stock = engine == "k-Wave, stock"
    return kwave.sensor_rows(
        source, grid, SPEED, elevation_weights=weights, fast_fft=not stock,
        precision="float64" if stock else "float32",
    )  # fmt: skip


def measure(engine: str, shape: tuple[int, ...], steps: int, repeats: int) -> dict:
    """Return best seconds, memory above the start in MB, and the sensor data."""
    source, grid = problem(shape, steps)
    small, small_grid = problem((24,) * len(shape), 8)  # compile and import
    solve(engine, small, small_grid)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        data = solve(engine, source, grid)
        seconds.append(time.perf_counter() - start)
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {"seconds": min(seconds), "megabytes": (after - before) / 1024, "data": data}


def beamformer_seconds() -> float:
    """Return the best of ten delay-and-sums, 256 x 256 pixels of 128 elements, F/1."""
    from simulate.photoacoustic import beamform

    signals = np.random.default_rng(0).standard_normal((128, 2800)).astype(np.complex64)
    elements = (np.arange(128) - 63.5) * 0.3
    columns, rows = np.linspace(-19, 19, 256), np.linspace(0, 40, 256)
    seconds = []
    for _ in range(11):
        start = time.perf_counter()
        beamform.delay_and_sum(signals, 1.2e-8, elements, columns, rows, SPEED)
        seconds.append(time.perf_counter() - start)
    return min(seconds[1:])


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="only the 2D case")
    quick = parser.parse_args().quick
    cases = [((256, 256), 800)] + ([] if quick else [((64, 64, 64), 100), ((128, 96, 64), 200)])
    spawn = multiprocessing.get_context("spawn")
    print(
        f"{'engine':24}{'grid':>16}{'samples':>9}{'seconds':>10}{'MB':>8}{'error':>10}{'ratio':>8}"
    )
    for shape, steps in cases:
        found = {}
        for engine, repeats in (("propagator", 5), ("k-Wave, real FFT", 1), ("k-Wave, stock", 1)):
            if engine == "k-Wave, stock" and shape == (128, 96, 64):
                continue  # minutes
            with spawn.Pool(1) as pool:
                found[engine] = pool.apply(measure, (engine, shape, steps, repeats))
        exact = found["propagator"]
        for engine, result in found.items():
            error = np.linalg.norm(result["data"] - exact["data"]) / np.linalg.norm(exact["data"])
            print(
                f"{engine:24}{'x'.join(map(str, shape)):>16}{steps:>9}{result['seconds']:>10.3f}"
                f"{result['megabytes']:>8.0f}{error:>10.1e}"
                f"{result['seconds'] / exact['seconds']:>8.0f}"
            )
    with spawn.Pool(1) as pool:
        print(f"delay-and-sum, 256 x 256 from 128: {1e3 * pool.apply(beamformer_seconds):.1f} ms")


if __name__ == "__main__":
    main()
