"""The scatterers of one block, drawn from a key or sorted into its cells, compiled.

They are written at once as they are stored: single precision, cell after cell, each cell padded.
"""

from __future__ import annotations

import math
import threading
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmark.machine.kernels import compiled
from simulate.compiled import BORROWING, cached_by_source, pointwise

CELL_MEAN = 64.0  # scatterers per cell on average
BLOCK_SIDE = 4  # cells per side of a block, the unit of drawing and of storage
CELLS = BLOCK_SIDE**3
LANES = 16  # a cell is padded with silent scatterers to a multiple of this, for the vector unit

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_A = np.uint64(0xBF58476D1CE4E5B9)
_MIX_B = np.uint64(0x94D049BB133111EB)
_BITS21 = np.uint64(0x1FFFFF)


class Part(NamedTuple):
    """Scatterers of one block, drawn or listed by the tissue, as they are stored.

    entries (4, M) float32: x, y, z mm from the block's corner and amplitude, cell after cell, each
    cell padded with silent ones to a multiple of LANES; starts (CELLS + 1,): cell j has the entries
    starts[j] to starts[j + 1]; counts (CELLS,): how many scatterers there are in each cell with
    those that nobody wants; listed: whether the tissue listed them.
    """

    entries: NDArray[np.float32]
    starts: NDArray[np.int32]
    counts: NDArray[np.int32]
    listed: bool


@cached_by_source
@compiled(inline="always")
def mix(value: np.uint64) -> np.uint64:
    """Finaliser of SplitMix64 (Steele, Lea, Flood 2014): 64 bits to 64 well-mixed bits."""
    value = (value ^ (value >> np.uint64(30))) * _MIX_A
    value = (value ^ (value >> np.uint64(27))) * _MIX_B
    return value ^ (value >> np.uint64(31))


def poisson_table(mean: float) -> NDArray[np.float64]:
    """Return cumulative Poisson probabilities up to 1 - 1e-12, for drawing by inversion."""
    counts = np.arange(int(mean + 12.0 * math.sqrt(mean) + 12.0))
    logs = counts * math.log(mean) - mean - np.array([math.lgamma(n + 1.0) for n in counts])
    cumulative = np.cumsum(np.exp(logs))
    return cumulative[: int(np.searchsorted(cumulative, 1.0 - 1e-12)) + 1]


