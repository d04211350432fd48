"""Figures of volumes: of several on one grid (true poses beside a tracker's), and of one alone.

Volumes have axes (x, y, z): x lateral, y into the body, z along the sweep; lengths are in mm.
`plot.save` writes these figures too.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmark.figures.plot import AXES, COLOURS, new_figure, plain, style
from benchmark.volume.projection import LOOKING_ALONG, Picture, depth_projection, maximum_projection
from benchmark.volume.reconstruction import Volume

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# (axis to the right, axis downwards, name) of the three orthogonal views.
VIEWS = ((0, 1, "image plane, x–y"), (2, 1, "along the sweep, z–y"), (2, 0, "from above, z–x"))
DEPTH_MAP = "turbo"
# Titles of maximum projections, by axis.
SIDES = {
    "z": "along z, as the frames lie",
    "x": "along x, from the side",
    "y": "along y, from the skin",
}
LETTERS = {"x": AXES[0], "y": AXES[1], "z": "z, elevational (mm)"}
MOST_PLANES = 40


def slices(
    volumes: Mapping[str, np.ndarray],
    voxel_mm: Sequence[float] | np.ndarray,
    at: tuple[int, int, int] | None = None,
) -> "Figure":
    """Return orthogonal slices of volumes on one grid, a row each: true poses, a tracker's poses.

    volumes[name] (X, Y, Z), all of one shape; voxel_mm (3,); at: voxel where the planes cross,
    the middle by default. One grey scale holds for all, so rows can be compared. NaN (no image
    there) is drawn as a neutral tone.
    """
    first = next(iter(volumes.values()))
    size = np.array(first.shape) * np.asarray(voxel_mm)
    cross = tuple(n // 2 for n in first.shape) if at is None else at
    seen = np.concatenate([v[np.isfinite(v)].ravel()[::7] for v in volumes.values()])
    low, high = np.percentile(seen, (1, 99.7)) if seen.size else (0.0, 1.0)
    with style():
        figure, grid = _view_grid(len(volumes), size)
        for row, (name, volume) in enumerate(volumes.items()):
            for column, (across, down, title) in enumerate(VIEWS):
                axes = grid[row][column]
                cut = 3 - across - down
                plane = volume.transpose(cut, down, across)[cross[cut]]
                axes.imshow(
                    np.ma.masked_invalid(plane),
                    cmap=_grey(),
                    vmin=low,
                    vmax=high,
                    extent=(0, size[across], size[down], 0),
                )
                axes.set_title(title if row == 0 else "")
                axes.set(xlabel=AXES[across] if row == len(volumes) - 1 else "", ylabel=AXES[down])
            grid[row][0].set_ylabel(f"{plain(name)}\n{AXES[1]}")
    return figure


def _grey() -> Any:
    import matplotlib

    return matplotlib.colormaps["gray"].with_extremes(bad="#5b6470")


def _view_grid(rows: int, size: np.ndarray) -> tuple["Figure", Any]:
    """Return a figure with `rows` rows of the three views, columns as wide as their content."""
    widths = [float(size[across]) for across, _, _ in VIEWS]
    heights = max(float(size[down]) for _, down, _ in VIEWS)
    scale = 9.5 / sum(widths)
    figure = new_figure(11, rows * (min(heights * scale, 4.5) + 0.75))
    return figure, figure.subplots(rows, 3, squeeze=False, width_ratios=widths)


def projections(
    volumes: Mapping[str, np.ndarray],
    voxel_mm: Sequence[float] | np.ndarray,
    branches: Sequence[tuple[np.ndarray, np.ndarray]],
    origin_mm: Sequence[float] | np.ndarray = (0.0, 0.0, 0.0),
) -> "Figure":
    """Return maximum-intensity and depth-coded projections of PA volumes beside the true tree.

    volumes[name] (X, Y, Z) >= 0 (NaN: not seen), all of one shape and seen along y (from the
    skin); voxel_mm (3,); origin_mm (3,): centre of voxel (0, 0, 0). branches: one (points (P, 3),
    radii (P,)) in mm per vessel, in the volumes' frame. Colour is depth, brightness is signal.
    """
    first = next(iter(volumes.values()))
    voxel, origin = np.asarray(voxel_mm, float), np.asarray(origin_mm, float)
    low = origin - voxel / 2
    high = low + voxel * np.array(first.shape)
    extent = (low[2], high[2], high[0], low[0])
    with style():
        ratio = (high[0] - low[0]) / (high[2] - low[2])
        columns = len(volumes) + 1
        width = 3.4 if columns > 2 else 4.6
        figure = new_figure(width * columns + 0.8, 2 * (min(width * ratio, 4.5) + 0.75))
        grid = figure.subplots(2, columns, squeeze=False)
        top = max(float(np.nanmax(volume, initial=0)) for volume in volumes.values()) or 1.0
        for column, (name, volume) in enumerate(volumes.items()):
            strongest, depth = _depth_projection(volume, low[1], voxel[1])
            share = np.clip(strongest / top, 0, 1)
            grid[0][column].imshow(share, cmap="magma", vmin=0, vmax=1, extent=extent)
            grid[1][column].imshow(_depth_colours(share, depth, low[1], high[1]), extent=extent)
            grid[0][column].set_title(f"{plain(name)}: maximum intensity")
            grid[1][column].set_title(f"{plain(name)}: depth-coded")
        for row, coded in enumerate((False, True)):
            _draw_tree(grid[row][-1], branches, (low[1], high[1]), extent, coded)
        for axes in grid.ravel():
            axes.set(xlabel=AXES[2], xlim=extent[:2], ylim=extent[2:])
        for axes in grid[:, 0]:
            axes.set_ylabel(AXES[0])
        _depth_bar(figure, grid[1].tolist(), low[1], high[1])
    return figure


def _depth_projection(volume: np.ndarray, top: float, step: float) -> tuple[Any, Any]:
    """Return the strongest signal (X, Z) along y and the depth in mm (X, Z) where it lies."""
    filled = np.nan_to_num(volume, nan=0.0)
    index = filled.argmax(1)
    strongest = np.take_along_axis(filled, index[:, None], 1)[:, 0]
    return strongest, top + (index + 0.5) * step


def _depth_colours(share: np.ndarray, depth: np.ndarray, low: float, high: float) -> np.ndarray:
    import matplotlib

    hue = matplotlib.colormaps[DEPTH_MAP]((depth - low) / (high - low))[..., :3]
    return hue * np.sqrt(share)[..., None]  # square root: weak deep vessels stay visible


def _draw_tree(axes: Any, branches: Any, depths: Any, extent: Any, coded: bool) -> None:
    """Draw vessels from above, true to size: stadium-shaped pieces as wide as the vessel."""
    import matplotlib
    from matplotlib.collections import PolyCollection

    axes.set_facecolor("black")
    axes.set_title("true vessels: depth-coded" if coded else "true vessels")
    axes.set_aspect("equal")
    shapes, colours = [], []
    for points, radii in branches:
        p, r = np.asarray(points, float), np.asarray(radii, float)
        for a, b, radius in zip(p[:-1], p[1:], (r[:-1] + r[1:]) / 2, strict=True):
            shapes.append(stadium(a[[2, 0]], b[[2, 0]], radius))
            middle = ((a[1] + b[1]) / 2 - depths[0]) / (depths[1] - depths[0])
            colours.append(matplotlib.colormaps[DEPTH_MAP](middle) if coded else "#e8e2d8")
    axes.add_collection(PolyCollection(shapes, facecolors=colours, edgecolors="none"))
    axes.set(xlim=extent[:2], ylim=extent[2:])


def stadium(start: np.ndarray, end: np.ndarray, radius: float, cap_points: int = 13) -> np.ndarray:
    """Return the outline (2 cap_points, 2) of all points within `radius` of a plane segment."""
    angle = np.arctan2(*(end - start)[::-1])
    turn = angle + np.linspace(-np.pi / 2, np.pi / 2, cap_points)
    cap = radius * np.stack([np.cos(turn), np.sin(turn)], -1)
    return np.concatenate([end + cap, start - cap])


def _depth_bar(figure: "Figure", axes: list[Any], low: float, high: float) -> None:
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    bar = figure.colorbar(
        ScalarMappable(Normalize(low, high), DEPTH_MAP), ax=axes, fraction=0.03, pad=0.01
    )
    bar.set_label(AXES[1])
    bar.ax.spines["outline"].set_visible(False)
    bar.ax.invert_yaxis()


def maxima(volume: Volume) -> "Figure":
    """Return the maximum projections along the volume's three axes, on one grey scale."""
    pictures = {axis: maximum_projection(volume, axis) for axis in SIDES}
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
            axes.set(xlabel=LETTERS[across], ylabel=LETTERS[down], title=SIDES[axis])
    return figure


def depth_coded(volume: Volume) -> "Figure":
    """Return the projection from the skin, its colour the depth of the brightest voxel.

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
    """Return the outlines of frames in space, with the path of their centres.

    corners[name] (N, 4, 3): corner pixels in mm along the volume's axes, in the order of
    `grid.image_corners`. Long sweeps are thinned out; the first frame is drawn thickest.
    """
    with style():
        figure = new_figure(7.2, 5.8)
        axes = figure.add_subplot(projection="3d")
        every = []
        for index, (name, points) in enumerate(corners.items()):
            colour = COLOURS[index % len(COLOURS)]
            order = points[:, [0, 1, 3, 2, 0]][..., [0, 2, 1]]  # around the frame; y is drawn down
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
    """Return the outer edges of a picture, a tenth of a mm apart where it is one voxel wide."""
    left, right, bottom, top = picture.extent
    across, down = (0.05 if a == b else 0.0 for a, b in ((left, right), (bottom, top)))
    return left - across, right + across, bottom + down, top - down
