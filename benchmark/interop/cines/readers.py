"""The formats of cines, and which of them a path has. A further format is one entry here."""

from pathlib import Path

from benchmark.errors import Report
from benchmark.interop.cines import dicom, folder, tiff, video
from benchmark.interop.cines.cine import Cine, CineFormat

FOLDER = CineFormat((), folder.read_folder)
TIFF = CineFormat(tiff.SUFFIXES, tiff.read_tiff)
VIDEO = CineFormat(video.SUFFIXES, video.read_video)
DICOM = CineFormat(dicom.SUFFIXES, dicom.read_dicom)
FILES = (TIFF, VIDEO, DICOM)
SUFFIXES = tuple(suffix for format in FILES for suffix in format.suffixes)


def cine_format(path: Path) -> CineFormat | None:
    """Return the format of a cine, or None where a path is none.

    A folder is one if it holds images, a file by its suffix or, whatever its name, if it begins as
    DICOM files do.
    """
    if path.is_dir():
        return FOLDER if folder.pictures_in(path) else None
    for format in FILES:
        if path.suffix.lower() in format.suffixes:
            return format
    return DICOM if dicom.is_dicom(path) else None


def read_cine(path: Path, report: Report) -> Cine:
    """Return the cine of a path for which `cine_format` finds a format."""
    format = cine_format(path)
    assert format is not None, path
    return format.read(path, report)
