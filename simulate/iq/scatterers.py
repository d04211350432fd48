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

from simulate.iq.drawing import (
    BLOCK_SIDE,
    CELL_MEAN,
    CELLS,
    LANES,
    Part,
    Room,
    by_cell,
    draw_block,
    packed,
    poisson_table,
    weigh_block,
)
from simulate.tissue.answers import Echoer

DRAWN_TOGETHER = 64  # blocks drawn before they are stored
SLACK_MM = 1e-6  # against rounding, of boxes around cells


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


Name = tuple[int, int, int]  # index of a block along each axis
Parts = list[Part]
ALL = np.ones(CELLS)  # the shares of cells that are wanted whole


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
        self._room = Room(self._table)
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
                # A copy, since a row would keep alive the shares of all blocks asked for with it.
                self._slots[name], self._shares[name] = tuple(slots), wanted[name].copy()
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
        found: list[NDArray[Any]] = [np.zeros((4, 0))]
        for part in self._parts(block):
            length = np.diff(part.starts)
            number = np.arange(part.entries.shape[1]) - np.repeat(part.starts[:-1], length)
            found.append(part.entries[:, number < np.repeat(part.counts, length)])
        *places, amplitudes = np.concatenate(found, axis=1, dtype=np.float64)
        return np.stack(places, axis=1) + np.array(block) * self.block_mm, amplitudes

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
        return [*([] if drawn is None else [drawn]), *self._list(block, shares > 0.0)]

    def _draw(self, block: Name, shares: NDArray[np.float64]) -> Part | None:
        """Return the wanted drawn scatterers of a block; None if all are silent."""
        room, starts, counts = self._room, np.empty(CELLS + 1, np.int32), np.empty(CELLS, np.int32)
        total = draw_block(
            self._key, block, self.cell_mm, self._table, shares, room.entries, room.points, starts,
            counts,
        )  # fmt: skip
        # One call for one block, in which a tissue may look at once where the points lie.
        strength = self.tissue.backscatter(room.points[:total])
        strength = np.ascontiguousarray(strength, np.float64)
        fine = heard = strength.shape == (total,)
        if fine:
            fine, heard = weigh_block(strength, room.entries, starts)
        if not fine:
            raise ValueError(
                f"backscatter: expected {total} finite amplitudes >= 0, got shape {strength.shape}"
                f" with minimum {strength.min(initial=np.inf)}"
            )
        if not heard:
            return None
        return Part(room.entries[:, : starts[CELLS]].copy(), starts, counts, False)

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
        if not len(points):
            return []
        world = np.ascontiguousarray(points, np.float64).reshape(-1, 3)
        order, ends = by_cell(world, low, self.cell_mm, wanted)
        room = self._capacity - CELLS * LANES
        parts = []
        for first in range(0, len(order), room):
            some = order[first : first + room]
            counts = np.diff(np.clip(ends, first, first + room), prepend=first)
            parts.append(packed(world[some], amplitudes[some], low, counts, True))
        return parts

    def _box_of(
        self, low: NDArray[np.float64], wanted: NDArray[np.bool_]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the lower and upper corner of a box in a block around its wanted cells, mm.

        low (3,): corner of the block. The box reaches a little past its cells, against rounding,
        but never past the block: boxes of neighbouring blocks do not overlap.
        """
        inside = wanted.reshape((BLOCK_SIDE,) * 3)
        lines: list[Any] = [inside.any(axis=axes) for axes in ((1, 2), (0, 2), (0, 1))]
        first = np.array([line.argmax() for line in lines])
        end = BLOCK_SIDE - np.array([line[::-1].argmax() for line in lines])
        high = low + self.block_mm
        return (
            np.maximum(low, low + first * self.cell_mm - SLACK_MM),
            np.minimum(high, low + end * self.cell_mm + SLACK_MM),
        )

    def _fill(self, part: Part) -> int:
        """Copy a part into a free slot, made if there is none; return its number."""
        count = part.entries.shape[1]
        if count > self._capacity:
            raise RuntimeError("a block holds more scatterers than a slot")
        if not self._free:
            self._grow()
        slot = self._free.pop()
        for array, values in zip(self._arrays, part.entries, strict=True):
            array[slot, :count] = values
        self._starts[slot], self._counts[slot] = part.starts, part.counts
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
