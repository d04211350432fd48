"""The frames of a cine with the times and the pixel size that its file and the user give."""

from pathlib import Path

import numpy as np

from benchmark.errors import Report, UserError
from benchmark.interop.cines.cine import Cine
from benchmark.interop.cines.field_of_view import with_mask
from benchmark.interop.cines.grey import eight_bit
from benchmark.interop.cines.readers import read_cine
from benchmark.interop.poses.calibration import read_calibration
from benchmark.interop.poses.rigid import split_calibration
from benchmark.interop.sequence import Reading
from benchmark.sweep import Images


def read_cine_images(path: Path, reading: Reading, report: Report) -> tuple[Cine, Images]:
    """Return a cine and its frames (N, H, W) uint8 as images; what is given overrules the file.

    Raises
    ------
    UserError : times or a pixel size that neither file nor `reading` tells, and every fault of
        the format.
    """
    cine = read_cine(path, report)
    _refuse_untold(cine, reading)
    frames = eight_bit(cine.frames, reading.window, path)
    images = Images(frames, _times(cine, reading), _mm_from_pixel(cine, reading))
    return cine, with_mask(images, reading.mask, path, report, stated=cine.mask, find=True)


def _refuse_untold(cine: Cine, reading: Reading) -> None:
    """Refuse a cine of which neither its file nor the user tells times or pixels: all at once."""
    untold = {}
    if reading.frame_rate is None and cine.timestamps is None:
        untold["the times of its frames"] = "--frame-rate"
    if reading.pixel_mm is None and not reading.calibration and cine.pixel_mm is None:
        untold["the size of a pixel"] = "--pixel-mm or --calibration"
    if untold:
        told, given = " and ".join(untold), ", and ".join(untold.values())
        raise UserError(f"{cine.path}: does not tell {told}; give {given}")


def _times(cine: Cine, reading: Reading) -> np.ndarray:
    if reading.frame_rate is not None:
        if not reading.frame_rate > 0:
            raise UserError(f"--frame-rate: expected above 0, got {reading.frame_rate}")
        return np.arange(len(cine.frames)) / reading.frame_rate
    assert cine.timestamps is not None  # refused above
    if not (np.diff(cine.timestamps) > 0).all():
        raise UserError(f"{cine.path}: the times of its frames do not rise; give --frame-rate")
    return cine.timestamps


def _mm_from_pixel(cine: Cine, reading: Reading) -> np.ndarray:
    """Return mm_from_pixel (4, 4): the size given, the calibration's, or the file's own."""
    if reading.pixel_mm is not None:
        return pixel_matrix(reading.pixel_mm)
    if reading.calibration:
        for (source, _), matrix in read_calibration(reading.calibration).items():
            if source == reading.image:
                return split_calibration(matrix, str(reading.calibration))[1]
    if cine.pixel_mm is None:
        raise UserError(
            f"{cine.path}: does not tell the size of a pixel; give --pixel-mm or --calibration"
        )
    return np.diag([*cine.pixel_mm, 1.0, 1.0])


def pixel_matrix(pixel_mm: tuple[float, float]) -> np.ndarray:
    """Return mm_from_pixel (4, 4) of pixels of a given size, the first at the origin.

    Raises
    ------
    UserError : a size that is not above 0.
    """
    if not (np.isfinite(pixel_mm).all() and min(pixel_mm) > 0):
        raise UserError(
            f"--pixel-mm: expected a width and a height above 0, got {pixel_mm[0]:g} "
            f"{pixel_mm[1]:g}"
        )
    return np.diag([*pixel_mm, 1.0, 1.0])
