"""Splatting cell by cell, compiled: poses that change along the lines, and tissue that moves.

Over one cell (about a millimetre) all motion is taken to be linear: the displacement of the tissue
in the position, the pose in the lateral position. A scatterer is heard with the pose of the line
that it lies on. Two errors follow: the curvature of a displacement within a cell, at most cell² / 8
times its second derivative; and the change of the pose from that line to the other lines in which
the scatterer appears, at most half a lateral beam width away.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmark.geometry import apply, inverse
from simulate.compiled import borrower, inlined
from simulate.iq.beam import Beam
from simulate.iq.culling import ROOT3, extent, keep_first, share_kept, slab_corners, touches
from simulate.iq.drawing import BLOCK_SIDE, CELLS, LANES
from simulate.iq.scatterers import entries_at
from simulate.iq.staging import BATCH, STAGE, add_staged, stage

_f = np.float32
NODES = BLOCK_SIDE + 1  # corners of cells per side of a block

Array = NDArray[np.float64]


class Motion(NamedTuple):
    """How the cells of one frame move; a plain tuple for the compiled kernels.

    `first_lateral`, `line_spacing`: lateral position (mm or radians) of the first of the frame's
    lines, and their spacing. `shear`: bound on how far a scatterer moves in the image, mm per unit
    of lateral position. `displaced` (B, NODES, NODES, NODES, 3): displacement, mm, of the tissue at
    the corners of the cells of each block; B = 0 where no tissue moves. `thinned`: whether drawn
    cells are thinned to `Beam.keep`.
    """

    first_lateral: float
    line_spacing: float
    shear: float
    displaced: Array
    thinned: bool


def lattice(corners_mm: Array, cell_mm: float) -> Array:
    """Return the corners of all cells, (B, NODES, NODES, NODES, 3) mm, of blocks at (B, 3) mm."""
    steps = cell_mm * np.stack(np.meshgrid(*[np.arange(NODES)] * 3, indexing="ij"), axis=-1)
    return corners_mm[:, None, None, None, :] + steps


def frame_motion(views: Array, beam: Beam, displaced: Array | None, thinned: bool) -> Motion:
    """Return the motion of one frame from its lines' `image_from_world` (L, 4, 4).

    displaced: as in `Motion`, or None where no tissue moves.
    """
    grid = beam.grid
    lateral = grid.lateral
    outside = grid.reduce_columns - 1
    first, last = lateral[outside], lateral[len(lateral) - 1 - outside]
    spacing = (last - first) / max(len(views) - 1, 1)
    shear = 0.0
    if len(views) > 1:
        world = apply(inverse(views[len(views) // 2]), slab_corners(beam))
        steps = np.diff(views, axis=0)
        moved = np.einsum("lij,pj->lpi", steps[:, :3, :3], world) + steps[:, None, :3, 3]
        shear = float(np.linalg.norm(moved, axis=-1).max()) / spacing
    if displaced is None:
        displaced = np.empty((0, NODES, NODES, NODES, 3))
    return Motion(float(first), float(spacing), shear, displaced, thinned)


@inlined
def _lateral_position(point: Any, radius: Any) -> float:
    """Return the lateral position, mm or radians, of a point (image mm)."""
    if radius is not None:
        return np.arctan2(point[0], point[1] + radius)
    return point[0]


@inlined
def _view_at(views, motion, lateral, view, rate):
    """Write the pose interpolated at a lateral position, and its change per unit of it (`rate`)."""
    place = (lateral - motion.first_lateral) / motion.line_spacing
    last = len(views) - 1
    clamped = min(max(place, 0.0), float(last))
    line = min(int(clamped), last - 1)
    share = clamped - line
    inside = 1.0 if clamped == place else 0.0
    for i in range(3):
        for j in range(4):
            step = views[line + 1, i, j] - views[line, i, j]
            view[i, j] = views[line, i, j] + share * step
            rate[i, j] = inside * step / motion.line_spacing


@inlined
def _mapped(view: Any, point: Any) -> Any:
    """Return a (4, 4) or (3, 4) matrix applied to a point."""
    return (
        view[0, 0] * point[0] + view[0, 1] * point[1] + view[0, 2] * point[2] + view[0, 3],
        view[1, 0] * point[0] + view[1, 1] * point[1] + view[1, 2] * point[2] + view[1, 3],
        view[2, 0] * point[0] + view[2, 1] * point[1] + view[2, 2] * point[2] + view[2, 3],
    )


@inlined
def _look(views, motion, sheared, radius, point, rounds, view, rate):
    """Write the pose of the line on which a world point appears, and its rate.

    That line depends on where the point appears, and this on the line: `rounds` fixed-point steps
    from the pose in `view`. Returns where the point appears (image mm), and the lateral position
    whose pose `view` is.
    """
    seen = _mapped(view, point)
    here = 0.0
    if sheared is not None:
        for _ in range(rounds):
            here = _lateral_position(seen, radius)
            _view_at(views, motion, here, view, rate)
            seen = _mapped(view, point)
    return seen, here


@inlined
def _linearised(displaced, i, j, k, cell_mm, shift, gradient):
    """Write the mean displacement of a cell and its gradient; return the gradient's norm."""
    norm = 0.0
    shift[:] = 0.0
    gradient[:] = 0.0
    for corner in range(8):
        a, b, c = corner >> 2, corner >> 1 & 1, corner & 1
        for axis in range(3):
            value = 0.125 * displaced[i + a, j + b, k + c, axis]
            shift[axis] += value
            gradient[axis, 0] += value * (2 * a - 1)
            gradient[axis, 1] += value * (2 * b - 1)
            gradient[axis, 2] += value * (2 * c - 1)
    for row in range(3):
        for column in range(3):
            gradient[row, column] *= 2.0 / cell_mm
            norm += gradient[row, column] ** 2
    return np.sqrt(norm)


