"""Pixels of the challenge: counted from 1, and whole where they are landmarks."""

import numpy as np

from benchmark.errors import UserError

#: Pixels counted from 0 -> from 1, (4, 4).
COUNT_FROM_ONE = np.array([[1.0, 0, 0, 1], [0, 1, 0, 1], [0, 0, 1, 0], [0, 0, 0, 1]])
#: Frame, x, y of a landmark counted from 0 -> as the challenge counts them.
FIRST = np.array([0, 1, 1])


def whole_landmarks(landmarks: np.ndarray, shape: tuple[int, ...], what: str) -> np.ndarray:
    """Return landmarks (L, 3) int64 as the challenge has them: x and y whole and from 1.

    landmarks (L, 3): frame, x_px, y_px from 0; shape: of the frames (N, H, W); what: named in
    errors. A place is rounded to the nearest pixel.

    Raises
    ------
    UserError : a landmark outside the frames.
    """
    marks = np.asarray(landmarks, float).reshape(-1, 3)
    last = np.array([shape[0], shape[2], shape[1]]) - 1
    half = np.array([0, 0.5, 0.5])  # a pixel reaches half its size beyond its centre
    outside = ~((marks >= -half) & (marks <= last + half)).all(1)
    if outside.any():
        index = int(outside.argmax())
        raise UserError(
            f"{what}: landmark {index}: expected frame, x, y from 0 to {last.tolist()}, "
            f"got {marks[index].tolist()}"
        )
    return np.clip(np.rint(marks), 0, last).astype(np.int64) + FIRST
