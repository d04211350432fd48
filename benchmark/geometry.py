"""SE(3) on arrays of shape (..., 4, 4), for numpy and torch alike.

`a_from_b` maps coordinates in frame b to frame a, so `a_from_c = a_from_b @ b_from_c`.
Lengths are in mm, angles in radians. Six-vectors put translation first, rotation second.
Torch is used only where the caller hands in tensors; it is never imported here.
"""

import sys
from collections.abc import Sequence
from typing import Any

import numpy as np

Array = Any  # numpy.ndarray or torch.Tensor; results are of the kind that came in


def _library(array: Array) -> Any:
    torch = sys.modules.get("torch")
    return torch if torch is not None and isinstance(array, torch.Tensor) else np


def _stack(library: Any, parts: list[Array]) -> Array:
    return library.stack(parts, -1)


def _matrix(library: Any, rows: list[list[Array]]) -> Array:
    return library.stack([library.stack(row, -1) for row in rows], -2)


def multiply(a: Array, b: Array) -> Array:
    """Return the matrix product (..., I, K) of a (..., I, J) and b (..., J, K), for small J.

    For numpy its bits are the same on every processor: the sum is written out, in one order. A BLAS
    adds in an order, and rounds as often, as the processor it finds allows.
    """
    if _library(a) is not np:
        return a @ b
    total = a[..., :, :1] * b[..., :1, :]
    for j in range(1, a.shape[-1]):
        total = total + a[..., :, j : j + 1] * b[..., j : j + 1, :]
    return total


def norm(vectors: np.ndarray) -> np.ndarray:
    """Return the lengths (...) of vectors (..., 3), by a sum in one order as in `multiply`."""
    x, y, z = vectors[..., 0], vectors[..., 1], vectors[..., 2]
    return np.sqrt(x * x + y * y + z * z)


def _safe(library: Any, value: Array, bad: Array) -> Array:
    """Return `value` with ones where `bad`, so that no branch of a `where` divides by zero."""
    return library.where(bad, library.ones_like(value), value)


def skew(vector: Array) -> Array:
    """Return the cross-product matrix (..., 3, 3) of a vector (..., 3)."""
    library = _library(vector)
    x, y, z = vector[..., 0], vector[..., 1], vector[..., 2]
    zero = library.zeros_like(x)
    return _matrix(library, [[zero, -z, y], [z, zero, -x], [-y, x, zero]])


def _coefficients(square: Array) -> tuple[Array, Array, Array]:
    """Return sin(t)/t, (1-cos t)/t^2, (t-sin t)/t^3 for t^2 = `square`, exact at zero.

    Series below t = 0.3, where the closed forms lose digits.
    """
    library = _library(square)
    small = square < 0.09
    safe = _safe(library, square, small)
    angle = library.sqrt(safe)
    sine, half = library.sin(angle), library.sin(angle / 2)
    s = square
    a = 1 - s / 6 * (1 - s / 20 * (1 - s / 42 * (1 - s / 72 * (1 - s / 110))))
    b = (1 - s / 12 * (1 - s / 30 * (1 - s / 56 * (1 - s / 90 * (1 - s / 132))))) / 2
    c = (1 - s / 20 * (1 - s / 42 * (1 - s / 72 * (1 - s / 110 * (1 - s / 156))))) / 6
    return (
        library.where(small, a, sine / angle),
        library.where(small, b, 2 * half * half / safe),
        library.where(small, c, (angle - sine) / (safe * angle)),
    )


def rotation_from_vector(vector: Array) -> Array:
    """Return the rotation (..., 3, 3) of a rotation vector (..., 3) in radians (Rodrigues)."""
    library = _library(vector)
    a, b, _ = _coefficients((vector * vector).sum(-1))
    matrix = skew(vector)
    identity = _eye(library, vector, 3)
    return identity + a[..., None, None] * matrix + b[..., None, None] * multiply(matrix, matrix)


def _eye(library: Any, like: Array, size: int) -> Array:
    if library is np:
        return np.eye(size, dtype=like.dtype)
    return library.eye(size, dtype=like.dtype, device=like.device)


def _quaternion(rotation: Array) -> Array:
    """Return a unit quaternion (..., 4), w first, w >= 0, of a rotation (..., 3, 3).

    Of the four equivalent forms the one with the largest divisor is taken (Shepperd 1978), so
    that no digits are lost at any angle.
    """
    library = _library(rotation)
    r = [[rotation[..., i, j] for j in range(3)] for i in range(3)]
    trace = r[0][0] + r[1][1] + r[2][2]
    one = library.ones_like(trace)
    wx, wy, wz = r[2][1] - r[1][2], r[0][2] - r[2][0], r[1][0] - r[0][1]
    xy, xz, yz = r[0][1] + r[1][0], r[0][2] + r[2][0], r[1][2] + r[2][1]
    squares = [one + trace] + [one + 2 * r[i][i] - trace for i in range(3)]
    rows = [
        [squares[0], wx, wy, wz],
        [wx, squares[1], xy, xz],
        [wy, xy, squares[2], yz],
        [wz, xz, yz, squares[3]],
    ]
    best = library.argmax(_stack(library, squares), -1)
    quaternion = _stack(library, rows[3])
    for index in range(3):
        quaternion = library.where(
            (best == index)[..., None], _stack(library, rows[index]), quaternion
        )
    quaternion = quaternion / library.sqrt((quaternion * quaternion).sum(-1))[..., None]
    return library.where((quaternion[..., :1] < 0), -quaternion, quaternion)


