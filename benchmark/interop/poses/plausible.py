"""What is suspicious about frames and their poses, said in one line each."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmark.errors import UserError
from benchmark.sweep import Images
from benchmark.volume.grid import crop_window, image_corners
from benchmark.volume.jumps import Jumps, find_jumps

PIXEL_MM = (0.005, 2.0)  # pixel sizes of ultrasound images, with a wide margin
UNSET_MM = 1.0  # the spacing of files that were given none
SAME_SIZE = 1e-6
SHORT_PATH = 0.01  # of the image's diagonal: a sweep that goes no farther is in another unit


def refuse_no_plane(images: Images, path: Path) -> None:
    """Refuse frames of one row or one column, which span no plane.

    Raises
    ------
    UserError : the size of the frames.
    """
    rows, columns = images.frames.shape[1:]
    if min(rows, columns) < 2:
        raise UserError(
            f"{path}: frames of {columns} x {rows} pixels; expected images, at least 2 x 2"
        )


def jumps_of(
    images: Images, world_from_image: np.ndarray, times: np.ndarray | None = None
) -> Jumps:
    """Return which poses (N, 4, 4) of images lie apart (`benchmark.volume.jumps`).

    times (N,) s: of the poses, by default those of the frames. Poses that are NaN are passed over.
    """
    times = images.timestamps if times is None else times
    held = np.flatnonzero(np.isfinite(world_from_image).all((1, 2)))
    crop = crop_window(images.frames.shape, 0)
    corners = image_corners(images.mm_from_pixel, world_from_image[held], crop)
    found = find_jumps(corners, times[held])
    outliers, off_mm = np.zeros(len(world_from_image), bool), np.zeros(len(world_from_image))
    outliers[held], off_mm[held] = found.outliers, found.off_mm
    breaks = tuple((int(held[before]), int(held[after])) for before, after in found.breaks)
    return Jumps(outliers, breaks, off_mm)


def pixel_suspicions(images: Images) -> Iterator[str]:
    """Yield in one line what suggests that the size of pixels is in another unit or unset."""
    size = images.pixel_mm
    shown = f"pixels of {size[0]:.4g} x {size[1]:.4g} mm"
    if np.abs(size - UNSET_MM).max() < SAME_SIZE:
        yield f"{shown}: the size of a file that was given none; is it the true one?"
    elif size.min() < PIXEL_MM[0] or size.max() > PIXEL_MM[1]:
        yield f"{shown}: is the calibration or spacing in mm?"


def path_suspicions(images: Images, world_from_body: np.ndarray) -> Iterator[str]:
    """Yield what suggests that the positions of poses (M, 4, 4) are in another unit.

    world_from_body : of the image or of the probe, as they were read: a calibration of the right
        unit would hide positions of the wrong one.
    """
    places = world_from_body[np.isfinite(world_from_body).all((1, 2)), :3, 3]
    steps = np.linalg.norm(np.diff(places, axis=0), axis=1)
    size = images.pixel_mm
    diagonal = float(np.hypot(*(size * images.frames.shape[:0:-1])))
    if 0 < steps.sum() < SHORT_PATH * diagonal:
        yield (
            f"a path of {steps.sum():.3g} mm over {len(places)} poses, images of {diagonal:.3g} mm "
            "across: are the positions in metres?"
        )
    if len(steps) and np.median(steps) > diagonal:
        yield (
            f"steps of {np.median(steps):.4g} mm, images of {diagonal:.3g} mm across: are the "
            "positions in mm but read as metres, or the pixels in another unit?"
        )


def jump_line(jumps: Jumps, dropped: bool, what: str = "frames") -> str | None:
    """Return in one line which poses are outliers and where the path jumps, None without.

    dropped: whether the outliers are left out; what: whose poses they are, frames or rows.
    """
    told = jumps.in_words(what)
    if jumps.outliers.any():
        return f"{told} ({'left out' if dropped else 'kept; --drop-outliers leaves them out'})"
    return f"{told}: is it one sweep?" if jumps.breaks else None
