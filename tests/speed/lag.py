"""How well the lag between poses and images is found in sweeps.

    python tests/speed/lag.py data/small-v2/sweeps/*.h5

The true poses of every sweep are made 80 ms late; printed are the errors, in frames, of the lags
that are told. The 64 sweeps of small-v2 take about a minute.
"""

import argparse
from pathlib import Path

import numpy as np

from benchmark.hdf5 import read_sweep
from benchmark.interop.poses.lag import estimate_lag
from benchmark.interop.poses.table import PoseTable

LATE_S = 0.08


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sweeps", type=Path, nargs="+")
    paths = parser.parse_args().sweeps
    errors, ratios = [], []
    for path in paths:
        bmode = read_sweep(path, lazy=True).bmode
        table = PoseTable(path, bmode.world_from_image, bmode.timestamps + LATE_S)
        found = estimate_lag(bmode, table)
        if found.doubt is None:
            errors.append((found.lag_s - LATE_S) / float(np.median(np.diff(bmode.timestamps))))
            ratios.append((found.lag_s - LATE_S) / found.sigma_s)
    print(f"{len(errors)} of {len(paths)} lags told")
    if errors:
        rms, ratio = (np.sqrt(np.mean(np.square(values))) for values in (errors, ratios))
        print(f"error: rms {rms:.2f} frames, largest {np.abs(errors).max():.2f}")
        print(f"rms of error / stated standard deviation: {ratio:.2f}")


if __name__ == "__main__":
    main()
