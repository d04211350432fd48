"""Poses of files made rigid after rounding, and calibrations split into a rigid part and scale."""

import numpy as np

from benchmark import geometry
from benchmark.errors import UserError
from benchmark.sweep import SE3_TOLERANCE

ROUNDING = 1e-3  # largest error of a rotation's entries by printing few digits


def settled_poses(poses: np.ndarray, what: str) -> np.ndarray:
    """Return poses (N, 4, 4) whose rotations are orthonormal to the tolerance of a sweep.

    Rotations that are off by up to 1e-3 become the nearest ones (polar factor); those within the
    tolerance stay as they are, to the last bit.

    Raises
    ------
    UserError : a matrix that is not rigid, with its frame.
    """
    settled = np.array(poses, float)
    for index, pose in enumerate(settled):
        if geometry.se3_fault(pose, SE3_TOLERANCE) is None:
            continue
        fault = geometry.se3_fault(pose, ROUNDING)
        if fault:
            raise UserError(f"{what}: frame {index} is not rigid: {fault}")
        u, _, v = np.linalg.svd(pose[:3, :3])
        settled[index, :3, :3], settled[index, 3] = u @ v, (0, 0, 0, 1)
    return settled


def split_calibration(a_from_pixel: np.ndarray, what: str) -> tuple[np.ndarray, np.ndarray]:
    """Return `a_from_image` (..., 4, 4), rigid, and `mm_from_pixel` of `a_from_pixel` (..., 4, 4).

    Their product is `a_from_pixel` for all pixels (column, row, 0, 1). x runs along the columns'
    axis, z = x × y is the image's normal; scale, and skew where the two axes are not at right
    angles, stay in `mm_from_pixel`. The image frame's origin is the first pixel; a calibration
    that has no rotation is left whole in `mm_from_pixel`.

    Raises
    ------
    UserError : numbers that are not finite, or axes of length zero or parallel ones.
    """
    matrix = np.asarray(a_from_pixel, float)
    across, down = matrix[..., :3, 0], matrix[..., :3, 1]
    normal = np.cross(across, down)
    if not np.isfinite(matrix).all() or not np.linalg.norm(normal, axis=-1).all():
        raise UserError(f"{what}: expected a (4, 4) matrix of pixels to mm, its axes in a plane")
    if np.abs(matrix[..., 3, :] - np.array([0, 0, 0, 1])).max() > 1e-9:
        raise UserError(f"{what}: last row is not 0 0 0 1")
    x = across / np.linalg.norm(across, axis=-1, keepdims=True)
    z = normal / np.linalg.norm(normal, axis=-1, keepdims=True)
    rotation = np.stack([x, np.cross(z, x), z], -1)
    mm_from_pixel = np.zeros_like(matrix)
    if np.array_equal(rotation, np.broadcast_to(np.eye(3), rotation.shape)) and not (
        matrix[..., 2, 3].any()
    ):
        mm_from_pixel[...] = matrix
        rigid = geometry.compose(rotation, np.zeros_like(x))
    else:
        mm_from_pixel[..., :3, :2] = rotation.swapaxes(-1, -2) @ matrix[..., :3, :2]
        rigid = geometry.compose(rotation, matrix[..., :3, 3])
    mm_from_pixel[..., 2, :3], mm_from_pixel[..., :2, 2] = (0, 0, 1), 0
    mm_from_pixel[..., 1, 0], mm_from_pixel[..., 3, 3] = 0, 1
    return rigid, mm_from_pixel


def axes_angle(mm_from_pixel: np.ndarray) -> float:
    """Return the angle in degrees between an image's two axes; 90 without skew."""
    x, y = mm_from_pixel[:3, 0], mm_from_pixel[:3, 1]
    return float(np.degrees(np.arccos(x @ y / np.linalg.norm(x) / np.linalg.norm(y))))
