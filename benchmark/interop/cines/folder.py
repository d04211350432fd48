"""A folder of still images, one a frame: PNG, JPEG, TIFF, BMP."""

import re
from pathlib import Path

import numpy as np

from benchmark.errors import Report, UserError
from benchmark.interop.cines.cine import Cine
from benchmark.interop.cines.pictures import PictureFrames, decoding, frame_of, open_picture

SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp")
DIGITS = re.compile(r"([0-9]+)")


def pictures_in(folder: Path) -> list[Path]:
    """Return the images of a folder in natural order: frame_2 before frame_10.

    Hidden files and those of other kinds are left out.
    """
    found = (p for p in folder.iterdir() if p.suffix.lower() in SUFFIXES and p.name[0] != ".")
    return sorted(found, key=_natural)


def _natural(path: Path) -> list[str | int]:
    words = DIGITS.split(path.name)
    return [int(word) if place % 2 else word.lower() for place, word in enumerate(words)]


def read_folder(folder: Path, report: Report) -> Cine:
    """Return the images of a folder as frames in natural order; they have neither times nor size.

    Raises
    ------
    UserError : no image, one that cannot be read, two kinds of files, or images of another size
        than the first; each names the file.
    """
    paths = pictures_in(folder)
    if not paths:
        raise UserError(f"{folder}: expected images ({', '.join(SUFFIXES)}), got none")
    _refuse_unlike(paths)
    _report_gaps(folder, paths, report)
    return Cine(folder, FolderFrames(paths))


class FolderFrames(PictureFrames):
    """Frames (N, H, W), each decoded from its own file when indexed."""

    def __init__(self, paths: list[Path]):
        self.paths = paths
        super().__init__(len(paths))

    def _place(self, index: int) -> str:
        return str(self.paths[index])

    def _decoded(self, index: int) -> np.ndarray:
        with open_picture(self.paths[index]) as picture, decoding(self._place(index)):
            return frame_of(picture)


def _refuse_unlike(paths: list[Path]) -> None:
    """Refuse, by the headers of the files, images that differ from the first."""
    first, size = paths[0], (0, 0)
    for path in paths:
        if path.suffix.lower() != first.suffix.lower():
            raise UserError(f"{path}: expected images of one kind, as {first.name} is")
        with open_picture(path) as picture, decoding(str(path)):
            count, own = getattr(picture, "n_frames", 1), picture.size
        if count != 1:
            raise UserError(f"{path}: {count} images in a file, expected one")
        if path == first:
            size = own
        elif own != size:
            mine, theirs = (f"{s[0]} x {s[1]} pixels" for s in (own, size))
            raise UserError(f"{path}: {mine}, expected the {theirs} of {first.name}")


def _report_gaps(folder: Path, paths: list[Path], report: Report) -> None:
    """Tell of numbers that are missing in file names which differ in one number only."""
    words = [DIGITS.split(path.name) for path in paths]
    if len(paths) < 3 or len({len(row) for row in words}) != 1:
        return
    columns = enumerate(zip(*words, strict=True))
    changing = [place for place, column in columns if len({*column}) > 1]
    if len(changing) != 1 or changing[0] % 2 == 0:
        return
    steps = np.diff([int(row[changing[0]]) for row in words])
    gaps = np.flatnonzero(steps != steps.min())
    if len(gaps):
        report(
            f"{folder}: numbers are missing in its file names, first after {paths[gaps[0]].name}; "
            "the frames are taken to follow each other all the same"
        )
