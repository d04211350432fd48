"""Filling of the holes that frames leave between them in a volume, compiled.

    for axis in range(3):
        bridge(values, weights, gap[axis], axis, low, high)
    settle(values, weights, low, high)

Until they are settled, empty voxels hold the sum of weighted interpolations as their value and
minus the sum of their weights as their weight. Each line of voxels is walked along once per axis,
so the time does not depend on the width of gaps.
"""

import numpy as np

from benchmark.machine.kernels import compiled

FILLED = np.float32(-1)  # the weight of a voxel that was interpolated across a hole


@compiled(nogil=True)
def bridge(values, weights, gap, axis, low, high):
    """Add to each empty voxel the interpolation between the data on its two sides along an axis.

    values, weights (Z, Y, X); gap: the largest number of empty voxels in a row that are filled;
    axis: 0, 1, 2 for x, y, z; low, high: the first x, y, z index of the lines to walk and the one
    after the last, the whole axis long whatever they say of it. The weight of an interpolation is
    1 / distance of its two sides. Only voxels with data are read and only empty ones written, so
    blocks do not disturb each other.
    """
    rows, columns = values.shape[1], values.shape[2]
    strides, lengths = (1, columns, columns * rows), (columns, rows, values.shape[0])
    value, weight = values.reshape(-1), weights.reshape(-1)
    outer, stride, length = 1 if axis == 2 else 2, strides[axis], lengths[axis]
    # Neighbouring lines along y or z go side by side, so that memory is read in its order.
    first, last = (low[1], high[1]) if axis == 0 else (0, 1)
    inner, beside = (low[0], high[0]) if axis > 0 else (0, 1)
    before = np.empty(beside, np.int64)
    for a in range(low[outer], high[outer]):
        for b in range(first, last):
            start = a * strides[outer] + b * columns
            before[:] = -1
            for index in range(length):
                for i in range(inner, beside):
                    if weight[np.uint64(start + index * stride + i)] > 0:
                        whole = index - before[i]
                        if before[i] >= 0 and 1 < whole <= gap + 1:
                            _interpolate(
                                value, weight, start + before[i] * stride + i, stride, whole
                            )
                        before[i] = index


@compiled(nogil=True)
def _interpolate(value, weight, start, stride, whole):
    """Add to the voxels between two with data, `whole` strides apart, their interpolation."""
    left, right = value[np.uint64(start)], value[np.uint64(start + whole * stride)]
    for step in range(1, whole):
        at = np.uint64(start + step * stride)
        value[at] += np.float32((left * (whole - step) + right * step) / whole / whole)
        weight[at] -= np.float32(1.0 / whole)


@compiled(nogil=True)
def settle(values, weights, low, high):
    """Turn the sums of the bridged voxels of a block into means, and their weights into -1."""
    for k in range(low[2], high[2]):
        for j in range(low[1], high[1]):
            for i in range(low[0], high[0]):
                weight = weights[k, j, i]
                if weight < 0:
                    values[k, j, i] /= -weight
                    weights[k, j, i] = FILLED
