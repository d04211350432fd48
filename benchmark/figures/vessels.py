"""Vessel trees side by side, from the skin and from the side: the truth and what was measured."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmark.figures.plot import AXES, new_figure, plain, save, style
from benchmark.figures.volumes import DEPTH_MAP, stadium
from benchmark.vessels.table import VesselTable
from benchmark.vessels.tree import VesselTree, measure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

VIEWS = ((2, 0), (2, 1))  # axes (to the right, downwards): from the skin, from the side


def vessel_trees(trees: Mapping[str, VesselTree], true: str, notes: Mapping[str, str]) -> "Figure":
    """Return every tree from the skin (above) and from the side, the true one's lines behind each.

    trees: by name, world mm; true: the name of the true one; notes: a line below each name.
    Colour is depth, width the diameter, both to scale.
    """
    points = np.concatenate([tree.points_mm for tree in trees.values() if len(tree)])
    low, high = points.min(0) - 1, points.max(0) + 1
    span = high - low
    with style():
        width = 13 / len(trees)
        heights = [span[down] for _, down in VIEWS]
        figure = new_figure(13, min(width * sum(heights) / span[2] + 1.4, 12))
        grid = figure.subplots(2, len(trees), squeeze=False, height_ratios=heights)
        for column, (name, tree) in enumerate(trees.items()):
            for row, (right, down) in enumerate(VIEWS):
                axes = grid[row][column]
                axes.set_facecolor("#101318")
                axes.set_aspect("equal")
                axes.set(xlim=(low[right], high[right]), ylim=(high[down], low[down]))
                if name != true:
                    _draw(axes, trees[true], right, down, None)
                _draw(axes, tree, right, down, (low[1], high[1]))
                axes.set_xlabel(AXES[right] if row else "")
                axes.set_ylabel(AXES[down] if column == 0 else "")
            note = notes.get(name, "")
            grid[0][column].set_title(plain(name) + (f"\n{note}" if note else "\n"))
    return figure


def _draw(axes: Any, tree: VesselTree, right: int, down: int, depths: Any) -> None:
    """Draw a tree's segments as wide as they are in mm; a thin grey line where depths are None."""
    import matplotlib
    from matplotlib.collections import LineCollection, PolyCollection

    edges = tree.edges
    if not len(edges):
        return
    ends = tree.points_mm[edges]
    flat = ends[..., [right, down]]
    if depths is None:
        axes.add_collection(LineCollection(list(flat), colors="#7c8696", linewidths=0.7))
        return
    radius = tree.radius_mm[edges].mean(1)
    share = (ends[..., 1].mean(1) - depths[0]) / (depths[1] - depths[0])
    shapes = [stadium(piece[0], piece[1], r, 9) for piece, r in zip(flat, radius, strict=True)]
    colours: Sequence[Any] = matplotlib.colormaps[DEPTH_MAP](share)
    axes.add_collection(PolyCollection(shapes, facecolors=colours, edgecolors="none", alpha=0.85))


def draw_table(folder: Path, table: VesselTable) -> Path:
    """Draw the true tree of the first sweep, that by true poses, and those of up to three runs."""
    sweep = table.rows[0].sweep
    rows = {row.poses: row for row in table.rows if row.sweep == sweep}
    truth = "true vessels"
    trees = {truth: table.trees[sweep]}
    notes = {truth: _note(asdict(measure(table.trees[sweep])))}
    for name, row in list(rows.items())[:4]:
        trees[name] = row.tree
        notes[name] = _note(row.measures)
    caption = (
        f"Vessels measured in the photoacoustic volume of sweep {sweep}, placed by its true poses "
        "and by those of trackers; colour is depth, width is diameter, thin lines are the truth."
    )
    figure = vessel_trees(trees, truth, notes)
    return save(figure, folder / "6-vessel-trees", "Vessels as measured", caption)


def _note(measures: Mapping[str, float | None]) -> str:
    """Return length and, where there is one, the distance of centrelines, as text."""
    away = measures.get("vessel_centreline_mean_mm")
    words = f"{measures['length_mm']:.0f} mm long"
    return words if away is None else f"{words}, {away:.2f} mm off"
