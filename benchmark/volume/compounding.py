"""Compiled kernels that compound pixels into voxels, one block of voxels at a time.

Every voxel belongs to exactly one block and a block takes frames, rows and columns in rising
order, so each voxel sees the same sums in the same order however many blocks and threads there
are: the volume is the same to the last bit. Arrays of voxels are [z, y, x], x fastest.

Forward kernels follow each image row, a straight line in the volume, and take from it the
columns inside the block; the backward kernel follows each voxel line through the image in the
same way. So a block only visits the pixels that reach it.

Three rules make the inner loops up to seven times faster: matrix entries are copied out of the
arrays before the loop (the compiler must assume that a store to the volume changes an array),
indices are unsigned (numba tests signed ones for counting from the end), and functions called per
pixel take numbers only (an array costs two atomic reference counts per call).
"""

import math

import numpy as np

from benchmark.machine.kernels import compiled

MEAN, MAXIMUM, LATEST, PIXEL_MAXIMUM = 0, 1, 2, 3
MODES = {"mean": MEAN, "max": MAXIMUM, "latest": LATEST, "max-pixel": PIXEL_MAXIMUM}
LEAST_SHARE = 0.125 - 1e-6  # trilinear weight of a pixel amid eight voxels, but for rounding
PARALLEL = 1e-6  # a line that changes a coordinate by less than this along its length
LEAST_WEIGHT = 1e-6  # smaller weights are rounding, not data


@compiled(nogil=True)
def _clip(start, step, low, high, first, last):
    """Return the part of [first, last) in which low <= start + index * step < high.

    The ends are settled with the same expression that the caller evaluates, so rounding is the
    same here and there: neighbouring blocks neither share an index nor lose one.
    """
    if first >= last:
        return first, first
    head, tail = start + first * step, start + (last - 1) * step
    if (head < low and tail < low) or (head >= high and tail >= high):
        return first, first
    if abs(step) * (last - first) > PARALLEL:
        enter, leave = (low - start) / step, (high - start) / step
        if step < 0:
            enter, leave = leave, enter
        first = max(first, math.floor(enter) - 1)
        last = min(last, math.ceil(leave) + 2)
    while first < last and not (low <= start + first * step < high):
        first += 1
    while first < last and not (low <= start + (last - 1) * step < high):
        last -= 1
    return first, last


@compiled(nogil=True)
def _on_row(m, row, shift, beyond, low, high, crop):
    """Return x, y, z of a row's first column, shifted, and the columns that lie in a block.

    beyond: how far past the block's high index x, y and z may be.
    """
    x = m[0, 3] + m[0, 1] * row + shift
    y = m[1, 3] + m[1, 1] * row + shift
    z = m[2, 3] + m[2, 1] * row + shift
    first, last = _clip(x, m[0, 0], low[0], high[0] + beyond, crop[2], crop[3])
    first, last = _clip(y, m[1, 0], low[1], high[1] + beyond, first, last)
    first, last = _clip(z, m[2, 0], low[2], high[2] + beyond, first, last)
    return x, y, z, first, last


@compiled(nogil=True)
def nearest(frames, voxel_from_pixel, crop, mask, low, high, mode, values, weights):
    """Put each pixel into the voxel whose centre is nearest (pixel nearest neighbour).

    frames (N, H, W); voxel_from_pixel (N, 3, 4); crop: first row, row after the last, the same
    for columns; mask (H, W): the pixels that count, None for all (compiled apart); low, high: the
    block's first x, y, z index and the one after its last; values, weights (Z, Y, X): the sums
    (mean), maxima or last pixels, and the number of pixels.
    """
    for frame in range(frames.shape[0]):
        m = voxel_from_pixel[frame]
        for row in range(crop[0], crop[1]):
            x, y, z, first, last = _on_row(m, row, 0.5, 0, low, high, crop)
            dx, dy, dz = m[0, 0], m[1, 0], m[2, 0]
            for column in range(first, last):
                if mask is not None and not mask[row, column]:
                    continue
                i, j = np.uint64(x + column * dx), np.uint64(y + column * dy)
                k = np.uint64(z + column * dz)
                value, old = np.float32(frames[frame, row, column]), weights[k, j, i]
                values[k, j, i] = _kept(values[k, j, i], old, value, np.float32(1), mode)
                weights[k, j, i] = old + np.float32(1)


@compiled(nogil=True)
def _kept(present, present_weight, value, weight, mode):
    """Return the content of a voxel after one more value: sum, maximum (of either kind), latest."""
    if mode == MEAN:
        return present + weight * value
    if mode == LATEST or present_weight == 0 or value > present:
        return value
    return present


