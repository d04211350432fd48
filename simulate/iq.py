"""Scatterers to baseband IQ, one frame at a time: cull, transform, splat, filter (numba).

A frame's sum runs over blocks in the order of their world index and over scatterers in the order
of their number, whatever else is in memory, so its bytes depend on its pose and its tissue only.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from simulate.beam import Grid
from simulate.compiled import FAST, arctan, decay, turn
from simulate.scatterers import BLOCK_SIDE, CELLS, mix
from simulate.splat import splat_cubic

STAGE = 8192  # scatterers transformed before they are splatted; their scratch stays in cache
ROOT3 = 1.7320508

_f = np.float32


class Workspace(NamedTuple):
    """Scratch of one thread; `grid` is (rows, columns) complex, (re, im) interleaved and flat."""

    grid: NDArray[np.float32]
    column: NDArray[np.float32]
    row: NDArray[np.float32]
    re: NDArray[np.float32]
    im: NDArray[np.float32]
    chosen: NDArray[np.int32]
    line: NDArray[np.float32]


def workspace(grid: Grid) -> Workspace:
    """Scratch arrays for one thread working on one grid."""
    return Workspace(
        grid=np.zeros(grid.rows * grid.columns * 2, np.float32),
        column=np.zeros(STAGE, np.float32),
        row=np.zeros(STAGE, np.float32),
        re=np.zeros(STAGE, np.float32),
        im=np.zeros(STAGE, np.float32),
        chosen=np.zeros(STAGE, np.int32),
        line=np.zeros(grid.columns * 2, np.float32),
    )


@njit(**FAST)
def touches(centre: Any, reach: Any, diagonal: Any, beam: Any) -> bool:
    """Whether a box may hold a scatterer that this frame hears.

    `centre` is the box's centre in image mm, `reach` the half extent of the box along z,
    `diagonal` half its diagonal. Never wrong about a box that matters; lets some through that
    do not.
    """
    grid = beam.grid
    x, y, z = centre
    span = diagonal
    if grid.radius_mm > 0.0:
        distance = np.sqrt(x * x + (y + grid.radius_mm) ** 2)
        x = np.arctan2(x, y + grid.radius_mm)
        y = distance - grid.radius_mm
        span = diagonal / max(distance - diagonal, 1e-3 * grid.radius_mm)
    if abs(x) > span - grid.first_column:
        return False
    # sigma is quasi-convex in depth: over the box it is largest at one of the ends.
    above = int((y - diagonal - grid.first_row) / grid.row_step)
    below = int((y + diagonal - grid.first_row) / grid.row_step) + 1
    if below < 0 or above >= grid.rows or y + diagonal < 0.0:
        return False
    above, below = max(above, 0), min(below, grid.rows - 1)
    widest = max(beam.elevation_reach[np.uint64(above)], beam.elevation_reach[np.uint64(below)])
    return abs(z) <= reach + widest


@njit(**FAST)
def _stage(x, y, z, amplitude, origin, rotation, beam, radius, work, at):
    """Transform a run of scatterers to grid position and complex weight, scratch from `at` on.

    `radius` is None for a linear probe, which compiles to a loop without the polar coordinates.
    """
    grid = beam.grid
    count = len(x)
    column, row = work.column[at : at + count], work.row[at : at + count]
    re, im = work.re[at : at + count], work.im[at : at + count]
    ox, oy, oz = _f(origin[0]), _f(origin[1]), _f(origin[2])
    r00, r01, r02 = _f(rotation[0, 0]), _f(rotation[0, 1]), _f(rotation[0, 2])
    r10, r11, r12 = _f(rotation[1, 0]), _f(rotation[1, 1]), _f(rotation[1, 2])
    r20, r21, r22 = _f(rotation[2, 0]), _f(rotation[2, 1]), _f(rotation[2, 2])
    first_column, per_column = _f(grid.first_column), _f(1.0 / grid.column_step)
    first_row, per_row = _f(grid.first_row), _f(1.0 / grid.row_step)
    carrier, bend = _f(beam.carrier[0]), _f(beam.carrier[1])
    scale, cut = _f(beam.elevation_scale), _f(beam.elevation_cut)
    e0, e1, e2, e3 = beam.elevation[0], beam.elevation[1], beam.elevation[2], beam.elevation[3]
    e4, e5, e6 = beam.elevation[4], beam.elevation[5], beam.elevation[6]
    last_column, last_row = _f(grid.columns - 2), _f(grid.rows - 2)
    one, zero = _f(1.0), _f(0.0)
    for i in range(np.uint64(count)):
        lateral = ox + r00 * x[i] + r01 * y[i] + r02 * z[i]
        depth = oy + r10 * x[i] + r11 * y[i] + r12 * z[i]
        off = oz + r20 * x[i] + r21 * y[i] + r22 * z[i]
        if radius is not None:
            inward = depth + _f(radius)
            distance = np.sqrt(lateral * lateral + inward * inward)
            lateral = _f(2.0) * arctan(lateral / (distance + inward))
            depth = distance - _f(radius)
        t = depth * scale - one
        variance = ((((((e6 * t + e5) * t + e4) * t + e3) * t + e2) * t + e1) * t) + e0
        exponent = off * off / variance
        weight = amplitude[i] * decay(exponent)
        cosine, sine = turn((carrier + bend * depth) * depth)
        at_column = (lateral - first_column) * per_column
        at_row = (depth - first_row) * per_row
        heard = (
            (exponent <= cut)
            & (depth > zero)
            & (at_column >= one)
            & (at_column < last_column)
            & (at_row >= one)
            & (at_row < last_row)
        )
        re[i] = weight * cosine if heard else zero
        im[i] = -weight * sine if heard else zero
        column[i] = at_column if heard else one
        row[i] = at_row if heard else one


@njit(**FAST)
def _splat_staged(count, columns, work):
    """Add the staged scatterers that are heard to the grid, in their order."""
    kept = 0
    for i in range(count):
        work.chosen[kept] = i
        kept += (work.re[i] != _f(0.0)) | (work.im[i] != _f(0.0))
    stride = 2 * columns
    for n in range(kept):
        i = work.chosen[n]
        column, row = work.column[i], work.row[i]
        left, above = np.int32(column), np.int32(row)
        splat_cubic(  # type: ignore[call-arg]
            work.grid,
            (above - 1) * stride + 2 * (left - 1),
            stride,
            column - _f(left),
            row - _f(above),
            work.re[i],
            work.im[i],
        )


@njit(**FAST)
def _rotated(matrix: Any, x: Any, y: Any, z: Any) -> Any:
    """Rotation part of a (4, 4) matrix times a vector, as a tuple."""
    return (
        matrix[0, 0] * x + matrix[0, 1] * y + matrix[0, 2] * z,
        matrix[1, 0] * x + matrix[1, 1] * y + matrix[1, 2] * z,
        matrix[2, 0] * x + matrix[2, 1] * y + matrix[2, 2] * z,
    )


@njit(**FAST)
def needed_blocks(image_from_world, low, high, block_mm, beam, found):
    """Write the indices of the blocks between `low` and `high` that a frame touches; count them."""
    count = 0
    matrix = image_from_world
    reach = 0.5 * block_mm * np.abs(matrix[2, :3]).sum()
    for i in range(low[0], high[0] + 1):
        for j in range(low[1], high[1] + 1):
            for k in range(low[2], high[2] + 1):
                turned = _rotated(
                    matrix, (i + 0.5) * block_mm, (j + 0.5) * block_mm, (k + 0.5) * block_mm
                )
                centre = (
                    turned[0] + matrix[0, 3],
                    turned[1] + matrix[1, 3],
                    turned[2] + matrix[2, 3],
                )
                if touches(centre, reach, 0.5 * ROOT3 * block_mm, beam):
                    found[count, 0], found[count, 1], found[count, 2] = i, j, k
                    count += 1
    return count


@njit(**FAST)
def _rotated_cells(matrix: Any, cell_mm: Any) -> Any:
    """(CELLS, 3) centres of a block's cells from its corner, turned into the image frame."""
    offsets = np.empty((CELLS, 3))
    for cell in range(CELLS):
        a = (cell // (BLOCK_SIDE * BLOCK_SIDE) + 0.5) * cell_mm
        b = (cell // BLOCK_SIDE % BLOCK_SIDE + 0.5) * cell_mm
        c = (cell % BLOCK_SIDE + 0.5) * cell_mm
        offsets[cell, 0], offsets[cell, 1], offsets[cell, 2] = _rotated(matrix, a, b, c)
    return offsets


@njit(**FAST)
def splat_frame(scatterers, image_from_world, beam, radius, work):
    """Add all scatterers that one frame hears to the grid of `work`.

    Parameters
    ----------
    scatterers : blocks of `Scatterers`, at least all that the frame touches.
    image_from_world : (4, 4) float64, world mm to image mm.
    radius : of a curvilinear probe, mm; None for a linear one.
    """
    matrix = image_from_world
    cell_mm = scatterers.cell_mm
    reach = 0.5 * cell_mm * np.abs(matrix[2, :3]).sum()
    diagonal = 0.5 * ROOT3 * cell_mm
    offsets = _rotated_cells(matrix, cell_mm)
    side = 0.5 * BLOCK_SIDE * cell_mm
    to_middle = _rotated(matrix, side, side, side)
    staged = 0
    for block in range(len(scatterers.slots)):
        corner = scatterers.corners[block]
        turned = _rotated(matrix, corner[0], corner[1], corner[2])
        ox, oy, oz = turned[0] + matrix[0, 3], turned[1] + matrix[1, 3], turned[2] + matrix[2, 3]
        middle = (ox + to_middle[0], oy + to_middle[1], oz + to_middle[2])
        if not touches(middle, BLOCK_SIDE * reach, BLOCK_SIDE * diagonal, beam):
            continue
        slot = scatterers.slots[block]
        starts = scatterers.starts[slot]
        x, y = scatterers.x[slot], scatterers.y[slot]
        z, amplitude = scatterers.z[slot], scatterers.amplitude[slot]
        cell = 0
        while cell < CELLS:
            # Cells that follow one another in memory are transformed in one run.
            first = cell
            while cell < CELLS:
                centre = (ox + offsets[cell, 0], oy + offsets[cell, 1], oz + offsets[cell, 2])
                if not touches(centre, reach, diagonal, beam):
                    break
                cell += 1
            begin, end = starts[first], starts[cell]
            cell += 1
            while begin < end:
                stop = min(end, begin + STAGE - staged)
                _stage(
                    x[begin:stop], y[begin:stop], z[begin:stop], amplitude[begin:stop],
                    (ox, oy, oz), matrix, beam, radius, work, staged,
                )  # fmt: skip
                staged += stop - begin
                begin = stop
                if staged == STAGE:
                    _splat_staged(staged, beam.grid.columns, work)
                    staged = 0
    _splat_staged(staged, beam.grid.columns, work)


@njit(**FAST)
def add_noise(seed, beam, work):
    """Add white electronic noise, a function of (seed, sample); the filters colour it.

    Each part is the sum of two uniform numbers; the filters mean over dozens of samples, which
    makes it normal.
    """
    grid = beam.grid
    width = np.uint64(grid.columns)
    unit = _f(np.sqrt(3.0) / 65536.0)  # variance 1/2 per part
    for row in range(np.uint64(grid.rows)):
        gain = beam.noise_gain[row] * unit
        line = work.grid[row * 2 * width : (row + np.uint64(1)) * 2 * width]
        base = seed + row * width * np.uint64(0x9E3779B97F4A7C15)
        for column in range(width):
            bits = mix(base + column * np.uint64(0x9E3779B97F4A7C15))
            first = np.int32(bits & np.uint64(0xFFFF)) + np.int32(
                (bits >> np.uint64(16)) & np.uint64(0xFFFF)
            )
            second = np.int32((bits >> np.uint64(32)) & np.uint64(0xFFFF)) + np.int32(
                bits >> np.uint64(48)
            )
            line[2 * column] += gain * (_f(first) - _f(65535.0))
            line[2 * column + np.uint64(1)] += gain * (_f(second) - _f(65535.0))


@njit(**FAST)
def filter_frame(beam, work, out):
    """Axial, then lateral filter and gain; `out` (inner rows, 2 inner columns) float32."""
    grid = beam.grid
    stride = np.uint64(2 * grid.columns)
    taps = beam.axial_taps
    line = work.line
    for row in range(out.shape[0]):
        line[:] = _f(0.0)
        top = row + grid.border_rows - len(taps) // 2
        for tap in range(len(taps)):
            weight = taps[tap]
            source = work.grid[(top + tap) * 2 * grid.columns :][:stride]
            for i in range(stride):
                line[i] += weight * source[i]
        half = beam.lateral_half[row]
        middle = beam.lateral_taps.shape[1] // 2
        target = out[row]
        target[:] = _f(0.0)
        for tap in range(-half, half + 1):
            weight = beam.lateral_taps[row, middle + tap] * beam.row_gain[row]
            source = line[2 * (grid.border_columns + tap) :][: len(target)]
            for i in range(np.uint64(len(target))):
                target[i] += weight * source[i]


@njit(**FAST)
def frame_iq(scatterers, image_from_world, beam, radius, noise_seed, noisy, work, out):
    """Beamformed IQ of one frame, all stages; `out` (inner rows, 2 inner columns) float32."""
    work.grid[:] = _f(0.0)
    splat_frame(scatterers, image_from_world, beam, radius, work)
    if noisy:
        add_noise(noise_seed, beam, work)
    filter_frame(beam, work, out)
