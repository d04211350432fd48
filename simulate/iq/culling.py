"""Which blocks and cells of scatterers a frame hears, and how many scatterers of a cell, compiled.

Tests of blocks and cells give no false negatives: True may be wrong, False never is.

Where the resolution cell is large fewer scatterers are enough. Those of a cell are in random order,
so the first of them are a fair sample. The number kept depends on the depth of the cell's centre
and is a fraction: the last one kept is weighted by the root of the fractional part, so that nothing
jumps when the probe moves. The amplitude of those kept is raised so that the mean power stays the
same.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmark.geometry import inverse
from simulate.compiled import borrower, inlined, inner
from simulate.iq.beam import Beam
from simulate.iq.drawing import BLOCK_SIDE, CELLS

ROOT3 = 1.7320508  # diagonal of a cube of side 1

Array = NDArray[np.float64]

_f = np.float32


@inlined
def touches(centre: Any, reach: Any, diagonal: Any, beam: Any) -> bool:
    """Return whether a box may hold a scatterer that a frame hears; False is never wrong.

    Parameters
    ----------
    centre : of the box, image mm.
    reach : half the extent of the box along the image's z, mm.
    diagonal : half the diagonal of the box, mm.
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
    # `elevation_reach` falls and then rises with depth: over the box it is largest at an end.
    above = int((y - diagonal - grid.first_row) / grid.row_step)
    below = int((y + diagonal - grid.first_row) / grid.row_step) + 1
    if below < 0 or above >= grid.rows or y + diagonal < 0.0:
        return False
    above, below = max(above, 0), min(below, grid.rows - 1)
    widest = max(beam.elevation_reach[np.uint64(above)], beam.elevation_reach[np.uint64(below)])
    return abs(z) <= reach + widest


@inner
def rotated(matrix: Any, x: Any, y: Any, z: Any) -> Any:
    """Return the rotation part of a (4, 4) matrix times a vector (x, y, z), as a tuple."""
    return (
        matrix[0, 0] * x + matrix[0, 1] * y + matrix[0, 2] * z,
        matrix[1, 0] * x + matrix[1, 1] * y + matrix[1, 2] * z,
        matrix[2, 0] * x + matrix[2, 1] * y + matrix[2, 2] * z,
    )


@inlined
def extent(matrix: Any) -> float:
    """Return the extent along the image's z of a cube of side 1 that is aligned with the world."""
    return abs(matrix[2, 0]) + abs(matrix[2, 1]) + abs(matrix[2, 2])


