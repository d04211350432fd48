"""Figures of one sweep's volume: maximum projections, depth in colour, the planes in space."""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from benchmark.plot import AXES, COLOURS, new_figure, plain, style
from benchmark.volume.projection import LOOKING_ALONG, Picture, depth_projection, maximum_projection
from benchmark.volume.reconstruct import Volume

if TYPE_CHECKING:
    from matplotlib.figure import Figure

VIEWS = {
    "z": "along z, as the frames lie",
    "x": "along x, from the side",
    "y": "along y, from the skin",
}
MOST_PLANES = 40
LETTERS = {"x": AXES[0], "y": AXES[1], "z": "z, elevational (mm)"}


def maxima(volume: Volume) -> "Figure":
    """Return the maximum projections along the volume's three axes, on one grey scale."""
    pictures = {axis: maximum_projection(volume, axis) for axis in VIEWS}
    low, high = np.percentile(volume.values[volume.known], (2, 99.9))
    with style():
        widths = [abs(p.across_mm[1] - p.across_mm[0]) + 1 for p in pictures.values()]
        heights = [abs(p.down_mm[1] - p.down_mm[0]) + 1 for p in pictures.values()]
        scale = 9.5 / sum(widths)
        figure = new_figure(11, min(max(heights) * scale, 6.0) + 0.8)
        grid = figure.subplots(1, 3, width_ratios=widths)
        for axes, (axis, picture) in zip(grid, pictures.items(), strict=True):
            axes.imshow(picture.pixels, cmap="gray", vmin=low, vmax=high, extent=_extent(picture))
            across, down = tuple(LOOKING_ALONG[axis])
            axes.set(xlabel=LETTERS[across], ylabel=LETTERS[down], title=VIEWS[axis])
    return figure


def depth_coded(volume: Volume) -> "Figure":
    """Return the projection from the skin whose colour is the depth of what is brightest.

    Brightness is the square root of the signal, so that weak deep vessels stay visible.
    """
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    root = replace(volume, values=np.sqrt(np.maximum(volume.values, 0)))
    picture = depth_projection(root)
    assert picture.depth_mm is not None
    with style():
        left, right, bottom, top = _extent(picture)
        height = 8.0 * abs(top - bottom) / max(abs(right - left), 1e-6)
        figure = new_figure(10, min(max(height, 2.0), 9.0) + 0.8)
        axes = figure.subplots()
        axes.imshow(picture.pixels, extent=_extent(picture))
        across, down = tuple(LOOKING_ALONG["y"])
        axes.set(xlabel=LETTERS[across], ylabel=LETTERS[down])
        bar = figure.colorbar(ScalarMappable(Normalize(*picture.depth_mm), "turbo"), ax=axes)
        bar.set_label(AXES[1])
        bar.ax.invert_yaxis()
    return figure


def planes(corners: Mapping[str, np.ndarray]) -> "Figure":
    """Return the outlines of frames in space, with the way of their centres.

    corners[name] (N, 4, 3): corner pixels in mm along the volume's axes, in the order of
    `placement.image_corners`. Of many frames some are drawn, the first one thickest.
    """
    with style():
        figure = new_figure(7.2, 5.8)
        axes = figure.add_subplot(projection="3d")
        every = []
        for index, (name, points) in enumerate(corners.items()):
            colour = COLOURS[index % len(COLOURS)]
            order = points[:, [0, 1, 3, 2, 0]][..., [0, 2, 1]]  # round the frame; y is drawn down
            step = max(1, len(points) // MOST_PLANES)
            for number, outline in enumerate(order[::step]):
                width = 1.8 if number == 0 else 0.5
                axes.plot(*outline.T, color=colour, linewidth=width, alpha=0.8)
            centre = points.mean(1)[:, [0, 2, 1]]
            axes.plot(*centre.T, color=colour, linewidth=2, label=plain(name))
            every.append(order.reshape(-1, 3))
        box = np.concatenate(every)
        middle, half = (box.max(0) + box.min(0)) / 2, max(np.ptp(box, axis=0).max() / 2, 1e-3)
        axes.set_xlim(middle[0] - half, middle[0] + half)
        axes.set_ylim(middle[1] - half, middle[1] + half)
        axes.set_zlim(middle[2] + half, middle[2] - half)
        axes.set_box_aspect((1, 1, 1), zoom=0.9)
        axes.set(xlabel="x (mm)", ylabel="z (mm)", zlabel="y (mm)")
        axes.legend(loc="upper left")
    return figure


def _extent(picture: Picture) -> tuple[float, float, float, float]:
    """Return the outer edges of a picture, not less than a tenth of a mm for a single voxel."""
    left, right, bottom, top = picture.extent
    across, down = (0.05 if a == b else 0.0 for a, b in ((left, right), (bottom, top)))
    return left - across, right + across, bottom + down, top - down
