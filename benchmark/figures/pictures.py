"""Pictures of one reconstructed volume on disk: PNG files and an html view."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmark.figures import volumes
from benchmark.figures.plot import style
from benchmark.files import atomic_path
from benchmark.volume.reconstruction import Volume
from benchmark.volume.view import write_view

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def write_pictures(
    stem: Path | str,
    volume: Volume,
    name: str,
    corners: Mapping[str, np.ndarray],
    facts: Mapping[str, Any],
    *,
    depth_coded: bool = False,
) -> list[Path]:
    """Write pictures and the html view of a volume; return their paths.

    <stem>-slices.png: three orthogonal planes; -maxima.png: maximum projections along the axes;
    -poses.png: the frames' outlines in space; -depth.png (with `depth_coded`): projection from the
    skin, its colour the depth; .html: the pictures, the facts, and the volume to scroll through.

    Parameters
    ----------
    name : of the poses by which the volume was made.
    corners : the frames' corners (N, 4, 3) in the world, mm, by the name of their poses.
    facts : lines of the html view, by name.
    """
    shown = np.where(volume.known, volume.values, np.nan)
    axes = volume.direction
    figures = {
        "slices": volumes.slices({name: shown}, volume.spacing_mm),
        "maxima": volumes.maxima(volume),
        "poses": volumes.planes({key: places @ axes for key, places in corners.items()}),
    }
    if depth_coded:
        figures["depth"] = volumes.depth_coded(volume)
    written = []
    for key, figure in figures.items():
        written.append(_save(figure, Path(f"{stem}-{key}.png")))
    view = Path(f"{stem}.html")
    write_view(view, volume, facts, written[1:])
    return [*written, view]


def _save(figure: "Figure", path: Path) -> Path:
    with style(), atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=110, format="png", metadata={"Software": None})
    return path