@inlined
def _spread(displaced):
    """Return the largest difference (mm) of a block's displacements from that of its middle."""
    half = BLOCK_SIDE // 2
    most = 0.0
    for i in range(NODES):
        for j in range(NODES):
            for k in range(NODES):
                distance = 0.0
                for axis in range(3):
                    step = displaced[i, j, k, axis] - displaced[half, half, half, axis]
                    distance += step * step
                most = max(most, distance)
    return np.sqrt(most)


@inlined
def _compose(s, anchor):
    """Write pose × (1 + gradient) and its rate; return pose and rate applied to `anchor`."""
    for i in range(3):
        for j in range(3):
            s.rotation[i, j], s.turning[i, j] = s.pose[i, j], s.rate[i, j]
            for k in range(3):
                s.rotation[i, j] += s.pose[i, k] * s.gradient[k, j]
                s.turning[i, j] += s.rate[i, k] * s.gradient[k, j]
    return _mapped(s.pose, anchor), _mapped(s.rate, anchor)


class _Scratch(NamedTuple):
    """Small matrices of one frame, float64: scratch of `splat_moving`."""

    pose: Array
    rate: Array
    shift: Array
    gradient: Array
    rotation: Array
    turning: Array


def scratch() -> _Scratch:
    """Return a frame's matrices."""
    return _Scratch(
        np.zeros((4, 4)), np.zeros((4, 4)), np.zeros(3), np.zeros((3, 3)), np.zeros((3, 3)),
        np.zeros((3, 3)),
    )  # fmt: skip


