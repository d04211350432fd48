"""TODO."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmark.files import atomic_path
from benchmark.sweep import Images
from benchmark.volume.reconstruction import Volume

if TYPE_CHECKING:
    from matplotlib.figure import Figure
from benchmark.volume.choices import _corners


def write_pictures(
    stem: Path | str,
    volume: Volume,
    images: Images,
    paths: Mapping[str, np.ndarray],
    facts: Mapping[str, Any],
    *,
    depth_coded: bool = False,
) -> list[Path]:
    """Write pictures and the html view of a volume; return their paths.

    <stem>-slices.png: three orthogonal planes; -maxima.png: maximum projections along the axes;
    -poses.png: the planes in space; -depth.png (where asked): projection from the skin, its
    colour the depth; .html: all of it and the volume to walk through.

    Parameters
    ----------
    paths : poses (N, 4, 4) by name, the first being those of the volume.
    facts : what the html view says of the volume, by name.
    """
    from benchmark.figures import volumes as plot_sweep
    from benchmark.figures import volumes as plot_volume
    from benchmark.volume.view import write_view

    shown = np.where(volume.known, volume.values, np.nan)
    name = next(iter(paths))
    axes = volume.direction
    corners = {key: _corners(images, poses) @ axes for key, poses in paths.items()}
    figures = {
        "slices": plot_volume.slices({name: shown}, volume.spacing_mm),
        "maxima": plot_sweep.maxima(volume),
        "poses": plot_sweep.planes(corners),
    }
    if depth_coded:
        figures["depth"] = plot_sweep.depth_coded(volume)
    written = []
    for key, figure in figures.items():
        written.append(_save(figure, Path(f"{stem}-{key}.png")))
    view = Path(f"{stem}.html")
    write_view(view, volume, facts, written[1:])
    return [*written, view]


def _save(figure: "Figure", path: Path) -> Path:
    from benchmark.figures.plot import style

    with style(), atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=110, format="png", metadata={"Software": None})
    return path
