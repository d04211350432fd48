"""The volume that an image plane sweeps, on a grid: the kernel of the overlap.

Imported only when a metric needs it, because it loads numba.
"""

import math

import numpy as np

from benchmark.machine.kernels import compiled
from benchmark.workers import in_parts

SPACING_MM = 0.5
#: A prediction far from the truth would need a huge grid: beyond this the spacing grows.
MOST_VOXELS = 40_000_000
TRUE_BIT, PREDICTED_BIT = 1, 2


def swept_volumes(true: np.ndarray, predicted: np.ndarray) -> tuple[float, float, float]:
    """Return the swept volumes in mm^3: true, predicted, shared.

    Between neighbouring frames a voxel is swept when its centre lies between the two planes and
    the point that divides it between them in the ratio of its distances lies inside the image.

    Parameters
    ----------
    true, predicted : corners (N, 4, 3) of the frames in mm: first row left and right, last row
        left and right.
    """
    every = np.concatenate([true, predicted]).reshape(-1, 3)
    low, size = every.min(0), np.ptp(every, axis=0)
    volume = float(np.prod(size + SPACING_MM))
    spacing = max(SPACING_MM, (volume / MOST_VOXELS) ** (1 / 3))
    counts = np.maximum(1, np.ceil(size / spacing)).astype(np.int64)
    mask = np.zeros(tuple(counts), np.uint8)
    for corners, bit in ((true, TRUE_BIT), (predicted, PREDICTED_BIT)):
        # In grid units, voxel centres at whole numbers: the first lies half a voxel inside, so that
        # the volume of a box has no bias of half a voxel per face.
        _mark(mask, np.ascontiguousarray((corners - low) / spacing - 0.5), bit)
    tally = _tally(mask.ravel()) * spacing**3
    return float(tally[1] + tally[3]), float(tally[2] + tally[3]), float(tally[3])


@compiled()
def _tally(flat: np.ndarray) -> np.ndarray:
    """Return how many voxels hold 0, 1, 2 and 3 (bincount would widen them to 8 bytes each)."""
    counts = np.zeros(4, np.int64)
    for value in flat:
        counts[value] += 1
    return counts


def _mark(mask: np.ndarray, corners: np.ndarray, bit: int) -> None:
    # Threads may write the same voxel, but always the same bit over the same old value.
    in_parts(lambda start, stop: _mark_some(mask, corners[start : stop + 1], bit), len(corners) - 1)


@compiled(nogil=True)
def _mark_some(mask: np.ndarray, corners: np.ndarray, bit: int) -> None:
    for index in range(len(corners) - 1):
        _mark_between(mask, corners[index], corners[index + 1], bit)


@compiled()
def _affine_forms(corners: np.ndarray) -> np.ndarray:
    """Return forms (3, 4), value = form[:3] @ point + form[3]: the distance to the image plane,
    and the places across and down the image, 0 to 1 inside it."""
    origin = corners[0]
    across, down = corners[1] - origin, corners[2] - origin
    forms = np.empty((3, 4))
    for k in range(3):
        p, q = (k + 1) % 3, (k + 2) % 3
        forms[0, k] = across[p] * down[q] - across[q] * down[p]
    forms[0, :3] /= math.sqrt((forms[0, :3] ** 2).sum())
    forms[1, :3] = across / (across * across).sum()
    forms[2, :3] = down / (down * down).sum()
    for row in range(3):
        forms[row, 3] = -(forms[row, :3] * origin).sum()
    return forms


@compiled()
def _bounds(one: np.ndarray, other: np.ndarray, most: int) -> tuple[int, int]:
    """Return the first and last voxel on one axis that two frames can reach."""
    low, high = min(one.min(), other.min()), max(one.max(), other.max())
    return max(0, math.ceil(low)), min(most - 1, math.floor(high))


@compiled()
def _mark_between(mask: np.ndarray, one: np.ndarray, other: np.ndarray, bit: int) -> None:
    """Walk over the columns of voxels most nearly along the normals, from plane to plane."""
    f, g = _affine_forms(one), _affine_forms(other)
    k = int(np.argmax(np.abs(f[0, :3]) + np.abs(g[0, :3])))
    i, j = (k + 1) % 3, (k + 2) % 3
    first_u, last_u = _bounds(one[:, i], other[:, i], mask.shape[i])
    first_v, last_v = _bounds(one[:, j], other[:, j], mask.shape[j])
    first_w, last_w = _bounds(one[:, k], other[:, k], mask.shape[k])
    stride, flat = mask.strides, mask.ravel()
    steep = abs(f[0, k]) > 1e-6 and abs(g[0, k]) > 1e-6
    order = np.array([i, j, 3])
    # Heights of both planes over column (u, v): rise[0] u + rise[1] v + rise[2].
    rise_f = -f[0][order] / f[0, k] if steep else np.zeros(3)
    rise_g = -g[0][order] / g[0, k] if steep else np.zeros(3)
    begin, end = first_w, last_w  # of a plane that stands along the columns all is tried
    for u in range(first_u, last_u + 1):
        start_f, start_g = rise_f[0] * u + rise_f[2], rise_g[0] * u + rise_g[2]
        for v in range(first_v, last_v + 1):
            if steep:
                one_height, other_height = start_f + rise_f[1] * v, start_g + rise_g[1] * v
                bottom, top = min(one_height, other_height), max(one_height, other_height)
                if top < first_w or bottom > last_w:
                    continue
                begin = math.ceil(max(bottom, first_w))
                end = math.floor(min(top, last_w))
            for w in range(begin, end + 1):
                if _is_between(f, g, i, j, k, u, v, w):
                    flat[u * stride[i] + v * stride[j] + w * stride[k]] |= bit


@compiled()
def _is_between(
    f: np.ndarray, g: np.ndarray, i: int, j: int, k: int, u: int, v: int, w: int
) -> bool:
    d1 = f[0, i] * u + f[0, j] * v + f[0, k] * w + f[0, 3]
    d2 = g[0, i] * u + g[0, j] * v + g[0, k] * w + g[0, 3]
    if d1 * d2 > 0 or d1 == d2:
        return False
    share = d1 / (d1 - d2)
    for row in range(1, 3):
        here = f[row, i] * u + f[row, j] * v + f[row, k] * w + f[row, 3]
        there = g[row, i] * u + g[row, j] * v + g[row, k] * w + g[row, 3]
        if not 0 <= here + share * (there - here) <= 1:
            return False
    return True
