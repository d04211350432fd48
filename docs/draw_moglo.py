"""Draw the attention scores of MoGLo-Net: `python docs/draw_moglo.py WEIGHTS DATA [--out FILE]`.

WEIGHTS is the folder of a trained run of `moglo` (or shipped weights), DATA a data set; frames are
from its validation split.
"""

import argparse
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import torch

from benchmark.dataset import open_dataset
from benchmark.registry import open_weights
from benchmark.sweep import Sweep
from moglo.inference import evaluating
from moglo.tracker import MoGLo
from simulate.dataset.pictures import save

IMAGES = Path(__file__).parent / "images"
SHOWN = 3  # sweeps


def scores(tracker: MoGLo, sweep: Sweep) -> np.ndarray:
    """Return the score maps (N - 1, rows, columns) in [0, 1] of the pairs of a sweep."""
    images = sweep.bmode
    grid = torch.tensor(images.mm_from_pixel, dtype=torch.double)
    placed = tracker._placed(grid[None], images.frames.shape[1:])
    frames = torch.from_numpy(np.asarray(images.frames)).float() / 255
    with evaluating(tracker.module()) as net:
        maps = net.encode_frames(tracker._input(frames[None], placed)[0])
        return net.encode_pairs(maps[:-1], maps[1:]).score.numpy()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("weights", type=Path)
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, default=IMAGES / "moglo-score.png")
    arguments = parser.parse_args()
    dataset = open_dataset(arguments.data)
    tracker = open_weights(arguments.weights)
    assert isinstance(tracker, MoGLo)
    sweeps = list(dataset.sweeps("val"))[:SHOWN]
    drawing, axes = plt.subplots(3, len(sweeps), figsize=(2.6 * len(sweeps), 7.4), squeeze=False)
    for column, sweep in zip(axes.T, sweeps, strict=True):
        draw_sweep(column, scores(tracker, sweep), sweep)
    drawing.tight_layout()
    save(drawing, arguments.out, colours=200)


def draw_sweep(axes: np.ndarray, maps: np.ndarray, sweep: Sweep) -> None:
    """Draw a frame, the score of the pair that ends there over it, and the mean of all scores."""
    index = len(maps) // 2
    frame = np.asarray(sweep.bmode.frames[index + 1])
    extent = (0, frame.shape[1], frame.shape[0], 0)
    axes[0].imshow(frame, cmap="gray", vmin=0, vmax=255, extent=extent)
    axes[0].set_title(f"{sweep.factors.get('subject', sweep.name)}, frame {index + 1}", fontsize=8)
    axes[1].imshow(frame, cmap="gray", vmin=0, vmax=255, extent=extent)
    shown = axes[1].imshow(maps[index], cmap="viridis", alpha=0.55, extent=extent)
    axes[1].set_title("score of the pair", fontsize=8)
    mean = axes[2].imshow(maps.mean(0), cmap="viridis", extent=extent)
    axes[2].set_title("mean score of the sweep", fontsize=8)
    for axis, drawn in zip(axes[1:], (shown, mean), strict=True):
        axis.figure.colorbar(drawn, ax=axis, fraction=0.045).ax.tick_params(labelsize=6)
    for axis in axes:
        axis.set_xticks([])
        axis.set_yticks([])


if __name__ == "__main__":
    main()
