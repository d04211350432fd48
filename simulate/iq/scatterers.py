"""Point scatterers of unlimited tissue, drawn cell by cell from a key when a frame needs them.

Space is divided into cubic cells. The scatterers of a cell are a function of (key, cell index,
number) and of nothing else: neither the order in which cells are visited, nor the extent of a
sweep, nor the number of processes changes any of them, and no volume is ever held in memory.

The number in a cell is Poisson and positions are uniform. All cells together are then exactly a
homogeneous Poisson process, with no trace of the cell walls at any order of statistics. (A fixed
number per cell would make counts more even than chance at the scale of the cell.)

Amplitudes are ±1 times the tissue's backscatter. Of all zero-mean distributions, constant modulus
with random sign has the smallest fourth moment, so it reaches Rayleigh statistics with the fewest
scatterers: var(I) / mean(I)² = 1 + 1 / N instead of 1 + 3 / N for Gaussian amplitudes.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable, Iterable
from itertools import repeat
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmark.machine.kernels import compiled
from simulate.compiled import cached_by_source
from simulate.tissue.answers import Echoer

CELL_MEAN = 64.0  # scatterers per cell on average
BLOCK_SIDE = 4  # cells per side of a block, the unit of drawing and of storage
CELLS = BLOCK_SIDE**3
DRAWN_TOGETHER = 64  # blocks drawn before they are stored
SLACK_MM = 1e-6  # against rounding, of boxes around cells
LANES = 16  # a cell is padded with silent scatterers to a multiple of this, for the vector unit

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_A = np.uint64(0xBF58476D1CE4E5B9)
_MIX_B = np.uint64(0x94D049BB133111EB)
_BITS21 = np.uint64(0x1FFFFF)


class Scatterers(NamedTuple):
    """The scatterers of the blocks of one group of frames, as arrays for the compiled kernels.

    A block has one or more parts: the drawn scatterers and those listed by the tissue. Each part
    lies in a slot of its own.

    x, y, z, amplitude : (slots, capacity) float32; positions are mm from the block's corner.
    starts : cell j of slot s holds entries starts[s, j] to starts[s, j + 1].
    slots : (parts,) slot of each part. Parts are in ascending order of the index of their block,
        the drawn one before the listed ones, so that sums over them always run in the same order.
    corners : (parts, 3) corner of the block, world mm.
    cell_mm : side of a cell.
    counts : scatterers of each cell. The first of them, up to those that were wanted, are its
        entries; the rest of its entries is silent padding.
    listed : (parts,) whether a part was listed by the tissue or drawn.
    owner : (parts,) which of the requested blocks a part belongs to.

    The last three are needed only for frames in which something moves or is thinned.
    """

    x: NDArray[np.float32]
    y: NDArray[np.float32]
    z: NDArray[np.float32]
    amplitude: NDArray[np.float32]
    starts: NDArray[np.int32]
    slots: NDArray[np.int64]
    corners: NDArray[np.float64]
    cell_mm: float
    counts: NDArray[np.int32] = np.empty((0, CELLS), np.int32)
    listed: NDArray[np.bool_] = np.empty(0, np.bool_)
    owner: NDArray[np.int64] = np.empty(0, np.int64)


class Part(NamedTuple):
    """Scatterers of one block, cell after cell, drawn or listed by the tissue.

    points (M, 3) mm from the block's corner; amplitudes (M,); here (CELLS,): how many of them are
    in each cell; counts (CELLS,): how many there are in each cell with those that nobody wants.
    """

    points: NDArray[np.float64]
    amplitudes: NDArray[np.float64]
    here: NDArray[np.int64]
    counts: NDArray[np.int64]
    listed: bool


Name = tuple[int, int, int]  # index of a block along each axis
Parts = list[Part]
ALL = np.ones(CELLS)  # the shares of cells that are wanted whole


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


@cached_by_source
@compiled(nogil=True)
def _draw_block(key, block, cell_mm, table, shares, points, signs, here, counts):
    """Write the wanted scatterers of one block, cell after cell; return how many there are.

    Positions are mm from the corner of the block; table: `poisson_table`; shares (CELLS,): of the
    scatterers of each cell that are wanted, the first ones and one in which the share may end;
    here, counts (CELLS,): as in `Part`.
    """
    total = 0
    unit = cell_mm / 2097152.0
    for cell in range(CELLS):
        row = cell // BLOCK_SIDE
        place = (row // BLOCK_SIDE, row % BLOCK_SIDE, cell % BLOCK_SIDE)
        seed = mix(key + _GOLDEN)
        for axis in range(3):
            seed = mix((seed ^ np.uint64(block[axis] * BLOCK_SIDE + place[axis])) + _GOLDEN)
        uniform = np.float64(seed >> np.uint64(11)) / 9007199254740992.0
        count = np.searchsorted(table, uniform, side="right")
        counts[cell] = count
        here[cell] = min(count, int(shares[cell] * count) + 1) if shares[cell] > 0.0 else 0
        for number in range(here[cell]):
            bits = mix(seed + np.uint64(number + 1) * _GOLDEN)
            for axis in range(3):
                offset = np.float64((bits >> np.uint64(21 * axis)) & _BITS21) + 0.5
                points[total, axis] = place[axis] * cell_mm + offset * unit
            signs[total] = 1.0 - 2.0 * np.float64(bits >> np.uint64(63))
            total += 1
    return total


@cached_by_source
@compiled(nogil=True)
def _by_cell(points, amplitudes, low, cell_mm, wanted):
    """Return those of the points (M, 3) mm in the wanted cells (CELLS,) of a block, cell by cell.

    Points of one cell stay in their order. Returns points from the block's corner, low (3,),
    amplitudes, and the number of points (CELLS,) up to the end of each cell.
    """
    cell = np.empty(len(points), np.int64)
    ends = np.zeros(CELLS, np.int64)
    for n in range(len(points)):
        here = 0
        for axis in range(3):
            place = int((points[n, axis] - low[axis]) / cell_mm)
            here = here * BLOCK_SIDE + min(max(place, 0), BLOCK_SIDE - 1)
        cell[n] = here if wanted[here] else -1
        ends[here] += wanted[here]
    count = 0
    for here in range(CELLS):  # for the time being `ends` are the places of the next points
        held = ends[here]
        ends[here] = count
        count += held
    local, chosen = np.empty((count, 3)), np.empty(count)
    for n in range(len(points)):
        if cell[n] >= 0:
            place = ends[cell[n]]
            ends[cell[n]] += 1
            chosen[place] = amplitudes[n]
            for axis in range(3):
                local[place, axis] = points[n, axis] - low[axis]
    return local, chosen, ends


@cached_by_source
@compiled(nogil=True)
def _pack_block(points, amplitudes, here, x, y, z, amplitude, starts):
    """Copy a drawn block into its slot, each cell padded with silent scatterers."""
    source = 0
    place = 0
    for cell in range(CELLS):
        starts[cell] = place
        padded = (here[cell] + LANES - 1) // LANES * LANES
        for entry in range(source, source + here[cell]):
            x[place], y[place], z[place] = points[entry, 0], points[entry, 1], points[entry, 2]
            amplitude[place] = amplitudes[entry]
            place += 1
        source += here[cell]
        end = starts[cell] + padded
        x[place:end], y[place:end], z[place:end] = points[0, 0], points[0, 1], points[0, 2]
        amplitude[place:end] = 0.0
        place = end
    starts[CELLS] = place


class ScattererStore:
    """Scatterers of the blocks near the current frames; the least recently used are forgotten.

    Memory is bounded by `memory_mb` (about 100 kB per block) or by what one group of frames needs,
    whichever is more. Forgetting changes no result: a block drawn again is the same.

    Parameters
    ----------
    tissue : gives the key, the backscatter and the reflectors.
    density_per_mm3 : mean number of scatterers per mm³.
    memory_mb : blocks kept beyond those in use, MB.
    """

    def __init__(self, tissue: Echoer, density_per_mm3: float, memory_mb: float = 256.0) -> None:
        self.tissue = tissue
        self.density_per_mm3 = density_per_mm3
        self.cell_mm = (CELL_MEAN / density_per_mm3) ** (1.0 / 3.0)
        self.block_mm = self.cell_mm * BLOCK_SIDE
        self._key = np.uint64(tissue.key & 0xFFFFFFFFFFFFFFFF)
        self._table = poisson_table(CELL_MEAN)
        # Ten standard deviations above the mean of a padded block; too small in 1e-23 of blocks.
        mean = CELLS * (CELL_MEAN + LANES / 2)
        self._capacity = int(mean + 10.0 * math.sqrt(mean)) // LANES * LANES
        self._slots: OrderedDict[Name, tuple[int, ...]] = OrderedDict()
        self._shares: dict[Name, NDArray[np.float64]] = {}  # that the stored blocks hold
        self._free: list[int] = []
        self._most = max(1, int(memory_mb * 1e6 / (16 * self._capacity)))
        self._arrays: list[NDArray[Any]] = [
            np.empty((0, self._capacity), np.float32) for _ in range(4)
        ]
        self._starts: NDArray[Any] = np.empty((0, CELLS + 1), np.int32)
        self._counts: NDArray[Any] = np.empty((0, CELLS), np.int32)
        self._listed: NDArray[Any] = np.empty(0, np.bool_)

    def __len__(self) -> int:
        return len(self._slots)

    def gather(
        self,
        blocks: NDArray[np.int64],
        work: Callable[..., Iterable[Parts]] = map,
        shares: NDArray[np.float64] | None = None,
    ) -> Scatterers:
        """Return the scatterers of blocks (B, 3), by index; they are valid until the next call.

        Parameters
        ----------
        work : used in place of `map` to draw blocks, such as that of a pool of threads.
        shares : (B, CELLS) of the scatterers of each cell that are wanted, as `Demand` says; None
            for all.

        Raises
        ------
        ValueError : backscatter of wrong shape, negative or not finite; reflectors likewise.
        """
        order = np.lexsort((blocks[:, 2], blocks[:, 1], blocks[:, 0]))
        names = [(int(a), int(b), int(c)) for a, b, c in blocks[order]]
        wanted = dict(zip(names, repeat(ALL) if shares is None else shares[order], strict=False))
        missing = [name for name in names if not self._has(name, wanted)]
        old = len(self._slots) - (len(names) - len(missing))  # may be forgotten
        for first in range(0, len(missing), DRAWN_TOGETHER):
            group = missing[first : first + DRAWN_TOGETHER]
            drawn = work(self._parts, group, [wanted[name] for name in group])
            for name, parts in zip(group, drawn, strict=True):
                slots = []
                for part in parts:
                    while not self._free and old and self._used() >= self._most:
                        self._forget(next(iter(self._slots)))
                        old -= 1
                    slots.append(self._fill(part))
                self._slots[name], self._shares[name] = tuple(slots), wanted[name]
        owner = np.repeat(order, [len(self._slots[name]) for name in names])
        chosen = np.array([slot for name in names for slot in self._slots[name]], np.int64)
        x, y, z, amplitude = self._arrays
        return Scatterers(
            x, y, z, amplitude, self._starts, chosen,
            blocks[owner].astype(np.float64).reshape(-1, 3) * self.block_mm,
            self.cell_mm, self._counts, self._listed[chosen], owner,
        )  # fmt: skip

    def points(self, block: Name) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return world positions (M, 3) mm and amplitudes (M,), with backscatter, of one block."""
        parts = self._parts(block)
        points = np.concatenate([np.zeros((0, 3)), *(part.points for part in parts)])
        amplitudes = np.concatenate([np.zeros(0), *(part.amplitudes for part in parts)])
        return points + np.array(block) * self.block_mm, amplitudes

    def _has(self, name: Name, wanted: dict[Name, NDArray[np.float64]]) -> bool:
        """Return whether a block is stored with all that is wanted of it, and keep it longer.

        A block of which more is wanted than is stored is forgotten, and wanted with what it held.
        """
        if name not in self._slots:
            return False
        if (wanted[name] > self._shares[name]).any():
            wanted[name] = np.maximum(wanted[name], self._shares[name])
            self._forget(name)
            return False
        self._slots.move_to_end(name)
        return True

    def _forget(self, name: Name) -> None:
        self._free.extend(self._slots.pop(name))
        del self._shares[name]

    def _parts(self, block: Name, shares: NDArray[np.float64] = ALL) -> Parts:
        """Return the parts of a block: the drawn one unless it is silent, then listed ones.

        shares (CELLS,): as in `gather`.
        """
        if not shares.any():
            return []
        drawn = self._draw(block, shares)
        parts = [drawn] if drawn.amplitudes.any() else []
        return [*parts, *self._list(block, shares > 0.0)]

    def _draw(self, block: Name, shares: NDArray[np.float64]) -> Part:
        """Return the wanted drawn scatterers of a block."""
        room = np.empty((CELLS * len(self._table), 3))
        signs = np.empty(len(room))
        here, counts = np.empty(CELLS, np.int64), np.empty(CELLS, np.int64)
        index = np.array(block, np.int64)
        total = _draw_block(
            self._key, index, self.cell_mm, self._table, shares, room, signs, here, counts
        )
        points = room[:total]
        # One call for one whole block, so that values do not depend on what else is drawn.
        strength = np.asarray(self.tissue.backscatter(points + index * self.block_mm))
        if strength.shape != (total,) or not np.all(strength >= 0.0):
            raise ValueError(
                f"backscatter: expected {total} amplitudes >= 0, got shape {strength.shape}"
                f" with minimum {strength.min(initial=np.inf)}"
            )
        return Part(points, signs[:total] * strength, here, counts, False)

    def _list(self, block: Name, wanted: NDArray[np.bool_]) -> Parts:
        """Return the tissue's own reflectors in the wanted cells (CELLS,) of a block.

        They are in the order of cells, in as many parts as they need.
        """
        low = np.array(block) * self.block_mm
        box = self._box_of(low, wanted)
        points, listed = self.tissue.reflectors(*box, self.density_per_mm3)
        amplitudes = np.asarray(listed, np.float64)
        if len(points) != len(amplitudes) or not np.isfinite(amplitudes).all():
            raise ValueError(
                f"reflectors: expected finite amplitudes of {len(points)} points, got "
                f"{len(amplitudes)}"
            )
        world = np.ascontiguousarray(points, np.float64).reshape(-1, 3)
        local, amplitudes, ends = _by_cell(world, amplitudes, low, self.cell_mm, wanted)
        room = self._capacity - CELLS * LANES
        parts = []
        for first in range(0, len(local), room):
            last = min(first + room, len(local))
            counts = np.diff(np.clip(ends, first, last), prepend=first)
            parts.append(Part(local[first:last], amplitudes[first:last], counts, counts, True))
        return parts

    def _box_of(
        self, low: NDArray[np.float64], wanted: NDArray[np.bool_]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the lower and upper corner of a box in a block around its wanted cells, mm.

        low (3,): corner of the block. The box reaches a little past its cells, against rounding,
        but never past the block: boxes of neighbouring blocks do not overlap.
        """
        places = np.argwhere(wanted.reshape([BLOCK_SIDE] * 3))
        first, end = places.min(axis=0), places.max(axis=0) + 1
        high = low + self.block_mm
        return (
            np.maximum(low, low + first * self.cell_mm - SLACK_MM),
            np.minimum(high, low + end * self.cell_mm + SLACK_MM),
        )

    def _fill(self, part: Part) -> int:
        """Copy a part into a free slot, made if there is none; return its number."""
        if np.sum(-(-part.here // LANES) * LANES) > self._capacity:
            raise RuntimeError("a block holds more scatterers than a slot")
        if not self._free:
            self._grow()
        slot = self._free.pop()
        _pack_block(
            part.points, part.amplitudes, part.here, *(array[slot] for array in self._arrays),
            self._starts[slot],
        )  # fmt: skip
        self._counts[slot] = part.counts
        self._listed[slot] = part.listed
        return slot

    def _used(self) -> int:
        """Return the number of slots in use."""
        return len(self._starts) - len(self._free)

    def _grow(self) -> None:
        """Add slots: all up to the bound of memory at once, a quarter more beyond it.

        A slot that is never filled takes no memory, since its pages are never touched.
        """
        have = len(self._starts)
        rows = self._most if have < self._most else have + have // 4
        rows = max(have + 1, rows)  # in proportion, since every growth copies all slots
        self._free.extend(range(len(self._starts), rows))
        self._arrays = [_taller(array, rows) for array in self._arrays]
        self._starts = _taller(self._starts, rows)
        self._counts = _taller(self._counts, rows)
        self._listed = _taller(self._listed, rows)


def _taller(array: NDArray, rows: int) -> NDArray:
    """Return a copy of an array with more rows; the added ones are not set."""
    taller = np.empty((rows, *array.shape[1:]), array.dtype)
    taller[: len(array)] = array
    return taller
