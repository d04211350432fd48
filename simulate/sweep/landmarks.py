"""The anatomical landmarks of a sweep: points of the tissue that its frames show."""

import numpy as np

from benchmark.geometry import apply, inverse

LANDMARK_BORDER_PX = 2.0  # a point nearer to an image's edge is not in the frame
LANDMARK_OFF_PLANE_MM = 0.3  # an anatomical point further from the plane is not in the frame


def visible_landmarks(
    landmarks_mm: np.ndarray,
    world_from_image: np.ndarray,
    mm_from_pixel: np.ndarray,
    shape: tuple[int, ...],
) -> np.ndarray:
    """Return (L, 3): frame, x_px, y_px of each world point (K, 3) mm in the frame nearest to it.

    A point is left out if no frame (N, 4, 4) comes within LANDMARK_OFF_PLANE_MM of it, or if it
    lies outside of that frame's image (height, width) or on its border. Rows are in order of
    frames.
    """
    if not len(landmarks_mm):
        return np.zeros((0, 3))
    image_mm = apply(inverse(world_from_image), landmarks_mm[None])
    frame = np.abs(image_mm[..., 2]).argmin(0)
    place = image_mm[frame, np.arange(len(landmarks_mm))]
    pixel = np.concatenate([place, np.ones((len(place), 1))], 1) @ np.linalg.inv(mm_from_pixel).T
    upper = np.array([shape[1] - 1, shape[0] - 1]) - LANDMARK_BORDER_PX
    inside = ((pixel[:, :2] >= LANDMARK_BORDER_PX) & (pixel[:, :2] <= upper)).all(1)
    seen = inside & (np.abs(place[:, 2]) <= LANDMARK_OFF_PLANE_MM)
    rows = np.column_stack([frame, pixel[:, :2]])[seen]
    return rows[np.lexsort((rows[:, 2], rows[:, 1], rows[:, 0]))]
