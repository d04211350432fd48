"""The four displacement fields that the scripts of TUS-REC compare, as .npy files.

GP (N-1, 3, H·W) and LP: every pixel of frames 2..N to the first and to the previous frame, x
fastest; GL (3, L) and LL: the same of the landmarks; mm, float32. Written frame by frame.
"""

from pathlib import Path
from typing import Literal, get_args

import numpy as np

from benchmark import geometry
from benchmark.errors import UserError, unknown_name
from benchmark.files import atomic_path
from benchmark.interop.tusrec.pixels import FIRST, whole_landmarks
from benchmark.sweep import Images, Prediction

#: Displacement of a landmark on the first frame: none, or that of its pixel in the last frame,
#: which the challenge's scorer compares with (it looks for frame f at f - 1 among frames 2..N).
FirstFrame = Literal["still", "as_scored"]


def write_displacements(
    folder: Path | str,
    prediction: Prediction,
    images: Images,
    landmarks: np.ndarray,
    first_frame_landmarks: FirstFrame = "still",
) -> list[Path]:
    """Write GP.npy, LP.npy, GL.npy and LL.npy of a prediction; return their paths.

    Parameters
    ----------
    images : the frames that were tracked (only their shape and calibration are used).
    landmarks : (L, 3), frame and pixel, all from 0; taken at the nearest whole pixel, as in the
        challenge's files.
    first_frame_landmarks : how landmarks on frame 0 move, "still" or "as_scored" (`FirstFrame`).

    Raises
    ------
    UserError : a prediction of another number of frames, a landmark outside the sweep, a folder
        that cannot be written.
    """
    folder, count = Path(folder), len(images.frames)
    if len(prediction.first_from_frame) != count:
        raise UserError(f"prediction: {len(prediction.first_from_frame)} poses, {count} frames")
    refuse_unknown_word(first_frame_landmarks)
    marks = whole_landmarks(landmarks, images.frames.shape, "landmarks") - FIRST
    to_first, to_previous = anchored_poses(prediction)
    paths = []
    for letter, poses in (("G", to_first), ("L", to_previous)):
        try:
            paths.append(_write_pixels(folder / f"{letter}P.npy", poses, images))
            moved = landmark_displacements(poses, images, marks, first_frame_landmarks)
            paths.append(_write_array(folder / f"{letter}L.npy", moved))
        except OSError as error:
            raise UserError(f"{folder}: cannot be written ({error.strerror or error})") from error
    return paths


def pixel_points(images: Images) -> np.ndarray:
    """Return every pixel's centre (H·W, 3) in image mm, x fastest."""
    rows, columns = images.frames.shape[1:]
    row, column = np.divmod(np.arange(rows * columns), columns)
    pixels = np.stack([column, row, np.zeros_like(row)], 1).astype(float)
    return geometry.apply(images.mm_from_pixel, pixels)


def displacement(pose: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Return displacements (3, P) float32 mm of points (P, 3) under a pose (4, 4)."""
    return np.ascontiguousarray((geometry.apply(pose, points) - points).T, "<f4")


def landmark_displacements(
    poses: np.ndarray,
    images: Images,
    marks: np.ndarray,
    first_frame_landmarks: FirstFrame = "still",
) -> np.ndarray:
    """Return displacements (3, L) float32 mm of landmarks (L, 3) under their own frame's pose.

    poses: (N, 4, 4) as of `anchored_poses`; landmarks on frame 0 as `FirstFrame` says.
    """
    pixels = np.hstack([marks[:, 1:], np.zeros((len(marks), 1))])
    points = geometry.apply(images.mm_from_pixel, pixels)
    frames = marks[:, 0].astype(int)
    if first_frame_landmarks == "as_scored":
        frames = np.where(frames == 0, len(poses) - 1, frames)
    moved = geometry.apply(poses[frames], points[:, None])[:, 0] - points
    return np.ascontiguousarray(moved.T, "<f4")


def refuse_unknown_word(first_frame_landmarks: str) -> None:
    """Refuse a word that is not one of `FirstFrame`."""
    if first_frame_landmarks not in get_args(FirstFrame):
        raise unknown_name("first_frame_landmarks", first_frame_landmarks, get_args(FirstFrame))


def anchored_poses(prediction: Prediction) -> tuple[np.ndarray, np.ndarray]:
    """Return poses (N, 4, 4) of each frame to the first and to the previous; identity at 0."""
    still = np.eye(4)[None]  # exact, unlike the first of chained poses
    to_first = np.concatenate([still, prediction.first_from_frame[1:]])
    return to_first, np.concatenate([still, prediction.prev_from_frame])


def _write_pixels(path: Path, poses: np.ndarray, images: Images) -> Path:
    points = pixel_points(images)
    header = {"descr": "<f4", "fortran_order": False, "shape": (len(poses) - 1, 3, len(points))}
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        np.lib.format.write_array_header_2_0(file, header)
        for pose in poses[1:]:
            file.write(displacement(pose, points).tobytes())
    return path


def _write_array(path: Path, values: np.ndarray) -> Path:
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        np.save(file, values)
    return path
