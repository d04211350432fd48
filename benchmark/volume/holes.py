"""Filling of the holes that frames leave between them in a volume, compiled."""

import numpy as np

from benchmark.machine.kernels import compiled

FILLED = np.float32(-1)  # the weight of a voxel that was interpolated across a hole


@compiled(nogil=True)
def fill_holes(values, weights, gap, low, high):
    """Fill each empty voxel that has data on both sides along an axis within a gap.

    gap (3,): the largest number of empty voxels in a row along x, y, z. The value is the linear
    interpolation between the two sides; where several axes have both, they are averaged with
    weights 1 / distance. Filled voxels get the weight -1. Nothing grows outward. Only voxels with
    data are read and only empty ones written, so blocks do not disturb each other.
    """
    size = (values.shape[2], values.shape[1], values.shape[0])
    strides = (1, size[0], size[0] * size[1])
    value, weight = values.reshape(-1), weights.reshape(-1)
    for k in range(low[2], high[2]):
        for j in range(low[1], high[1]):
            for i in range(low[0], high[0]):
                place, at = (i, j, k), k * strides[2] + j * strides[1] + i
                if weight[np.uint64(at)] != 0:
                    continue
                total, shares = 0.0, 0.0
                for axis in range(3):
                    stride, before, after = strides[axis], 0, 0
                    for distance in range(1, min(gap[axis], place[axis]) + 1):
                        if weight[np.uint64(at - distance * stride)] > 0:
                            before = distance
                            break
                    if before == 0:
                        continue
                    room = min(gap[axis] + 1 - before, size[axis] - 1 - place[axis])
                    for distance in range(1, room + 1):
                        if weight[np.uint64(at + distance * stride)] > 0:
                            after = distance
                            break
                    if after > 0:
                        one = value[np.uint64(at - before * stride)]
                        two = value[np.uint64(at + after * stride)]
                        whole = before + after
                        total += (one * after + two * before) / whole / whole
                        shares += 1.0 / whole
                if shares > 0:
                    value[np.uint64(at)] = np.float32(total / shares)
                    weight[np.uint64(at)] = FILLED
