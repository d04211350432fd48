"""A TIFF file of many pages, one a frame, with the calibration that ImageJ writes."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np

from benchmark.errors import Report, UserError
from benchmark.interop.cines.cine import Cine
from benchmark.interop.cines.pictures import (
    PictureFrames,
    decoding,
    frame_of,
    open_picture,
    refuse_promise,
)

SUFFIXES = (".tif", ".tiff")
DESCRIPTION, X_RESOLUTION, Y_RESOLUTION = 270, 282, 283  # tags of TIFF
MM_PER = {
    "mm": 1.0,
    "cm": 10.0,
    "m": 1e3,
    "inch": 25.4,
    "um": 1e-3,
    "µm": 1e-3,
    "\\u00B5m": 1e-3,  # as ImageJ writes it
    "micron": 1e-3,
}


def read_tiff(path: Path, report: Report) -> Cine:
    """Return the pages of a TIFF file as frames.

    Size of a pixel and interval of frames are read where ImageJ wrote them (`unit`, `finterval`);
    plain resolutions of TIFF are those of paper and are not.

    Raises
    ------
    UserError : no TIFF, one page only, pages of several sizes.
    """
    frames = TiffFrames(path)
    facts = _imagej_facts(frames.picture)
    stated = facts.get("images", str(len(frames)))
    if stated != str(len(frames)):
        raise UserError(
            f"{path}: {len(frames)} pages where its description (ImageJ) states {stated} images; "
            "save it with a page for each"
        )
    if len(frames) == 1:
        raise UserError(f"{path}: one image, expected a page for every frame")
    interval = _positive(facts.get("finterval"))
    times = None if interval is None else interval * np.arange(len(frames))
    return Cine(path, frames, times, _pixel_mm(frames.picture, facts))


class TiffFrames(PictureFrames):
    """Frames (N, H, W), the pages of one file, decoded when indexed."""

    def __init__(self, path: Path):
        self.path, self.picture = path, open_picture(path, ("TIFF",))
        with decoding(str(path)), warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)  # all that tells of a directory cut short
            count = self.picture.n_frames
        super().__init__(count)

    def _place(self, index: int) -> str:
        return f"{self.path}: page {index}"

    def _decoded(self, index: int) -> np.ndarray:
        with decoding(self._place(index)):
            self.picture.seek(index)
            refuse_promise(self.picture, self.path, self._place(index))
            return frame_of(self.picture)


def _imagej_facts(picture: Any) -> dict[str, str]:
    """Return the `key=value` lines of ImageJ's description of a file, none of another's."""
    picture.seek(0)
    text = picture.tag_v2.get(DESCRIPTION, "")
    if not isinstance(text, str) or not text.startswith("ImageJ="):
        return {}
    lines = (line.partition("=") for line in text.splitlines())
    return {key.strip(): value.strip() for key, _, value in lines}


def _pixel_mm(picture: Any, facts: dict[str, str]) -> np.ndarray | None:
    """Return the size of a pixel (2,) mm that ImageJ states, or None."""
    unit = MM_PER.get(facts.get("unit", ""))
    across, down = (_positive(picture.tag_v2.get(tag)) for tag in (X_RESOLUTION, Y_RESOLUTION))
    if unit is None or across is None or down is None:
        return None
    return np.array([unit / across, unit / down])


def _positive(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    return number if np.isfinite(number) and number > 0 else None
