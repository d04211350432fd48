"""Pixels of all kinds made grey levels of 8 bits."""

from pathlib import Path
from typing import Any

import numpy as np

from benchmark.errors import UserError
from benchmark.frames import MappedFrames

SHOWN = 16  # frames whose values are named where a window is missing


def luma(frame: np.ndarray) -> np.ndarray:
    """Return the luma (H, W) of a colour frame (H, W, 3) uint8, red first.

    ITU-R BT.601, as Pillow rounds it: (299 R + 587 G + 114 B) / 1000. Where red, green and blue are
    the same, it is their value.
    """
    from PIL import Image

    return np.asarray(Image.fromarray(frame).convert("L"))


def eight_bit(frames: Any, window: tuple[float, float] | None, path: Path) -> Any:
    """Return frames (N, H, W) as uint8, converted when indexed.

    window: the values that become 0 and 255, those between linearly, those beyond clipped. Frames
    that are uint8 need none.

    Raises
    ------
    UserError : frames that are not whole numbers; more than 8 bits and no window; a window that
        does not rise.
    """
    dtype = np.dtype(frames.dtype)
    if dtype.kind not in "ui":
        raise UserError(f"{path}: expected frames of whole numbers, got {dtype}")
    if window is None:
        if dtype == np.uint8:
            return frames
        least, most = _range(frames)
        raise UserError(
            f"{path}: {8 * dtype.itemsize}-bit frames (values {least} to {most}); say which values "
            f"become black and white, such as --window {least} {most}"
        )
    low, high = window
    if not (np.isfinite(window).all() and low < high):
        raise UserError(f"--window: expected a lower and a higher value, got {low:g} {high:g}")

    def shrunk(frame: np.ndarray) -> np.ndarray:
        share = (frame.astype(np.float32) - low) / (high - low)
        return np.rint(255 * np.clip(share, 0, 1)).astype(np.uint8)

    return MappedFrames(frames, None, shrunk)


def _range(frames: Any) -> tuple[int, int]:
    """Return the lowest and highest value of some frames, spread evenly over all."""
    chosen = np.unique(np.linspace(0, len(frames) - 1, SHOWN).astype(int))
    some = [frames[int(index)] for index in chosen]
    return int(min(frame.min() for frame in some)), int(max(frame.max() for frame in some))