def vector_from_rotation(rotation: Array) -> Array:
    """Return the rotation vector (..., 3) in radians, angle in [0, pi], of a rotation (..., 3, 3).

    Accurate at zero and near pi: it goes through the quaternion, not through arccos(trace).
    """
    library = _library(rotation)
    quaternion = _quaternion(rotation)
    w, axis = quaternion[..., 0], quaternion[..., 1:]
    square = (axis * axis).sum(-1)
    small = square < 1e-12
    sine = library.sqrt(_safe(library, square, small))
    arctan = library.arctan2 if library is np else library.atan2
    scale = library.where(small, 2 / _safe(library, w, w < 0.5), 2 * arctan(sine, w) / sine)
    return axis * scale[..., None]


def rotation_angle(a_from_b: Array) -> Array:
    """Return the rotation angle (...) in radians, in [0, pi], of a pose (..., 4, 4)."""
    vector = vector_from_rotation(a_from_b[..., :3, :3])
    return _library(vector).sqrt((vector * vector).sum(-1))


def compose(rotation: Array, translation: Array) -> Array:
    """Return the pose (..., 4, 4) of a rotation (..., 3, 3) and a translation (..., 3) in mm."""
    library = _library(rotation)
    top = library.concatenate([rotation, translation[..., None]], -1)
    zero = library.zeros_like(top[..., :1, :])
    if library is np:
        bottom = zero + np.array([0.0, 0.0, 0.0, 1.0], dtype=top.dtype)
    else:
        bottom = zero + library.tensor([0.0, 0.0, 0.0, 1.0], dtype=top.dtype, device=top.device)
    return library.concatenate([top, bottom], -2)


def exp(twist: Array) -> Array:
    """Return the pose (..., 4, 4) of a twist (..., 6): translation part (mm), rotation part (rad).

    The exponential map of SE(3), e.g. Sola et al., arXiv 1812.01537, eqs 172 and 174.
    """
    library = _library(twist)
    velocity, vector = twist[..., :3], twist[..., 3:]
    _, b, c = _coefficients((vector * vector).sum(-1))
    matrix = skew(vector)
    left = _eye(library, twist, 3) + b[..., None, None] * matrix
    left = left + c[..., None, None] * multiply(matrix, matrix)
    return compose(rotation_from_vector(vector), multiply(left, velocity[..., None])[..., 0])


def log(a_from_b: Array) -> Array:
    """Return the twist (..., 6) of a pose (..., 4, 4), translation (mm) first; undoes `exp`."""
    library = _library(a_from_b)
    vector = vector_from_rotation(a_from_b[..., :3, :3])
    square = (vector * vector).sum(-1)
    small = square < 0.09
    safe = _safe(library, square, small)
    half = library.sqrt(safe) / 2
    closed = (1 - half * library.cos(half) / library.sin(half)) / safe
    s = square
    series = 1 / 12 + s * (1 / 720 + s * (1 / 30240 + s * (1 / 1209600 + s / 47900160)))
    d = library.where(small, series, closed)
    matrix = skew(vector)
    square_matrix = multiply(matrix, matrix)
    inverse_left = _eye(library, a_from_b, 3) - matrix / 2 + d[..., None, None] * square_matrix
    velocity = multiply(inverse_left, a_from_b[..., :3, 3:])[..., 0]
    return library.concatenate([velocity, vector], -1)


def inverse(a_from_b: Array) -> Array:
    """Return `b_from_a` (..., 4, 4) of a rigid `a_from_b` (..., 4, 4)."""
    rotation = a_from_b[..., :3, :3]
    transposed = rotation.swapaxes(-1, -2)
    return compose(transposed, -multiply(transposed, a_from_b[..., :3, 3:])[..., 0])


def chain(prev_from_frame: Array) -> Array:
    """Return `first_from_frame` (N, 4, 4), the first being identity, of N-1 steps (..., N-1, 4, 4).

    Steps run along the third axis from the end. Products are formed by doubling, so that the
    depth of the computation, and of its gradient, is log2 of N.
    """
    library = _library(prev_from_frame)
    identity = library.zeros_like(prev_from_frame[..., :1, :, :])
    identity = identity + _eye(library, prev_from_frame, 4)
    if prev_from_frame.shape[-3] == 0:
        shape = (*prev_from_frame.shape[:-3], 1, 4, 4)
        return library.broadcast_to(_eye(library, prev_from_frame, 4), shape)
    poses, shift = prev_from_frame, 1
    while shift < poses.shape[-3]:
        joined = multiply(poses[..., :-shift, :, :], poses[..., shift:, :, :])
        poses = library.concatenate([poses[..., :shift, :, :], joined], -3)
        shift *= 2
    return library.concatenate([identity, poses], -3)


