"""MoGLo's six numbers of a step, to and from poses: axes, Euler angles, origin.

MoGLo's axes are x axial (depth), y lateral, z elevational; ours are x lateral, y axial,
z = x × y. Exchanging the first two turns a right-handed frame into a left-handed one, so MoGLo's
z is minus ours: (x, y, z) of MoGLo = (y, x, -z) of ours. The origin is the image centre.
"""

import math
import sys
from typing import Any

import numpy as np

from benchmark import geometry

Array = Any  # numpy.ndarray or torch.Tensor; results are of the kind that came in

# Places of (axial, lateral, elevational) among (lateral, axial, elevational), and their signs.
MOGLO_FROM_IMAGE = (1, 0, 2)
SIGNS = (1.0, 1.0, -1.0)


def euler_yzx_intrinsic(rotation: Array) -> Array:
    """Return angles (..., 3) in radians with R = R_y(a1) R_z(a2) R_x(a3), of R (..., 3, 3).

    a1, a3 in (-pi, pi], a2 in [-pi/2, pi/2].
    """
    library, arctan = _library(rotation)
    first = arctan(-rotation[..., 2, 0], rotation[..., 0, 0])
    cosine = library.sqrt(rotation[..., 1, 1] ** 2 + rotation[..., 1, 2] ** 2)
    second = arctan(rotation[..., 1, 0], cosine)
    third = arctan(-rotation[..., 1, 2], rotation[..., 1, 1])
    return library.stack([first, second, third], -1)


def rotation_from_euler_yzx_intrinsic(angles: Array) -> Array:
    """Return R = R_y(a1) R_z(a2) R_x(a3) (..., 3, 3) of angles (..., 3) in radians."""
    library, _ = _library(angles)
    cos, sin = library.cos(angles), library.sin(angles)
    c1, c2, c3 = (cos[..., i] for i in range(3))
    s1, s2, s3 = (sin[..., i] for i in range(3))
    rows = [
        [c1 * c2, s1 * s3 - c1 * s2 * c3, s1 * c3 + c1 * s2 * s3],
        [s2, c2 * c3, -c2 * s3],
        [-s1 * c2, c1 * s3 + s1 * s2 * c3, c1 * c3 - s1 * s2 * s3],
    ]
    return library.stack([library.stack(row, -1) for row in rows], -2)


def six_from_step(prev_from_frame: Array, centre: Array) -> Array:
    """Return MoGLo's six numbers (..., 6) of steps (..., 4, 4) in image mm.

    centre (..., 3): the image centre in image mm. Translation of the image centre in mm (axial,
    lateral, minus elevational), then intrinsic Y-Z-X Euler angles about those axes in degrees.
    """
    library, _ = _library(prev_from_frame)
    moved = _permuted(geometry.about(centre, prev_from_frame))
    angles = euler_yzx_intrinsic(moved[..., :3, :3])
    return library.concatenate([moved[..., :3, 3], angles * (180 / math.pi)], -1)


def step_from_six(six: Array, centre: Array) -> Array:
    """Return steps (..., 4, 4) in image mm of MoGLo's six numbers; undoes `six_from_step`."""
    rotation = rotation_from_euler_yzx_intrinsic(six[..., 3:] * (math.pi / 180))
    return geometry.about(-centre, _permuted(geometry.compose(rotation, six[..., :3])))


def label_scale(six: np.ndarray, floor: float = 1e-3) -> np.ndarray:
    """Return the scale of labels (6,): the 98th percentile of |six| over steps (N, 6).

    It is at least `floor` (mm and degrees), so that a motion absent from training is not blown up.
    """
    return np.maximum(np.percentile(np.abs(six), 98, axis=0), floor)


def _permuted(pose: Array) -> Array:
    """Return a pose in MoGLo's axes, given in ours, or the other way round."""
    order = list(MOGLO_FROM_IMAGE)
    library, _ = _library(pose)
    if library is np:
        signs = np.array(SIGNS, dtype=pose.dtype)
    else:
        signs = library.tensor(SIGNS, dtype=pose.dtype, device=pose.device)
    rotation = pose[..., order, :][..., order] * (signs[:, None] * signs)
    return geometry.compose(rotation, pose[..., order, 3] * signs)


def _library(array: Array) -> tuple[Any, Any]:
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(array, torch.Tensor):
        return torch, torch.atan2
    return np, np.arctan2
