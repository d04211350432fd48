"""The html view of a volume: a single file in which three planes can be scrolled through."""

import base64
import gzip
import html
import json
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from string import Template
from typing import Any

import numpy as np

from benchmark.files import atomic_path
from benchmark.volume.reconstruction import Volume

MOST_VOXELS_PER_SIDE = 160
MOST_VOXELS = 3_000_000


def write_view(
    path: Path | str, volume: Volume, facts: Mapping[str, Any], pictures: Sequence[Path] = ()
) -> None:
    """Write the view: the volume on a grid coarse enough for a page, facts, and PNG pictures.

    facts: rows of a table, by name.
    """
    levels, spacing = _levels(volume)
    packed = gzip.compress(levels.transpose(2, 1, 0).tobytes(), 6, mtime=0)
    data = {
        "size": list(levels.shape),
        "spacing": [round(float(s), 6) for s in spacing],
        "voxels": base64.b64encode(packed).decode(),
    }
    rows = "".join(
        f"<tr><th>{html.escape(str(key))}</th><td>{html.escape(str(value))}</td></tr>"
        for key, value in facts.items()
    )
    images = "".join(
        f'<img alt="{html.escape(picture.stem)}" src="data:image/png;base64,'
        f'{base64.b64encode(picture.read_bytes()).decode()}">'
        for picture in pictures
    )
    template = resources.files(__package__).joinpath("view.html").read_text("utf-8")
    page = Template(template).substitute(
        title=html.escape(Path(path).stem), facts=rows, pictures=images, data=json.dumps(data)
    )
    with atomic_path(path) as temporary:
        temporary.write_text(page, encoding="utf-8")


def _levels(volume: Volume) -> tuple[np.ndarray, np.ndarray]:
    """Return grey levels (X, Y, Z) uint8, 0 where nothing is known, and the spacing (3,) mm."""
    shape = np.array(volume.values.shape)
    step = 1
    while ((-(-shape // step)) > MOST_VOXELS_PER_SIDE).any() or (
        np.prod(-(-shape // step)) > MOST_VOXELS
    ):
        step += 1
    padding = [(0, -n % step) for n in shape]
    known = np.pad(volume.known, padding).astype(np.float32)
    values = np.pad(np.where(volume.known, volume.values, 0), padding)
    blocks = [m for n in known.shape for m in (n // step, step)]
    weight = known.reshape(blocks).sum((1, 3, 5))
    mean = values.reshape(blocks).sum((1, 3, 5)) / np.maximum(weight, 1)
    seen = weight > 0
    low, high = np.percentile(mean[seen], (1, 99.8)) if seen.any() else (0.0, 1.0)
    share = np.clip((mean - low) / max(high - low, 1e-30), 0, 1)
    return np.where(seen, 1 + np.rint(254 * share), 0).astype(np.uint8), volume.spacing_mm * step