@inlined
def _add_cell(
    scatterers, block, cell, views, motion, sheared, slack, beam, radius, s, work, staged
):
    """Stage one cell if the frame hears it; return how many scatterers are then staged."""
    corner, starts, cell_mm = (
        scatterers.corners[block],
        scatterers.starts[block],
        scatterers.cell_mm,
    )
    count, begin = scatterers.counts[block, cell], starts[cell]
    diagonal = 0.5 * ROOT3 * cell_mm
    i, j, k = cell // BLOCK_SIDE**2, cell // BLOCK_SIDE % BLOCK_SIDE, cell % BLOCK_SIDE
    strain = 0.0
    if len(motion.displaced) > 0:
        strain = _linearised(motion.displaced[block], i, j, k, cell_mm, s.shift, s.gradient)
    inner = ((i + 0.5) * cell_mm, (j + 0.5) * cell_mm, (k + 0.5) * cell_mm)
    place = _sum(corner, inner, s.shift)
    seen, here = _look(views, motion, sheared, radius, place, 2, s.pose, s.rate)
    wider = (slack + strain) * diagonal
    reach = 0.5 * cell_mm * extent(s.pose)
    if count == 0 or not touches(seen, reach + wider, diagonal + wider, beam):
        return staged
    wanted, gain = float(count), 1.0
    thinned = motion.thinned and not scatterers.listed[block]
    if thinned:
        share = share_kept(seen, beam)
        wanted, gain = share * count, 1.0 / np.sqrt(share)
    stretch = (
        -_dot(s.gradient[0], inner), -_dot(s.gradient[1], inner), -_dot(s.gradient[2], inner)
    )  # fmt: skip
    origin, drift = _compose(s, _sum(corner, stretch, s.shift))
    whole = (np.int64(math.ceil(wanted)) + LANES - 1) // LANES * LANES
    end = begin + min(whole, starts[cell + 1] - begin)
    if staged + end - begin > STAGE:
        add_staged(staged, beam, work)
        staged = np.int64(0)
    entries = entries_at(scatterers.places[block], starts[CELLS])
    x, y = entries[0, begin:end], entries[1, begin:end]
    z, amplitude = entries[2, begin:end], entries[3, begin:end]
    if sheared is None:
        stage(x, y, z, amplitude, _f(gain), origin, s.rotation, None, radius, work, staged)
    else:
        moving = (drift, s.turning, here)
        stage(x, y, z, amplitude, _f(gain), origin, s.rotation, moving, radius, work, staged)
    if thinned:
        keep_first(work, staged, end - begin, wanted, _f(1.0))
    staged += end - begin
    if staged < BATCH:
        return staged
    add_staged(staged, beam, work)
    return np.int64(0)


@borrower
def splat_moving(scatterers, views, motion, sheared, beam, radius, s, work):
    """Add to the grid of `work`, cell by cell, all scatterers that one frame hears.

    Parameters
    ----------
    scatterers : blocks of `Scatterers`, those that `motion.displaced` is given for.
    views : (L, 4, 4) float64, world mm to image mm at each line.
    motion : `Motion` of lines and tissue.
    sheared : True where the lines have poses of their own, None where they share one.
    radius : of a curvilinear probe, mm; None for a linear one.
    s : scratch, from `scratch`.
    """
    half = 0.5 * BLOCK_SIDE * scatterers.cell_mm
    diagonal = ROOT3 * half
    unit_mm = 1.0
    if radius is not None:
        unit_mm = max(beam.grid.radius_mm - diagonal, 1.0)
    slack = motion.shear / unit_mm  # mm of motion per mm of lateral position
    staged = np.int64(0)  # a literal 0 would be compiled for, too
    for block in range(len(scatterers.places)):
        wider = slack * diagonal
        if len(motion.displaced) > 0:
            middle = motion.displaced[block, BLOCK_SIDE // 2, BLOCK_SIDE // 2, BLOCK_SIDE // 2]
            for axis in range(3):
                s.shift[axis] = middle[axis]
            wider += _spread(motion.displaced[block])
        for i in range(4):
            for j in range(4):
                s.pose[i, j] = views[len(views) // 2, i, j]
        place = _sum(scatterers.corners[block], (half, half, half), s.shift)
        seen, _ = _look(views, motion, sheared, radius, place, 4, s.pose, s.rate)
        reach = half * extent(s.pose)
        if not touches(seen, reach + wider, diagonal + wider, beam):
            continue
        for cell in range(CELLS):
            staged = _add_cell(
                scatterers, block, cell, views, motion, sheared, slack, beam, radius, s, work,
                staged,
            )  # fmt: skip
    add_staged(staged, beam, work)


@inlined
def _dot(a: Any, b: Any) -> float:
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


@inlined
def _sum(a: Any, b: Any, c: Any) -> Any:
    return a[0] + b[0] + c[0], a[1] + b[1] + c[1], a[2] + b[2] + c[2]
