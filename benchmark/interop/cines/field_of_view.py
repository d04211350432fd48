"""Which pixels of frames show tissue: given, stated by the file, or found from what stays black."""

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
    find : leave out the surround that is black in every frame (`black_surround`); reads them all.

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
        mask &= stated
    if find and images.frames.dtype == np.uint8:
        mask &= ~black_surround(images.frames, mask)
    if not mask.any():
        report(f"{path}: no pixel of its field of view is ever bright; all count as tissue")
        return replace(images, mask=None)
    if mask.all():
        return replace(images, mask=None)
    if find:
        report(
            f"{path}: {mask.mean():.0%} of the pixels are its field of view; the others are no "
            "tissue (--mask whole for all pixels, --mask FILE for others)"
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


def black_surround(frames: Any, mask: np.ndarray) -> np.ndarray:
    """Return the pixels (H, W) around the sector: those black in all frames up to the image's edge.

    mask (H, W): pixels outside of it count as black. A black region inside the sector, such as
    a shadow, is not part of the surround unless it reaches the edge. The frames are read one by
    one.
    """
    from scipy.ndimage import label

    brightest = np.zeros(frames.shape[1:], np.uint8)
    for index in range(len(frames)):
        np.maximum(brightest, frames[index], out=brightest)
    black = np.pad((brightest <= BLACK) | ~mask, 1, constant_values=True)
    pieces, _ = label(black)
    return (pieces == pieces[0, 0])[1:-1, 1:-1]


def mask_to_text(mask: np.ndarray) -> str:
    """Return a mask (H, W) as text for the header of a file: its size, then packed bits."""
    packed = base64.b64encode(zlib.compress(np.packbits(mask).tobytes())).decode()
    return f"{mask.shape[0]} {mask.shape[1]} {packed}"


def mask_from_text(text: str) -> np.ndarray:
    """Return the mask (H, W) that `mask_to_text` wrote; a ValueError where it is damaged."""
    rows, columns, packed = text.split()
    shape = (int(rows), int(columns))
    try:
        data = zlib.decompress(base64.b64decode(packed))
    except zlib.error as error:
        raise ValueError(str(error)) from error
    bits = np.unpackbits(np.frombuffer(data, np.uint8), count=shape[0] * shape[1])
    return bits.reshape(shape).astype(bool)
