"""Which pixels of frames show tissue: given, stated by the file, or found from what is lit."""

import base64
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, TypeVar

import numpy as np

from benchmark.errors import Report, UserError
from benchmark.interop.cines.pictures import decoding, frame_of, open_picture
from benchmark.sweep import Images

Choice = Literal["auto", "whole"] | Path
Some = TypeVar("Some", bound=Images)

BLACK = 8  # of 255: what lossy compression leaves of black beside an edge
GAP_PX = 5  # width of a dark gap in speckle
MOST = 0.8  # of what is bright: a piece with less of it is no sector, but one of several targets


def with_mask(
    images: Some,
    choice: Choice,
    path: Path,
    report: Report,
    *,
    stated: np.ndarray | None = None,
    find: bool = False,
) -> Some:
    """Return images with their field of view as mask, None where every pixel shows tissue.

    Parameters
    ----------
    choice : an image file or a .npy of the frames' size, tissue where it is not zero; "whole" for
        all pixels; "auto" for those of the images' own mask that `stated` and `find` leave.
    stated : (H, W) bool, from the geometry of the probe.
    find : take of it the sector that the frames light up (`lit_sector`), which reads them all.

    Raises
    ------
    UserError : a mask of another size or without any tissue.
    """
    shape = images.frames.shape[1:]
    if choice == "whole":
        return replace(images, mask=None)
    if choice != "auto":
        return replace(images, mask=read_mask(Path(choice), shape))
    mask = np.ones(shape, bool) if images.mask is None else images.mask.copy()
    if stated is not None:
        if stated.shape != shape:
            raise UserError(f"{path}: mask: expected the frames' shape {shape}, got {stated.shape}")
        mask &= stated
    if find and images.frames.dtype == np.uint8:
        mask = lit_sector(images.frames, mask)
    if not mask.any():
        report(f"{path}: no pixel of its field of view is ever bright; all count as tissue")
        return replace(images, mask=None)
    if mask.all():
        return replace(images, mask=None)
    if find:
        report(
            f"{path}: {100 * mask.mean():.0f} % of the pixels are its field of view; the others "
            "are no tissue (--mask whole for all pixels, --mask FILE for others)"
        )
    return replace(images, mask=mask)


def read_mask(path: Path, shape: tuple[int, ...]) -> np.ndarray:
    """Return the mask (H, W) bool of an image file, or of an array in a .npy file.

    Raises
    ------
    UserError : a file that cannot be read, another size than the frames', no tissue.
    """
    with decoding(str(path)):
        if path.suffix.lower() == ".npy":
            mask = np.asarray(np.load(path, allow_pickle=False)) != 0
        else:
            with open_picture(path) as picture:
                mask = frame_of(picture) != 0
    if mask.shape != shape:
        size = " x ".join(map(str, mask.shape[::-1]))
        raise UserError(f"{path}: {size} pixels, expected the {shape[1]} x {shape[0]} of a frame")
    if not mask.any():
        raise UserError(f"{path}: expected tissue where it is not zero, got zeros only")
    return mask


def lit_sector(frames: Any, within: np.ndarray) -> np.ndarray:
    """Return the sector (H, W) that frames light up: a fan, a rectangle or a parallelogram.

    Pixels brighter than `BLACK` in some frame are joined over gaps; the largest piece is the
    sector, so text beside it is none. Such sectors are convex but for the face of a curved probe at
    the top: theirs is the convex hull, in each column from the first bright pixel on. Shadows and
    depths that stay black therefore belong to it. Where no piece holds most of what is bright, as
    with wires in water, no sector is told and all pixels within may show tissue. The frames are
    read one by one.

    within (H, W): pixels that may belong to it.
    """
    from scipy.ndimage import binary_closing, label
    from skimage.morphology import convex_hull_image

    brightest = np.zeros(frames.shape[1:], np.uint8)
    for index in range(len(frames)):
        np.maximum(brightest, frames[index], out=brightest)
    bright = (brightest > BLACK) & within
    if not bright.any():
        return bright
    joined = binary_closing(np.pad(bright, GAP_PX), np.ones((GAP_PX, GAP_PX)))
    pieces, _ = label(joined[GAP_PX:-GAP_PX, GAP_PX:-GAP_PX])
    parts = np.bincount(pieces.ravel(), weights=bright.ravel())[1:]
    largest = np.argmax(parts) + 1
    if parts.max() < MOST * parts.sum():
        return within
    sector = bright & (pieces == largest)
    below_face = np.logical_or.accumulate(sector, axis=0) | ~sector.any(0)
    return convex_hull_image(sector) & below_face & within


def mask_to_text(mask: np.ndarray) -> str:
    """Return a mask (H, W) as text for the header of a file: its size, then packed bits."""
    packed = base64.b64encode(zlib.compress(np.packbits(mask).tobytes())).decode()
    return f"{mask.shape[0]} {mask.shape[1]} {packed}"


def mask_from_text(text: str) -> np.ndarray:
    """Return the mask (H, W) that `mask_to_text` wrote; a ValueError where it is damaged."""
    rows, columns, packed = text.split()
    shape = (int(rows), int(columns))
    needed = -(-shape[0] * shape[1] // 8)
    try:
        data = zlib.decompressobj().decompress(base64.b64decode(packed), max(needed, 0) + 1)
    except zlib.error as error:
        raise ValueError(str(error)) from error
    if min(shape) < 1 or len(data) != needed:
        raise ValueError(f"mask: {rows} x {columns} pixels need {needed} bytes, got {len(data)}")
    bits = np.unpackbits(np.frombuffer(data, np.uint8), count=shape[0] * shape[1])
    return bits.reshape(shape).astype(bool)
