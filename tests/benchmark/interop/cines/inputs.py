"""Small cines of known content, written by the libraries that people write them with."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np


def silence(message: str) -> None:
    """Fail: nothing is to be told of a faultless file."""
    raise AssertionError(message)


def moving_block(count: int = 6, rows: int = 40, columns: int = 56) -> np.ndarray:
    """Return frames (N, H, W) uint8: a bright block that moves right on grey, levels by frame."""
    frames = np.full((count, rows, columns), 60, np.uint8)
    for index, frame in enumerate(frames):
        left = 8 + 4 * index % (columns - 24)
        frame[8:24, left : left + 16] = 120 + 20 * index % 130
    return frames


def write_video(path: Path, frames: np.ndarray, codec: str = "FFV1", rate: float = 20.0) -> Path:
    """Write frames (N, H, W) as a colour video; FFV1 in .avi is without loss."""
    import cv2

    size = frames.shape[2], frames.shape[1]
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*codec), rate, size, True)
    assert writer.isOpened()
    for frame in frames:
        writer.write(np.repeat(frame[..., None], 3, 2))
    writer.release()
    return path


def write_dicom(
    path: Path,
    frames: np.ndarray,
    kind: str = "MONOCHROME2",
    bits: int = 8,
    region: dict[str, Any] | None = None,
    compress: str | None = None,
    **tags: Any,
) -> Path:
    """Write frames (N, H, W) or (N, H, W, 3) as an ultrasound multi-frame DICOM file.

    region: tags of one item of SequenceOfUltrasoundRegions, over those of a plane of tissue;
    compress: "rle", or "jpeg" (baseline).
    """
    import pydicom
    from pydicom.uid import ExplicitVRLittleEndian, RLELossless, generate_uid

    data = pydicom.Dataset()
    data.file_meta = pydicom.dataset.FileMetaDataset()
    data.SOPClassUID = "1.2.840.10008.5.1.4.1.1.3.1"  # ultrasound multi-frame
    data.SOPInstanceUID = generate_uid(entropy_srcs=[path.name])  # the same file again
    data.PatientName = "Somebody^Real"
    if region is not None:
        data.SequenceOfUltrasoundRegions = [_region(region)]
    for key, value in tags.items():
        setattr(data, key, value)
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data.set_pixel_data(frames, kind, bits, generate_instance_uid=False)
    if compress == "rle":
        data.compress(RLELossless, generate_instance_uid=False)
    if compress == "jpeg":
        _jpeg(data, frames)
    data.save_as(path, enforce_file_format=True)
    return path


def _region(tags: dict[str, Any]) -> Any:
    import pydicom

    item = pydicom.Dataset()
    usual = {
        "RegionSpatialFormat": 1,
        "RegionDataType": 1,
        "PhysicalUnitsXDirection": 3,
        "PhysicalUnitsYDirection": 3,
    }
    for key, value in {**usual, **tags}.items():
        setattr(item, key, value)
    return item


def _jpeg(data: Any, frames: Sequence[np.ndarray] | np.ndarray) -> None:
    import io

    from PIL import Image
    from pydicom.encaps import encapsulate
    from pydicom.uid import JPEGBaseline8Bit

    pieces = []
    for frame in frames:
        buffer = io.BytesIO()
        Image.fromarray(frame).save(buffer, "jpeg", quality=95)
        pieces.append(buffer.getvalue())
    data.PixelData = encapsulate(pieces)
    data["PixelData"].VR = "OB"
    data.file_meta.TransferSyntaxUID = JPEGBaseline8Bit
