"""Folders of the TUS-REC challenges 2024 and 2025, read and written.

train:    frames_transfs/SSS/NAME.h5 (frames, tforms), landmarks, calib_matrix.csv
val/test: frames/SSS/NAME.h5, transfs/SSS/NAME.h5, landmarks, calib_matrix.csv, dataset_keys.h5

SSS is the subject's number in three digits. Landmarks are in landmark/landmark_SSS.h5 (2024) or
landmarks/landmark_SSS.h5 (2025), one key per scan. `tforms` (N, 4, 4) float32 map the tracked tool
to the camera, in mm; pixels count from 1, frames from 0. Here pixels count from 0 and poses are of
the image in mm: world_from_image = tform @ tool_from_image.
"""

from benchmark.interop.tusrec.layout import Layout, Year, is_tusrec
from benchmark.interop.tusrec.pixels import COUNT_FROM_ONE
from benchmark.interop.tusrec.reading import (
    FRAME_RATE,
    read_splits,
    read_tusrec,
    read_tusrec_scan,
)
from benchmark.interop.tusrec.writing import write_splits, write_tusrec

__all__ = [
    "COUNT_FROM_ONE",
    "FRAME_RATE",
    "Layout",
    "Year",
    "is_tusrec",
    "read_splits",
    "read_tusrec",
    "read_tusrec_scan",
    "write_splits",
    "write_tusrec",
]