@inner
def rotate_cells(matrix: Any, cell_mm: Any, offsets: Any) -> None:
    """Write the centres (CELLS, 3) of a block's cells from its corner, along the image's axes."""
    for cell in range(CELLS):
        a = (cell // (BLOCK_SIDE * BLOCK_SIDE) + 0.5) * cell_mm
        b = (cell // BLOCK_SIDE % BLOCK_SIDE + 0.5) * cell_mm
        c = (cell % BLOCK_SIDE + 0.5) * cell_mm
        offsets[cell, 0], offsets[cell, 1], offsets[cell, 2] = rotated(matrix, a, b, c)


@inlined
def share_kept(seen, beam):
    """Return the share of a cell's scatterers to keep; seen: its centre, image mm."""
    grid = beam.grid
    across = seen[0] if grid.radius_mm > 0.0 else 0.0
    depth = np.sqrt(across * across + (seen[1] + grid.radius_mm) ** 2) - grid.radius_mm
    row = int((depth - grid.first_row) / grid.row_step)
    return beam.keep[min(max(row, 0), grid.rows - 1)]


@inlined
def keep_first(work, at, staged, wanted, gain):
    """Keep the first `wanted` (a fraction) of the `staged` scatterers from entry `at` on.

    gain: float32 factor of their weights. The one in which `wanted` ends is faded, those after it
    are silent.
    """
    if staged == 0:
        return
    whole = int(wanted)
    kept = min(whole + 1, staged)
    for i in range(at + kept, at + staged):
        work.amplitude[i] = _f(0.0)
    cell = work.cells_used[0]
    work.cells[cell, 0], work.cells[cell, 1], work.cells[cell, 2] = at, at + kept, gain
    work.cells[cell, 3] = np.sqrt(wanted - whole) if whole < staged else 1.0
    work.cells_used[0] = cell + 1


@inlined
def thin_cell(work, at, staged, count, seen, beam):
    """Thin one staged cell.

    It has `staged` entries from `at` on: `count` scatterers, then padding. seen: its centre, image
    mm.
    """
    share = share_kept(seen, beam)
    keep_first(work, at, staged, share * count, _f(1.0 / np.sqrt(share)))


@borrower
def _needed_blocks(image_from_world, low, high, block_mm, margin, beam, found):
    """Write the indices of blocks from `low` to `high` (3,) that a frame may hear; return how many.

    Other parameters as in `needed_blocks`.
    """
    count = 0
    matrix = image_from_world
    reach = 0.5 * block_mm * extent(matrix) + margin
    diagonal = 0.5 * ROOT3 * block_mm + margin
    for i in range(low[0], high[0] + 1):
        for j in range(low[1], high[1] + 1):
            for k in range(low[2], high[2] + 1):
                turned = rotated(
                    matrix, (i + 0.5) * block_mm, (j + 0.5) * block_mm, (k + 0.5) * block_mm
                )
                centre = (
                    turned[0] + matrix[0, 3],
                    turned[1] + matrix[1, 3],
                    turned[2] + matrix[2, 3],
                )
                if touches(centre, reach, diagonal, beam):
                    found[count, 0], found[count, 1], found[count, 2] = i, j, k
                    count += 1
    return count


@borrower
def _moved_blocks(image_from_world, blocks, block_mm, shift, slack, beam, found):
    """Write the numbers of moved blocks that a frame may hear; return how many there are.

    Parameters as in `moved_blocks`.
    """
    count = 0
    matrix = image_from_world
    reach = 0.5 * block_mm * extent(matrix)
    diagonal = 0.5 * ROOT3 * block_mm
    for n in range(len(blocks)):
        place = rotated(
            matrix,
            (blocks[n, 0] + 0.5) * block_mm + shift[n, 0],
            (blocks[n, 1] + 0.5) * block_mm + shift[n, 1],
            (blocks[n, 2] + 0.5) * block_mm + shift[n, 2],
        )
        centre = (place[0] + matrix[0, 3], place[1] + matrix[1, 3], place[2] + matrix[2, 3])
        if touches(centre, reach + slack[n], diagonal + slack[n], beam):
            found[count] = n
            count += 1
    return count


def moved_blocks(
    image_from_world: Array,
    beam: Beam,
    blocks: NDArray[np.int64],
    block_mm: float,
    shift_mm: Array,
    slack_mm: Array,
) -> NDArray[np.int64]:
    """Return those of the blocks (B, 3) that a frame may hear when they have moved.

    Parameters
    ----------
    shift_mm : (B, 3) displacement of the middle of each block.
    slack_mm : (B,) bound on how much the displacement of any part of a block differs from that.
    """
    found = np.empty(len(blocks), np.int64)
    count = _moved_blocks(image_from_world, blocks, block_mm, shift_mm, slack_mm, beam, found)
    return blocks[found[:count]]


def slab_corners(beam: Beam) -> Array:
    """Return the corners (8, 3), image mm, of a box around everything that a frame hears."""
    grid = beam.grid
    side, top = -grid.first_column, max(grid.first_row, 0.0)
    bottom = grid.first_row + grid.rows * grid.row_step
    if grid.radius_mm > 0.0:
        angle = min(side, 0.5 * math.pi)
        top = grid.radius_mm * (math.cos(angle) - 1.0)
        side = (grid.radius_mm + bottom) * math.sin(angle)
    out = float(beam.elevation_reach.max())
    return np.array([(x, y, z) for x in (-side, side) for y in (top, bottom) for z in (-out, out)])


def needed_blocks(
    image_from_world: Array, beam: Beam, block_mm: float, margin_mm: float = 0.0
) -> NDArray[np.int64]:
    """Return the indices (B, 3), in ascending order, of the blocks that a frame may hear.

    `margin_mm`: bound on how far scatterers lie outside of their block, by motion of tissue or of
    the pose within the frame.
    """
    world_from_image = inverse(image_from_world)
    world = slab_corners(beam) @ world_from_image[:3, :3].T + world_from_image[:3, 3]
    low = np.floor((world.min(axis=0) - margin_mm) / block_mm).astype(np.int64)
    high = np.floor((world.max(axis=0) + margin_mm) / block_mm).astype(np.int64)
    found = np.empty((int(np.prod(high - low + 1)), 3), np.int64)
    count = _needed_blocks(image_from_world, low, high, block_mm, margin_mm, beam, found)
    return found[:count]
