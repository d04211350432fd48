"""Split the drift of trained runs into parts and draw estimated against true tilt.

    python docs/draw_drift.py DATA RUN... [--split val]

DATA: a data set; RUN: folders of trained runs on it. For each run it prints the drift of the last
frame: as estimated, with the mean error of each sweep removed, with that mean error alone, and with
one degree of freedom from the tracker and the others from the truth. It draws, and prints the slope
of, the mean estimated tilt (about the lateral axis) against the true one, by length of the step.
Last it prints the correlation of the sweeps' mean tilt errors between runs.
"""

import argparse
from itertools import pairwise
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from baselines.parts.motion import centre_motion, steps_from_centre_motion, true_motion
from benchmark import geometry
from benchmark.dataset import open_dataset
from benchmark.metrics import Case
from benchmark.metrics.drift import fdr_path
from benchmark.registry import open_weights
from benchmark.sweep import Sweep

STEPS_MM = (0.05, 0.15, 0.2, 0.25, 0.3, 0.45)  # edges of the bins of elevational steps
TILTS_DEG = np.arange(-0.6, 0.71, 0.1) - 0.05
FEWEST = 20  # frames in a bin that is shown
CENTRE = 0  # the point of drift metrics that is the image centre


def drift(sweep: Sweep, motion: np.ndarray) -> float:
    """Return the final drift, % of the path, of centre motion (N-1, 6), mm and rad."""
    images = sweep.bmode
    steps = steps_from_centre_motion(images, motion)
    return fdr_path(
        Case(
            sweep.first_from_frame,
            geometry.chain(steps),
            images.mm_from_pixel,
            images.frames.shape[1:],  # type: ignore[arg-type]
        ),
        CENTRE,
    )


def parted(sweeps: list[Sweep], told: list[np.ndarray]) -> dict[str, float]:
    """Return the mean drift, %, as estimated and with parts of the error left out."""
    parts: dict[str, list[float]] = {}
    for sweep, motion in zip(sweeps, told, strict=True):
        true = true_motion(sweep)
        mean = (motion - true).mean(0)
        kept = {"x": [0], "y": [1], "z": [2], "about x": [3], "about y": [4], "about z": [5]}
        cases = {"all": motion, "less mean": motion - mean, "mean alone": true + mean}
        for name, chosen in kept.items():
            cases[name] = np.where(np.isin(np.arange(6), chosen), motion, true)
        for name, case in cases.items():
            parts.setdefault(name, []).append(drift(sweep, case))
    return {name: float(np.mean(values)) for name, values in parts.items()}


def draw(axes: plt.Axes, title: str, true: np.ndarray, told: np.ndarray) -> None:
    """Draw mean estimated against true tilt (degrees), a line for each length of step."""
    axes.plot(TILTS_DEG[[0, -1]], TILTS_DEG[[0, -1]], color="0.7", lw=1)
    tilt, answer = np.rad2deg(true[:, 3]), np.rad2deg(told[:, 3])
    for low, high in pairwise(STEPS_MM):
        inside = (true[:, 2] >= low) & (true[:, 2] < high)
        slope = np.polyfit(tilt[inside], answer[inside], 1)[0]
        points = []
        for left, right in pairwise(TILTS_DEG):
            chosen = inside & (tilt >= left) & (tilt < right)
            if chosen.sum() >= FEWEST:
                points.append((tilt[chosen].mean(), answer[chosen].mean()))
        axes.plot(*np.array(points).T, marker="o", ms=3, label=f"{low:g} to {high:g} mm")
        print(f"  steps of {low:g} to {high:g} mm: slope {slope:.2f} of {inside.sum()} frames")
    axes.set(title=title, xlabel="true tilt, degrees per frame")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("runs", type=Path, nargs="+")
    parser.add_argument("--split", default="val")
    parser.add_argument("--out", type=Path, default=Path("docs/images/drift.png"))
    options = parser.parse_args()
    dataset = open_dataset(options.data)
    sweeps = list(dataset.sweeps(options.split))
    figure, axes = plt.subplots(
        1, len(options.runs), figsize=(3.4 * len(options.runs), 3.4), sharey=True, squeeze=False
    )
    errors: list[list[float]] = []
    for place, folder in zip(axes[0], options.runs, strict=True):
        tracker = open_weights(folder)
        told = [
            centre_motion(one.bmode, tracker.track(one.observe(tracker.reads)).prev_from_frame)
            for one in sweeps
        ]
        print(f"{folder.name}, drift in % of the path")
        print("  " + ", ".join(f"{k} {v:.2f}" for k, v in parted(sweeps, told).items()))
        true = np.concatenate([true_motion(one) for one in sweeps])
        draw(place, tracker.name, true, np.concatenate(told))
        errors.append(
            [(m - true_motion(one)).mean(0)[3] for m, one in zip(told, sweeps, strict=True)]
        )
    if len(errors) > 1:
        print("correlation of the sweeps' mean tilt errors between runs")
        print(np.round(np.corrcoef(errors), 2))
    axes[0, 0].set_ylabel("told, mean")
    axes[0, -1].legend(title="elevational step", fontsize=7, title_fontsize=7)
    figure.tight_layout()
    figure.savefig(options.out, dpi=110)


if __name__ == "__main__":
    main()