@compiled(nogil=True)
def _splat(image, m, crop, mask, low, high, offset, sums, weights):
    """Share each pixel of one image among the eight voxels around it, by trilinear weights.

    Only voxels of the block [low, high) receive; they lie in the arrays at their index - offset.
    """
    for row in range(crop[0], crop[1]):
        x, y, z, first, last = _on_row(m, row, 1.0, 1, low, high, crop)
        dx, dy, dz = m[0, 0], m[1, 0], m[2, 0]
        for column in range(first, last):
            if mask is not None and not mask[row, column]:
                continue
            value = np.float32(image[row, column])
            px, py, pz = x + column * dx, y + column * dy, z + column * dz
            i, j, k = int(px), int(py), int(pz)
            right, down, far = np.float32(px - i), np.float32(py - j), np.float32(pz - k)
            one = np.float32(1)
            begin, end = i - 1 >= low[0], i < high[0]
            i -= offset[0]
            for kk, wz in ((k - 1, one - far), (k, far)):
                if low[2] <= kk < high[2]:
                    for jj, wy in ((j - 1, one - down), (j, down)):
                        if low[1] <= jj < high[1]:
                            c, b = np.uint64(kk - offset[2]), np.uint64(jj - offset[1])
                            if begin:
                                a, weight = np.uint64(i - 1), wz * wy * (one - right)
                                sums[c, b, a] += weight * value
                                weights[c, b, a] += weight
                            if end:
                                a, weight = np.uint64(i), wz * wy * right
                                sums[c, b, a] += weight * value
                                weights[c, b, a] += weight


@compiled(nogil=True)
def _brightest(image, m, crop, mask, low, high, values, weights):
    """Put each pixel into the voxels that are darker, where its trilinear weight is at least 1/8.

    Of the eight voxels around a pixel these are all where it lies amid them, else the nearer ones.
    """
    for row in range(crop[0], crop[1]):
        x, y, z, first, last = _on_row(m, row, 1.0, 1, low, high, crop)
        for column in range(first, last):
            if mask is not None and not mask[row, column]:
                continue
            value = np.float32(image[row, column])
            px, py, pz = x + column * m[0, 0], y + column * m[1, 0], z + column * m[2, 0]
            i, j, k = int(px), int(py), int(pz)
            right, down, far = px - i, py - j, pz - k
            for kk, wz in ((k - 1, 1 - far), (k, far)):
                for jj, wy in ((j - 1, 1 - down), (j, down)):
                    for ii, wx in ((i - 1, 1 - right), (i, right)):
                        within = low[2] <= kk < high[2] and low[1] <= jj < high[1]
                        weight = np.float32(wz * wy * wx)
                        if within and low[0] <= ii < high[0] and weight >= LEAST_SHARE:
                            c, b, a = np.uint64(kk), np.uint64(jj), np.uint64(ii)
                            old = weights[c, b, a]
                            values[c, b, a] = _kept(values[c, b, a], old, value, weight, MAXIMUM)
                            weights[c, b, a] = old + weight


@compiled(nogil=True)
def trilinear(frames, voxel_from_pixel, crop, mask, low, high, mode, values, weights):
    """Share each pixel among eight voxels; arguments as `nearest`, weights being their sums.

    For the maximum and the latest, the pixels of one frame are first averaged per voxel (weighted
    mean), and the frames are then compounded. For the maximum of pixels, nothing is averaged.
    """
    if mode == PIXEL_MAXIMUM:
        for frame in range(frames.shape[0]):
            m = voxel_from_pixel[frame]
            _brightest(frames[frame], m, crop, mask, low, high, values, weights)
        return
    if mode == MEAN:
        for frame in range(frames.shape[0]):
            m = voxel_from_pixel[frame]
            _splat(frames[frame], m, crop, mask, low, high, np.zeros(3, np.int64), values, weights)
        return
    size = high - low
    sums = np.zeros((size[2], size[1], size[0]), np.float32)
    shares = np.zeros_like(sums)
    for frame in range(frames.shape[0]):
        m = voxel_from_pixel[frame]
        near, far = _reached(m, crop, low, high)
        if (near >= far).any():
            continue
        _splat(frames[frame], m, crop, mask, near, far, low, sums, shares)
        _merge(sums, shares, low, near, far, mode, values, weights)


@compiled(nogil=True)
def _merge(sums, shares, offset, low, high, mode, values, weights):
    """Compound one frame's own splat, which lies at the voxels' index - offset, and clear it."""
    for k in range(low[2], high[2]):
        for j in range(low[1], high[1]):
            for i in range(low[0], high[0]):
                c, b = np.uint64(k - offset[2]), np.uint64(j - offset[1])
                a = np.uint64(i - offset[0])
                share = shares[c, b, a]
                if share > LEAST_WEIGHT:
                    z, y, x = np.uint64(k), np.uint64(j), np.uint64(i)
                    old, value = weights[z, y, x], sums[c, b, a] / share
                    values[z, y, x] = _kept(values[z, y, x], old, value, share, mode)
                    weights[z, y, x] = old + share
                sums[c, b, a] = 0
                shares[c, b, a] = 0


