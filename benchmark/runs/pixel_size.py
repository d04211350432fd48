"""Resampling of frames to another pixel size, one at a time, for images of another scanner."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from benchmark.frames import StreamedFrames
from benchmark.sweep import Images

SAME_PIXEL = 1e-3  # relative difference of pixel sizes that counts as none
LOBES = 3  # of the kernel of interpolation, to each side


class ResampledFrames(StreamedFrames):
    """Frames (N, H, W) uint8 of another object, interpolated when indexed.

    down (H, H0), across (W, W0): weights of the source's rows and columns in each new one.
    """

    def __init__(self, source: Any, down: np.ndarray, across: np.ndarray):
        self.source, self.down, self.across = source, down, across
        self.shape = (len(source), len(down), len(across))
        self.dtype = np.dtype(np.uint8)

    def _frame(self, index: int) -> np.ndarray:
        frame = np.asarray(self.source[index], np.float32)
        return np.clip(np.rint(self.down @ frame @ self.across.T), 0, 255).astype(np.uint8)


def resampled(
    images: Images, pixel_mm: Sequence[float], shape: tuple[int, int] | None = None
) -> Images:
    """Return images with pixels of `pixel_mm` (2,) across and down, in the same image mm frame.

    shape (rows, columns): the largest result; larger images are cut at the bottom and equally at
    both sides, so depths do not change. Interpolation is Lanczos's, with the kernel widened to
    the new pixel where that is larger (no aliasing). Images that have this pixel size and fit are
    returned as they are.
    """
    rows, columns = images.frames.shape[1:]
    source_mm = images.pixel_mm
    ratio = np.asarray(pixel_mm, float) / source_mm
    if (np.abs(ratio - 1) < SAME_PIXEL).all():
        ratio = np.ones(2)
    width, height = max(1, round(columns / ratio[0])), max(1, round(rows / ratio[1]))
    if shape is not None:
        height, width = min(height, shape[0]), min(width, shape[1])
    if (ratio == 1).all() and (height, width) == (rows, columns):
        return images
    first_column = ((columns - 1) - (width - 1) * ratio[0]) / 2
    first_row = (ratio[1] - 1) / 2
    across = _shares(columns, width, ratio[0], first_column)
    down = _shares(rows, height, ratio[1], first_row)
    source_from_pixel = np.diag([ratio[0], ratio[1], 1.0, 1.0])
    source_from_pixel[:2, 3] = first_column, first_row
    frames: Any = ResampledFrames(images.frames, down, across)
    mask = None if images.mask is None else down @ images.mask @ across.T > 0.5
    matrix = images.mm_from_pixel @ source_from_pixel
    return replace(images, frames=frames, mm_from_pixel=matrix, mask=mask)


def _shares(count: int, size: int, ratio: float, first: float) -> np.ndarray:
    """Return weights (size, count) of the source's pixels, a Lanczos kernel around each new centre.

    A shorter kernel blurs speckle by a share of a pixel, which the correlation of frames shows.
    """
    place = first + ratio * np.arange(size)
    x = (np.arange(count) - place[:, None]) / max(ratio, 1.0)
    share = np.where(np.abs(x) < LOBES, np.sinc(x) * np.sinc(x / LOBES), 0.0)
    return (share / share.sum(1, keepdims=True)).astype(np.float32)