class Room(threading.local):
    """Where a thread draws some blocks; kept, since fresh memory costs more than drawing.

    entries (blocks, 4, M) float32 as in `Part`, with signs for amplitudes; points (blocks * M, 3):
    world mm of those entries that are no padding, block after block.
    """

    def __init__(self, table: NDArray[np.float64], blocks: int) -> None:
        most = CELLS * ((len(table) + LANES - 1) // LANES * LANES)
        self.entries = np.empty((blocks, 4, most), np.float32)
        self.points = np.empty((blocks * most, 3))


@cached_by_source
@compiled(nogil=True, error_model="numpy", **BORROWING)
def draw_block(key, block, cell_mm, table, shares, entries, points, starts, counts):
    """Write the wanted scatterers of one block; return how many they are without padding.

    block: index (3,); table: `poisson_table`; shares (CELLS,): of the scatterers of each cell that
    are wanted, the first ones and one in which the share may end; entries, points: of a `Room`, for
    this block; starts, counts: as in `Part`.
    """
    total, place = 0, 0
    unit = cell_mm / 2097152.0
    starts[0] = 0
    for cell in range(CELLS):
        row = cell // BLOCK_SIDE
        index = (row // BLOCK_SIDE, row % BLOCK_SIDE, cell % BLOCK_SIDE)
        seed = mix(key + _GOLDEN)
        for axis in range(3):
            seed = mix((seed ^ np.uint64(block[axis] * BLOCK_SIDE + index[axis])) + _GOLDEN)
        uniform = np.float64(seed >> np.uint64(11)) / 9007199254740992.0
        count = 0
        while count < len(table) and table[count] <= uniform:
            count += 1
        counts[cell] = count
        here = min(count, int(shares[cell] * count) + 1) if shares[cell] > 0.0 else 0
        for number in range(here):
            bits = mix(seed + np.uint64(number + 1) * _GOLDEN)
            for axis in range(3):
                offset = np.float64((bits >> np.uint64(21 * axis)) & _BITS21) + 0.5
                local = index[axis] * cell_mm + offset * unit
                entries[axis, place] = local
                points[total, axis] = local + block[axis] * (cell_mm * BLOCK_SIDE)
            entries[3, place] = 1.0 - 2.0 * np.float64(bits >> np.uint64(63))
            total += 1
            place += 1
        place = _pad(entries, place)
        starts[cell + 1] = place
    return total


@cached_by_source
@compiled(nogil=True, error_model="numpy", **BORROWING)
def weigh_block(strength, entries, starts):
    """Multiply the signs of a drawn block by echo amplitudes (M,) of those that are no padding.

    Returns whether all amplitudes are finite and >= 0, and whether any is more than 0.
    """
    fine, heard, source = True, False, 0
    for place in range(starts[CELLS]):
        if entries[3, place] != 0.0:
            value = strength[source]
            source += 1
            entries[3, place] *= value
            fine &= 0.0 <= value < np.inf
            heard |= value > 0.0
    return fine, heard


@pointwise
def _pad(entries, place):
    """Append silent entries, at the place of the first, up to whole LANES; return where they end.

    The vector unit handles entries in such groups.
    """
    end = (place + LANES - 1) // LANES * LANES
    for n in range(place, end):
        for axis in range(3):
            entries[axis, n] = entries[axis, 0]
        entries[3, n] = 0.0
    return end


@cached_by_source
@compiled(nogil=True, error_model="numpy")
def by_cell(points, low, cell_mm, wanted):
    """Return the numbers (K,), cell by cell, of those of the points in wanted cells of blocks.

    points (M, 3) mm, in blocks that follow one another along z; low (3,): corner of the first;
    wanted (blocks * CELLS,). Points of one cell stay in their order. Beside the numbers: how many
    there are (blocks * CELLS,) up to the end of each cell.
    """
    cell = np.empty(len(points), np.int64)
    ends = np.zeros(len(wanted), np.int64)
    side, length = BLOCK_SIDE - 1, len(wanted) // CELLS * BLOCK_SIDE - 1
    for n in range(len(points)):
        i = min(max(int((points[n, 0] - low[0]) / cell_mm), 0), side)
        j = min(max(int((points[n, 1] - low[1]) / cell_mm), 0), side)
        k = min(max(int((points[n, 2] - low[2]) / cell_mm), 0), length)
        here = k // BLOCK_SIDE * CELLS + (i * BLOCK_SIDE + j) * BLOCK_SIDE + k % BLOCK_SIDE
        cell[n] = here if wanted[here] else -1
        ends[here] += wanted[here]
    count = 0
    for here in range(len(wanted)):  # for the time being `ends` are the places of the next points
        held = ends[here]
        ends[here] = count
        count += held
    order = np.empty(count, np.int64)
    for n in range(len(points)):
        if cell[n] >= 0:
            order[ends[cell[n]]] = n
            ends[cell[n]] += 1
    return order, ends


@cached_by_source
@compiled(nogil=True, error_model="numpy", **BORROWING)
def _pack(points, amplitudes, order, low, counts, entries, starts):
    """Write those of the scatterers that `order` names as `Part` has them; see `packed`."""
    source, place = 0, 0
    starts[0] = 0
    for cell in range(CELLS):
        for n in order[source : source + counts[cell]]:
            for axis in range(3):
                entries[axis, place] = points[n, axis] - low[axis]
            entries[3, place] = amplitudes[n]
            place += 1
        source += counts[cell]
        place = _pad(entries, place)
        starts[cell + 1] = place


def packed(
    points: NDArray[np.float64],
    amplitudes: NDArray[np.float64],
    order: NDArray[np.int64],
    low: NDArray[np.float64],
    counts: NDArray[np.int64],
    listed: bool,
) -> Part:
    """Return the part of a block with corner `low` (3,) that holds some scatterers.

    points (M, 3) mm and amplitudes (M,), of which order (K,) are the numbers of those in the block,
    cell after cell, counts (CELLS,) of them.
    """
    entries = np.empty((4, int(np.sum(-(-counts // LANES) * LANES))), np.float32)
    starts = np.empty(CELLS + 1, np.int32)
    _pack(points, amplitudes, order, low, counts, entries, starts)
    return Part(entries, starts, counts.astype(np.int32), listed)
