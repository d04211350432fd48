"""What a tracker's steps out of the plane are too long or too short by, sweep by sweep, and why.

Run as `python tests/studies/scale.py DATA RUN`, where RUN is the folder of a run that has tracked
DATA. The scale of a sweep is the sum of the sizes of predicted elevational steps over that of the
true ones, of the image centre. Sweeps count in which at least 0.6 of the path is elevational and
the path is 6 mm or more. Printed: median and spread of the scale's logarithm by kind of test sweep,
and its rank correlation with each number that was drawn for the sweep, largest first.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd

from benchmark import geometry
from benchmark.dataset import open_dataset
from benchmark.hdf5 import read_prediction
from benchmark.sweep import Prediction, Sweep

LEAST_PATH_MM, LEAST_SHARE = 6.0, 0.6
LEAST_SCALE = 0.05  # smaller scales count as this
SHOWN = 12


def log_scale(sweep: Sweep, prediction: Prediction) -> float | None:
    """Return the logarithm of predicted over true size of elevational steps, where they count."""
    centre = sweep.bmode.centre_mm
    true = geometry.about(centre, sweep.prev_from_frame)[:, :3, 3]
    poses = prediction.first_from_frame
    found = geometry.about(centre, geometry.relative(poses))[:, :3, 3]
    path, across = np.linalg.norm(true, axis=1).sum(), np.abs(true[:, 2]).sum()
    if path < LEAST_PATH_MM or across < LEAST_SHARE * path:
        return None
    return float(np.log(max(np.abs(found[:, 2]).sum() / across, LEAST_SCALE)))


def scales(data: Path, run: Path) -> pd.DataFrame:
    """Return a row per test sweep that counts: log scale, kind, and numbers drawn for it."""
    rows = []
    for sweep in open_dataset(data).sweeps("test"):
        found = log_scale(sweep, read_prediction(run / "predictions" / f"{sweep.name}.h5"))
        if found is not None:
            drawn = {k: v for k, v in sweep.factors.items() if isinstance(v, int | float)}
            rows.append({"log scale": found, "kind": sweep.factors.get("factor", "all"), **drawn})
    return pd.DataFrame(rows)


def main(data: str, run: str) -> None:
    table = scales(Path(data), Path(run))
    told = table.groupby("kind")["log scale"].agg(["count", "median", "std"])
    print(told.round(2).to_string(), "\n")
    drawn = table.drop(columns=["log scale", "kind"]).dropna(axis=1, thresh=len(table) // 2)
    drawn = drawn.loc[:, drawn.nunique() > 1]
    ranks = drawn.corrwith(table["log scale"], method="spearman").dropna()
    print(
        ranks.reindex(ranks.abs().sort_values(ascending=False).index)[:SHOWN].round(2).to_string()
    )


if __name__ == "__main__":
    main(*sys.argv[1:3])
