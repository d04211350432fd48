"""Figures of a folder as JSON values of the page: a picture, its words, a volume to turn."""

import base64
from pathlib import Path
from typing import Any

from benchmark.errors import UserError
from benchmark.files import read_json

VOLUME = ".volume.json"  # beside a PNG of the same stem
VOLUME_KEYS = ("size", "spacing_mm", "shown")


def page_figures(folder: Path | str | None) -> list[dict[str, Any]]:
    """Return every PNG of a folder as a data URL, with its title, caption, tracker and volume.

    Raises
    ------
    UserError : a PNG without its JSON; a title or a key of a volume is missing.
    """
    if folder is None:
        return []
    return [_figure(path) for path in sorted(Path(folder).glob("*.png"))]


def _figure(path: Path) -> dict[str, Any]:
    about = read_json(path.with_suffix(".json"))
    if not isinstance(about, dict) or "title" not in about:
        raise UserError(f"{path.with_suffix('.json')}: key 'title' is missing")
    return {
        "title": str(about["title"]),
        "caption": str(about.get("caption") or ""),
        "tracker": about.get("tracker"),
        "source": "data:image/png;base64," + base64.b64encode(path.read_bytes()).decode(),
        "volume": _volume(path.with_suffix(VOLUME)),
    }


def _volume(path: Path) -> dict[str, Any] | None:
    if not path.is_file():
        return None
    volume = read_json(path)
    for key in VOLUME_KEYS:
        if not isinstance(volume, dict) or key not in volume:
            raise UserError(f"{path}: key '{key}' is missing")
    return {key: volume[key] for key in VOLUME_KEYS}
