"""A multi-frame DICOM file of ultrasound, decoded by pydicom frame by frame."""

import math
import mmap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np

from benchmark.errors import Report, UserError
from benchmark.frames import SpooledFrames
from benchmark.interop.cines.cine import Cine
from benchmark.interop.cines.grey import luma
from benchmark.stored import most_bytes

SUFFIXES = (".dcm", ".dicom")
PREAMBLE, MAGIC = 128, b"DICM"
GREY = ("MONOCHROME1", "MONOCHROME2")
PALETTE = "PALETTE COLOR"

# Values of an item of SequenceOfUltrasoundRegions (DICOM PS3.3, C.8.5.5).
PLANE, TISSUE, CENTIMETRES = 1, 1, 3
MM_PER_CM = 10.0
BOUNDS = tuple(f"RegionLocation{end}" for end in ("MinX0", "MaxX1", "MinY0", "MaxY1"))
SIZES = ("PhysicalDeltaX", "PhysicalDeltaY")


def is_dicom(path: Path) -> bool:
    """Return whether a file begins as DICOM files do; their names often have no suffix."""
    try:
        with path.open("rb") as file:
            return file.read(PREAMBLE + len(MAGIC))[PREAMBLE:] == MAGIC
    except OSError:
        return False


def read_dicom(path: Path, report: Report) -> Cine:
    """Return the frames of a DICOM file with what its tags say of pixels and times.

    Size of a pixel: that of the largest region of tissue in SequenceOfUltrasoundRegions, which is
    then the mask, or PixelSpacing. Times: FrameTimeVector, FrameTime or CineRate. Colours become
    grey; MONOCHROME1, where low values are bright, is turned. Nothing of the patient is kept.

    Raises
    ------
    UserError : pydicom is not installed, no DICOM, a single image, a compression that cannot be
        decoded here.
    """
    data = _header(path)
    with _faults(path, "a tag holds something of another kind"):
        count = int(data.get("NumberOfFrames") or 1)
        if count < 2:
            raise UserError(f"{path}: NumberOfFrames: expected several frames, got {count}")
        _refuse_promises(path, data, count)
        _refuse_undecodable(path, data)
        first = next(_decoded(path, data))
        frames = SpooledFrames((count, *first.shape), first.dtype, _decoded(path, data), str(path))
        region = _tissue_region(path, data, report)
        return Cine(
            path,
            frames,
            _times(path, data, count),
            _pixel_mm(data, region),
            None if region is None else _region_mask(region, first.shape),
            _probe(data, region),
        )


@contextmanager
def _faults(path: Path, what: str) -> Iterator[None]:
    """Turn what pydicom and its decoders raise for damaged files into a UserError.

    Tags are decoded when they are read, by any function of Python and numpy.
    """
    try:
        yield
    except (UserError, KeyboardInterrupt):
        raise
    except Exception as error:
        raise UserError(f"{path}: {what} ({_reason(error)})") from error


