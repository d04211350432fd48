"""Figures of trajectories, drift and frames, and the style and saving common to all figures.

Every function takes arrays and returns a matplotlib figure (Agg, so no screen is needed); `save`
writes it with the title and caption that the leaderboard page shows. Matplotlib is imported when
the first figure is drawn. Points are in mm: x lateral, y into the body, z along the sweep.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmark.files import atomic_path, write_json

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TRUE_COLOUR = "#1a1a1a"
# Distinguishable under the common colour-vision deficiencies and in greyscale print.
COLOURS = ("#2f5fb3", "#c8501e", "#12806f", "#7d4cc2", "#a3770d", "#c0366f", "#4f7d17", "#127d96")
STYLE = {
    "font.size": 9.0,
    "font.family": "sans-serif",
    "axes.titlesize": 9.5,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#8a8a8a",
    "axes.linewidth": 0.7,
    "axes.labelcolor": "#444444",
    "xtick.color": "#666666",
    "ytick.color": "#666666",
    "legend.frameon": False,
    "grid.color": "#e3e3e3",
    "grid.linewidth": 0.6,
}
AXES = ("x, lateral (mm)", "y, depth (mm)", "z, along the sweep (mm)")


def new_figure(width: float, height: float) -> "Figure":
    """Return an empty figure (inches) bound to Agg and to no global state."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    return figure


def style() -> Any:
    """Return the context in which figures are drawn and saved in the common style."""
    import matplotlib

    return matplotlib.rc_context(STYLE)


def save(
    figure: "Figure",
    path: Path | str,
    title: str,
    caption: str,
    tracker: str | None = None,
    dpi: int = 130,
) -> Path:
    """Write a figure as PNG and its title and caption beside it as JSON; return the PNG's path.

    tracker: the tracker in whose section of the page it is shown; None for the front page.
    """
    path = Path(path)
    path = path.with_name(f"{path.name.removesuffix('.png')}.png")
    with style(), atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=dpi, format="png", metadata={"Software": None})
    write_json(path.with_suffix(".json"), {"title": title, "caption": caption, "tracker": tracker})
    return path


def trajectories(true: np.ndarray, predicted: Mapping[str, np.ndarray]) -> "Figure":
    """Return the path of the image centre, true and predicted, in 3D and from two sides.

    true (N, 3) and predicted[name] (M, 3) in first-frame mm; names become the legend.
    """
    with style():
        figure = new_figure(11, 4.6)
        grid = figure.add_gridspec(2, 2, width_ratios=(2, 3))
        space = figure.add_subplot(grid[:, 0], projection="3d")
        sides = [figure.add_subplot(grid[row, 1]) for row in (0, 1)]
        lines = [("truth", np.asarray(true), TRUE_COLOUR, 2.4)]
        for index, (name, points) in enumerate(predicted.items()):
            lines.append((name, np.asarray(points), COLOURS[index % len(COLOURS)], 1.5))
        for name, points, colour, width in lines:
            x, y, z = points.T
            label = plain(name)
            space.plot(x, z, y, color=colour, linewidth=width, label=label)
            space.scatter(x[-1:], z[-1:], y[-1:], color=colour, s=14)
            for axes, row in zip(sides, (0, 1), strict=True):
                axes.plot(z, points[:, row], color=colour, linewidth=width, label=label)
                axes.plot(z[-1:], points[-1:, row], "o", color=colour, markersize=4)
        _space_axes(space, [points for _, points, _, _ in lines])
        for axes, row, title in zip(sides, (0, 1), ("from above", "from the side"), strict=True):
            axes.set(xlabel=AXES[2] if row == 1 else "", ylabel=AXES[row], title=title)
            axes.grid(True)
            axes.set_aspect("equal", adjustable="datalim")
        sides[1].invert_yaxis()
        figure.legend(*sides[0].get_legend_handles_labels(), loc="outside lower center", ncols=6)
    return figure


