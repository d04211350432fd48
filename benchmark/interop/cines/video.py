"""A video, decoded by OpenCV frame by frame."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from benchmark.errors import Report, UserError
from benchmark.frames import SpooledFrames
from benchmark.interop.cines.cine import Cine
from benchmark.interop.cines.grey import luma

SUFFIXES = (".mp4", ".avi", ".mov", ".mkv", ".m4v", ".wmv", ".mpg", ".mpeg", ".webm")


def read_video(path: Path, report: Report) -> Cine:
    """Return the frames of a video at the times that its container states; colours become grey.

    Containers state the number of frames roughly, so all frames are decoded once to count them and
    to read their times. A rotation that the container asks for is applied, as players do.

    Raises
    ------
    UserError : a file in which fewer than two frames can be decoded.
    """
    import cv2

    with _opened(path) as capture:
        stated, rate = (capture.get(key) for key in (cv2.CAP_PROP_FRAME_COUNT, cv2.CAP_PROP_FPS))
        times = _times(capture, rate)
    if len(times) < stated:
        report(f"{path}: {len(times)} of {stated:.0f} frames can be decoded")
    if len(times) < 2:
        raise UserError(
            f"{path}: expected a video, got {len(times)} frames that can be decoded (damaged, "
            "an unknown codec, or a still image?)"
        )
    first = next(_decoded(path), None)
    if first is None:
        raise UserError(f"{path}: none of its frames can be decoded a second time (damaged?)")
    shape = (len(times), *first.shape)
    frames = SpooledFrames(shape, first.dtype, _decoded(path), str(path))
    return Cine(path, frames, times if np.isfinite(times).all() else None)


def _times(capture: Any, rate: float) -> np.ndarray:
    """Return the time (N,) s of every frame, NaN where the container states none."""
    import cv2

    shown = []
    while capture.grab():
        shown.append(capture.get(cv2.CAP_PROP_POS_MSEC) / 1000)
    times = np.array(shown)
    if (np.diff(times) > 0).all():
        return times
    return np.arange(len(times)) / (rate if rate > 0 else np.nan)


def _decoded(path: Path) -> Iterator[np.ndarray]:
    """Yield all frames (H, W) uint8 of a video from the first on."""
    with _opened(path) as capture:
        while True:
            found, frame = capture.read()
            if not found:
                return
            yield luma(np.ascontiguousarray(frame[..., ::-1]))  # OpenCV has blue first


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")  # its messages would precede the error's
    import cv2

    capture = cv2.VideoCapture(str(path))
    try:
        yield capture
    finally:
        capture.release()
