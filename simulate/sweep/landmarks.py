"""The anatomical landmarks of a sweep: points of the tissue that its frames show."""

from itertools import repeat

import numpy as np

from benchmark.geometry import apply, inverse
from simulate.tissue.answers import Displacement

LANDMARK_BORDER_PX = 2.0  # a point nearer to an image's edge is not in the frame
LANDMARK_OFF_PLANE_MM = 0.3  # an anatomical point further from the plane is not in the frame


def visible_landmarks(
    landmarks_mm: np.ndarray,
    world_from_image: np.ndarray,
    mm_from_pixel: np.ndarray,
    shape: tuple[int, ...],
    times_s: np.ndarray,
    displacement: Displacement | None = None,
    mask: np.ndarray | None = None,
) -> np.ndarray:
    """Return (L, 3): frame, x_px, y_px of each landmark in the frame nearest to it.

    A landmark that moves is looked for where it is at each frame's time. It is left out if no frame
    comes within LANDMARK_OFF_PLANE_MM of it, or if it lies outside of that frame's image, on its
    border, or where the image shows no tissue. Rows are in order of frames.

    Parameters
    ----------
    landmarks_mm : (K, 3) at rest, world mm.
    world_from_image : (N, 4, 4) of the frames.
    mm_from_pixel : (4, 4), a scale along each axis and a shift.
    shape : height and width of a frame.
    times_s : (N,) of the frames.
    displacement : of the tissue; None where it is at rest.
    mask : (height, width), whether a pixel shows tissue; None where all of them do.
    """
    if not len(landmarks_mm):
        return np.zeros((0, 3))
    moments = zip(repeat(landmarks_mm), times_s.tolist(), world_from_image)
    moved = 0.0 if displacement is None else np.stack([displacement(*m) for m in moments])
    image_mm = apply(inverse(world_from_image), landmarks_mm[None] + moved)
    frame = np.abs(image_mm[..., 2]).argmin(0)
    place = image_mm[frame, np.arange(len(landmarks_mm))]
    pixel = (place[:, :2] - mm_from_pixel[:2, 3]) / mm_from_pixel[[0, 1], [0, 1]]
    upper = np.array([shape[1] - 1, shape[0] - 1]) - LANDMARK_BORDER_PX
    inside = ((pixel >= LANDMARK_BORDER_PX) & (pixel <= upper)).all(1)
    seen = inside & (np.abs(place[:, 2]) <= LANDMARK_OFF_PLANE_MM)
    rows = np.column_stack([frame, pixel])[seen]
    if mask is not None:
        column, row = np.rint(rows[:, 1:]).astype(np.int64).T
        rows = rows[mask[row, column]]
    return rows[np.lexsort((rows[:, 2], rows[:, 1], rows[:, 0]))]