@compiled(nogil=True)
def _reached(m, crop, low, high):
    """Return the part of the block [low, high) that one image's trilinear weights can reach."""
    near, far = low.copy(), high.copy()
    for axis in range(3):
        smallest, largest = np.inf, -np.inf
        for corner in range(4):
            row = crop[corner // 2] - corner // 2
            column = crop[2 + corner % 2] - corner % 2
            position = m[axis, 3] + m[axis, 1] * row + m[axis, 0] * column
            smallest, largest = min(smallest, position), max(largest, position)
        near[axis] = max(low[axis], math.floor(smallest) - 1)
        far[axis] = min(high[axis], math.floor(largest) + 3)
    return near, far


@compiled(nogil=True)
def backward(frames, pixel_from_voxel, reach, crop, mask, low, high, mode, values, weights):
    """Sample for each voxel the frames near it, at its projection onto them.

    pixel_from_voxel (N, 3, 4) gives column, row and signed distance (mm) from the image plane;
    reach (N,) mm: a frame counts with weight 1 - distance / reach. With reach equal to the step
    between parallel frames this is linear interpolation between the two that enclose the voxel.
    Other arguments as `nearest`; samples inside a frame are bilinear.
    """
    for frame in range(frames.shape[0]):
        m, limit = pixel_from_voxel[frame], reach[frame]
        for k in range(low[2], high[2]):
            for j in range(low[1], high[1]):
                x = m[0, 3] + m[0, 1] * j + m[0, 2] * k
                y = m[1, 3] + m[1, 1] * j + m[1, 2] * k
                z = m[2, 3] + m[2, 1] * j + m[2, 2] * k
                first, last = _clip(z, m[2, 0], -limit, limit, low[0], high[0])
                first, last = _clip(y, m[1, 0], crop[0] - 0.5, crop[1] - 0.5, first, last)
                first, last = _clip(x, m[0, 0], crop[2] - 0.5, crop[3] - 0.5, first, last)
                if first < last:
                    line = (x, m[0, 0], y, m[1, 0], z, m[2, 0])
                    span = (first, last, np.uint64(j), np.uint64(k))
                    _sample_line(
                        frames[frame], line, span, limit, crop, mask, mode, values, weights
                    )


@compiled(nogil=True)
def _sample_line(image, line, span, limit, crop, mask, mode, values, weights):
    """Compound bilinear samples of one image along a line of voxels; edge pixels extend outward.

    A sample whose nearest pixel lies outside the mask is none; the others take the pixels inside.
    """
    x, dx, y, dy, z, dz = line
    first, last, j, k = span
    top, bottom, left, right = crop[0], crop[1] - 1.0, crop[2], crop[3] - 1.0
    one = np.uint64(1)
    for index in range(first, last):
        weight = np.float32(1 - abs(z + index * dz) / limit)
        if weight > LEAST_WEIGHT:
            row = min(max(y + index * dy, top), bottom)
            column = min(max(x + index * dx, left), right)
            r0, c0 = np.uint64(row), np.uint64(column)
            r1, c1 = min(r0 + one, np.uint64(bottom)), min(c0 + one, np.uint64(right))
            down, across = row - r0, column - c0
            if mask is not None:
                if not mask[np.uint64(row + 0.5), np.uint64(column + 0.5)]:
                    continue
                left_in, right_in = mask[r0, c0], mask[r0, c1]
                upper, above = _inside(image[r0, c0], image[r0, c1], left_in, right_in, across)
                left_in, right_in = mask[r1, c0], mask[r1, c1]
                lower, below = _inside(image[r1, c0], image[r1, c1], left_in, right_in, across)
                share = above * (1 - down) + below * down
                value = np.float32((upper * (1 - down) + lower * down) / share)
            else:
                upper = image[r0, c0] * (1 - across) + image[r0, c1] * across
                lower = image[r1, c0] * (1 - across) + image[r1, c1] * across
                value = np.float32(upper * (1 - down) + lower * down)
            i = np.uint64(index)
            old = weights[k, j, i]
            values[k, j, i] = _kept(values[k, j, i], old, value, weight, mode)
            weights[k, j, i] = old + weight


@compiled(nogil=True)
def _inside(one, other, one_in, other_in, across):
    """Return the weighted sum of those of two neighbouring values that count, and their weight."""
    first, second = (1 - across) * one_in, across * other_in
    return first * one + second * other, first + second


@compiled(nogil=True)
def normalise(values, weights, low, high):
    """Turn the sums of a block into means; voxels without weight become zero."""
    for k in range(low[2], high[2]):
        for j in range(low[1], high[1]):
            for i in range(low[0], high[0]):
                weight = weights[k, j, i]
                if weight > LEAST_WEIGHT:
                    values[k, j, i] /= weight
                elif weight != 0:  # memory that nothing wrote to stays unused
                    values[k, j, i] = 0
                    weights[k, j, i] = 0