def relative(world_from_frame: Array) -> Array:
    """Return the steps `prev_from_frame` (..., N-1, 4, 4) of poses (..., N, 4, 4)."""
    return multiply(inverse(world_from_frame[..., :-1, :, :]), world_from_frame[..., 1:, :, :])


def anchor(world_from_frame: Array) -> Array:
    """Return `first_from_frame` (..., N, 4, 4) of poses in any world (..., N, 4, 4)."""
    return multiply(inverse(world_from_frame[..., :1, :, :]), world_from_frame)


def unanchor(world_from_frame: Array, first_from_frame: Array) -> Array:
    """Return poses (..., N, 4, 4) in the world in which the first frame's pose is known.

    world_from_frame (..., N, 4, 4): only its first pose is used; first_from_frame (..., N, 4, 4):
    poses of the same frames in the first one, e.g. predicted.
    """
    return multiply(world_from_frame[..., :1, :, :], first_from_frame)


def apply(a_from_b: Array, points_b: Array) -> Array:
    """Return points (..., P, 3) in frame a of points (..., P, 3) in frame b (mm)."""
    rotation, translation = a_from_b[..., :3, :3], a_from_b[..., None, :3, 3]
    return multiply(points_b, rotation.swapaxes(-1, -2)) + translation


def degrees_of_freedom(a_from_b: Array) -> Array:
    """Return (..., 6): translation in mm (x, y, z), then the rotation vector in radians."""
    library = _library(a_from_b)
    vector = vector_from_rotation(a_from_b[..., :3, :3])
    return library.concatenate([a_from_b[..., :3, 3], vector], -1)


def from_degrees_of_freedom(values: Array) -> Array:
    """Return the pose (..., 4, 4) of (..., 6) translation in mm and rotation vector in radians."""
    return compose(rotation_from_vector(values[..., 3:]), values[..., :3])


def about(centre: Array, a_from_b: Array) -> Array:
    """Return the pose after the origins of both frames are moved to `centre` (..., 3).

    centre: the same coordinates in each of the two frames. The rotation stays; the translation
    becomes the motion of that point (e.g. the image centre).
    """
    moved = apply(a_from_b, centre[..., None, :])[..., 0, :]
    return compose(a_from_b[..., :3, :3], moved - centre)


def image_centre(mm_from_pixel: Array, shape: Sequence[int]) -> Array:
    """Return the centre (..., 3), image mm, of images of `shape` (..., height, width) in pixels.

    mm_from_pixel: (..., 4, 4).
    """
    height, width = shape[-2:]
    along_x, along_y = mm_from_pixel[..., :3, 0], mm_from_pixel[..., :3, 1]
    return along_x * ((width - 1) / 2) + along_y * ((height - 1) / 2) + mm_from_pixel[..., :3, 3]


def path_length(points: np.ndarray) -> float:
    """Return the length of the polyline through points (N, 3), in their unit."""
    return float(norm(np.diff(points, axis=0)).sum())


def interpolate(times: np.ndarray, world_from_frame: np.ndarray, query: np.ndarray) -> np.ndarray:
    """Return poses (Q, 4, 4) at `query` (Q,) s between poses (N, 4, 4) at `times` (N,) s.

    Each pair of neighbours is joined by its geodesic, the constant screw motion
    T_i exp(s log(T_i^-1 T_i+1)), which does not depend on the choice of either frame's origin.
    Outside the range of times the first or the last screw is continued.
    """
    if len(times) == 1:
        return np.repeat(world_from_frame, len(query), 0)
    left = np.clip(np.searchsorted(times, query, side="right") - 1, 0, len(times) - 2)
    share = (query - times[left]) / (times[left + 1] - times[left])
    twists = log(relative(world_from_frame))[left]
    return multiply(world_from_frame[left], exp(share[:, None] * twists))


def se3_fault(a_from_b: np.ndarray, tolerance: float = 1e-5) -> str | None:
    """Return in words why an array (..., 4, 4) is not of rigid poses, or None if it is."""
    if a_from_b.ndim < 2 or a_from_b.shape[-2:] != (4, 4):
        return f"expected shape (..., 4, 4), got {a_from_b.shape}"
    if not np.isfinite(a_from_b).all():
        return "holds NaN or infinite values"
    rotation = a_from_b[..., :3, :3]
    product = rotation @ rotation.swapaxes(-1, -2)
    worst = float(np.abs(product - np.eye(3)).max(initial=0))
    if worst > tolerance:
        return f"rotation is not orthonormal (off by {worst:.2g}, allowed {tolerance:g})"
    if (np.linalg.det(rotation) < 0).any():
        return "holds a reflection (determinant -1)"
    bottom = float(np.abs(a_from_b[..., 3, :] - np.array([0, 0, 0, 1])).max(initial=0))
    if bottom > tolerance:
        return f"last row is not 0 0 0 1 (off by {bottom:.2g})"
    return None