def _space_axes(axes: Any, paths: Sequence[np.ndarray]) -> None:
    """Label the 3D axes (x, z, y down) and give all three one scale."""
    points = np.concatenate(paths)
    centre = (points.max(0) + points.min(0)) / 2
    half = max(float(np.ptp(points, axis=0).max()) / 2, 1e-3)
    axes.set_xlim(centre[0] - half, centre[0] + half)
    axes.set_ylim(centre[2] - half, centre[2] + half)
    axes.set_zlim(centre[1] + half, centre[1] - half)
    axes.set_box_aspect((1, 1, 1), zoom=0.9)
    axes.set(xlabel="x (mm)", ylabel="z (mm)", zlabel="y (mm)")
    axes.locator_params(nbins=4)
    axes.view_init(elev=22, azim=-58)
    for axis in (axes.xaxis, axes.yaxis, axes.zaxis):
        axis.set_pane_color((0.97, 0.97, 0.97, 1.0))


def plain(text: str) -> str:
    """Return text escaped for matplotlib, which hides "_..." in legends and reads "$" as maths."""
    text = text.replace("$", r"\$")
    return f" {text}" if text.startswith("_") else text


def drift(curves: Mapping[str, Sequence[tuple[np.ndarray, np.ndarray]]]) -> "Figure":
    """Return the position error against the true path length, per tracker.

    curves[name]: one (path_mm (K,), drift_mm (K,)) per sweep, both from 0. Thin lines are
    sweeps; the thick one is `mean_curve`.
    """
    with style():
        figure = new_figure(7.2, 4.2)
        axes = figure.add_subplot()
        for index, (name, sweeps) in enumerate(curves.items()):
            colour = COLOURS[index % len(COLOURS)]
            for path, error in sweeps:
                axes.plot(path, error, color=colour, linewidth=0.5, alpha=0.25)
            path, error = mean_curve(sweeps)
            axes.plot(path, error, color=colour, linewidth=2.2, label=plain(name))
        axes.set(xlabel="true path length (mm)", ylabel="position error of the image centre (mm)")
        axes.set_xlim(left=0)
        axes.set_ylim(bottom=0)
        axes.grid(True)
        if curves:
            axes.legend(loc="upper left")
    return figure


def mean_curve(
    curves: Sequence[tuple[np.ndarray, np.ndarray]], points: int = 60
) -> tuple[np.ndarray, np.ndarray]:
    """Return path (K,) and mean drift (K,) in mm over sweeps, up to their median length.

    Up to the end of the shortest sweep it is the mean. Beyond the end of a sweep the curve grows
    by the mean growth of the others, since a mean over changing members would jump.
    """
    if not curves:
        return np.zeros(0), np.zeros(0)
    ends = np.sort([path[-1] for path, _ in curves])
    grid = np.linspace(0, ends[(len(ends) - 1) // 2], points)
    rows = np.array([np.interp(grid, path, error, right=np.nan) for path, error in curves])
    growth = np.nanmean(np.diff(rows, axis=1), axis=0)
    return grid, np.nanmean(rows[:, 0]) + np.concatenate([[0.0], np.cumsum(growth)])


def montage(
    frames: np.ndarray,
    labels: Sequence[str] | None = None,
    columns: int = 6,
    mm_from_pixel: np.ndarray | None = None,
) -> "Figure":
    """Return frames (N, H, W) as a grid of images on one grey scale, each with its label.

    mm_from_pixel (4, 4) gives the pixels their true aspect; square pixels without it.
    """
    count, height, width = frames.shape
    columns = min(columns, count)
    rows = -(-count // columns)
    aspect = 1.0
    if mm_from_pixel is not None:
        side = np.linalg.norm(np.asarray(mm_from_pixel)[:3, :2], axis=0)
        aspect = float(side[1] / side[0])
    with style():
        cell = 11 / columns
        figure = new_figure(
            11, rows * (cell * height * aspect / width + (0.25 if labels else 0.05))
        )
        grid = figure.subplots(rows, columns, squeeze=False).ravel()
        low, high = float(frames.min()), float(frames.max())
        for index, axes in enumerate(grid):
            axes.set_axis_off()
            if index < count:
                axes.imshow(frames[index], cmap="gray", vmin=low, vmax=high, aspect=aspect)
                if labels is not None:
                    axes.set_title(plain(labels[index]))
    return figure