def _refuse_promises(path: Path, data: Any, count: int) -> None:
    """Refuse frames that are more, or larger, than can be in a file of this size."""
    size = path.stat().st_size
    words = (int(data.get(key) or 1) for key in ("Rows", "Columns", "SamplesPerPixel"))
    frame = math.prod(words) * max(1, int(data.get("BitsAllocated") or 8) // 8)
    if count > size or frame > most_bytes(size):
        raise UserError(
            f"{path}: {count} frames of {frame} bytes cannot be in a file of {size} bytes"
        )


def _header(path: Path) -> Any:
    """Return all tags of a file but its pixels."""
    try:
        import pydicom
    except ImportError as error:
        raise UserError(
            f"{path}: DICOM files are read by pydicom, which is not installed; "
            "pip install 'sweepbench[dicom]'"
        ) from error
    with _faults(path, "truncated or not DICOM"):
        with _mapped(path) as file:
            data = pydicom.dcmread(file, stop_before_pixels=True)
            data.walk(lambda *_: None)  # decodes all tags, so that damaged ones are found here
        return data


def _refuse_undecodable(path: Path, data: Any) -> None:
    """Refuse a transfer syntax for which pydicom has no decoder here, by its name."""
    from pydicom.pixels import get_decoder

    syntax = data.file_meta.get("TransferSyntaxUID")
    if syntax is None:
        raise UserError(f"{path}: TransferSyntaxUID is missing")
    if not syntax.is_transfer_syntax:
        raise UserError(
            f"{path}: TransferSyntaxUID: expected that of a transfer syntax, got {syntax}"
        )
    try:
        decoder = get_decoder(syntax)
    except NotImplementedError:
        decoder = None
    if syntax.is_encapsulated and (decoder is None or not decoder.is_available):
        needs = f" ({'; '.join(decoder.missing_dependencies)})" if decoder else ""
        raise UserError(
            f"{path}: compressed as {syntax.name} ({syntax}), which pydicom cannot decode "
            f"here{needs}; save it uncompressed or as JPEG Baseline"
        )


def _decoded(path: Path, data: Any) -> Iterator[np.ndarray]:
    """Yield all frames (H, W) grey from the first on."""
    from pydicom.pixels import apply_color_lut

    kind = str(data.get("PhotometricInterpretation", ""))
    highest = (1 << int(data.get("BitsStored", 8))) - 1
    with _faults(path, "its frames cannot be decoded"):
        for frame in _frames(path):
            if kind == PALETTE:
                frame = _eight_bit_colours(apply_color_lut(frame, data))
            if kind == "MONOCHROME1":
                frame = (highest - frame).astype(frame.dtype)
            yield frame if kind in GREY else luma(np.ascontiguousarray(frame))


@contextmanager
def _mapped(path: Path) -> Iterator[BinaryIO]:
    """Open a file so that a read of more than there is takes no more memory than there is."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        yield cast(BinaryIO, mapped)  # a file in all but its type


def _frames(path: Path) -> Iterator[np.ndarray]:
    from pydicom.pixels import iter_pixels

    with _mapped(path) as file:
        yield from iter_pixels(file)


def _reason(error: Exception) -> str:
    """Return the first sentence of pydicom's message; what follows is advice to programmers."""
    lines = str(error).strip().splitlines()
    return lines[0].split(". ")[0] if lines else type(error).__name__


def _eight_bit_colours(frame: np.ndarray) -> np.ndarray:
    """Return colours (H, W, 3) of a palette, which may have 16 bits, as uint8."""
    colours = frame[..., :3]
    return (colours >> 8).astype(np.uint8) if colours.dtype == np.uint16 else colours


def _tissue_region(path: Path, data: Any, report: Report) -> Any | None:
    """Return the largest region of tissue in a plane whose pixels have a size in cm, or None."""
    found = [
        region
        for region in data.get("SequenceOfUltrasoundRegions") or ()
        if region.get("RegionSpatialFormat") == PLANE
        and region.get("RegionDataType") == TISSUE
        and region.get("PhysicalUnitsXDirection") == CENTIMETRES
        and region.get("PhysicalUnitsYDirection") == CENTIMETRES
        and all(key in region for key in (*BOUNDS, *SIZES))
    ]
    if len(found) > 1:
        report(f"{path}: {len(found)} regions of tissue in its frames; the largest is taken")
    return max(found, key=_area, default=None)


def _area(region: Any) -> int:
    left, right, top, bottom = _bounds(region)
    return (right - left) * (bottom - top)


def _bounds(region: Any) -> tuple[int, int, int, int]:
    """Return first column, column after the last, first row, row after the last of a region."""
    left, last_column, top, last_row = (int(region[key].value) for key in BOUNDS)
    return left, last_column + 1, top, last_row + 1


def _region_mask(region: Any, shape: tuple[int, ...]) -> np.ndarray:
    left, right, top, bottom = _bounds(region)
    mask = np.zeros(shape, bool)
    mask[top:bottom, left:right] = True
    return mask


def _pixel_mm(data: Any, region: Any | None) -> np.ndarray | None:
    """Return the size of a pixel (2,) across and down, mm, or None."""
    if region is not None:
        across_down = MM_PER_CM * np.abs([float(region[key].value) for key in SIZES])
    else:
        down_across = data.get("PixelSpacing") or (0, 0)
        across_down = np.array(down_across, float)[::-1]
    return across_down if (across_down > 0).all() else None


def _times(path: Path, data: Any, count: int) -> np.ndarray | None:
    """Return the times (N,) s of the frames, None where no tag tells them."""
    steps_ms = data.get("FrameTimeVector")
    if steps_ms is not None and np.size(steps_ms) > 1:
        if len(steps_ms) != count:
            raise UserError(
                f"{path}: FrameTimeVector: expected {count} values, one a frame, "
                f"got {len(steps_ms)}; give --frame-rate"
            )
        return np.cumsum(np.array(steps_ms, float)) / 1000
    step_ms, rate = float(data.get("FrameTime") or 0), float(data.get("CineRate") or 0)
    step = step_ms / 1000 if step_ms > 0 else 1 / rate if rate > 0 else None
    return None if step is None else step * np.arange(count)


def _probe(data: Any, region: Any | None) -> dict[str, Any]:
    """Return the scanner's model and the transducer's frequency where tags tell them."""
    probe: dict[str, Any] = {}
    if data.get("ManufacturerModelName"):
        probe["name"] = str(data.ManufacturerModelName)
    kilohertz = region.get("TransducerFrequency") if region is not None else None
    if kilohertz:
        probe["centre_frequency_hz"] = 1e3 * float(kilohertz)
    return probe
