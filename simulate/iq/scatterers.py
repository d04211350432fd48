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

from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from itertools import repeat
from typing import Any, NamedTuple

import numpy as np
from numba import types
from numba.extending import intrinsic
from numba.np.arrayobj import populate_array
from numpy.typing import NDArray

from simulate.iq.drawing import (
    BLOCK_SIDE,
    CELL_MEAN,
    CELLS,
    Part,
    Room,
    by_cell,
    draw_block,
    packed,
    poisson_table,
    weigh_block,
)
from simulate.tissue.answers import Echoer

TOGETHER = 8  # blocks about which the tissue is asked in one call
DRAWN_TOGETHER = 8 * TOGETHER  # blocks drawn before they are stored
SPARSE = 1.25  # volume of a box around the wanted cells of several blocks, over that of their own
SLACK_MM = 1e-6  # against rounding, of boxes around cells


class Scatterers(NamedTuple):
    """The scatterers of the blocks of one group of frames, as arrays for the compiled kernels.

    A block has up to two parts: the drawn scatterers and those listed by the tissue. Parts are in
    ascending order of the index of their block, the drawn one before the listed one, so that sums
    over them always run in the same order.

    places : (parts,) where the entries of each `Part` lie in memory, see `entries_at`.
    starts, counts : (parts, CELLS + 1) and (parts, CELLS), of each part.
    corners : (parts, 3) corner of the block, world mm.
    cell_mm : side of a cell.
    listed : (parts,) whether a part was listed by the tissue or drawn.
    owner : (parts,) which of the requested blocks a part belongs to.
    """

    places: NDArray[np.int64]
    starts: NDArray[np.int32]
    counts: NDArray[np.int32]
    corners: NDArray[np.float64]
    cell_mm: float
    listed: NDArray[np.bool_]
    owner: NDArray[np.int64]


def bundled(
    parts: Sequence[Part],
    corners_mm: NDArray[np.float64],
    cell_mm: float,
    owner: NDArray[np.int64] | None = None,
) -> Scatterers:
    """Return parts with the corners (parts, 3) of their blocks for the kernels.

    They are not copied: the caller keeps the parts as long as kernels read them.
    """
    count = len(parts)
    return Scatterers(
        places=np.array([part.entries.__array_interface__["data"][0] for part in parts], np.int64),
        starts=np.array([part.starts for part in parts], np.int32).reshape(count, CELLS + 1),
        counts=np.array([part.counts for part in parts], np.int32).reshape(count, CELLS),
        corners=corners_mm,
        cell_mm=cell_mm,
        listed=np.array([part.listed for part in parts], np.bool_),
        owner=np.arange(count) if owner is None else owner,
    )


@intrinsic
def _entries_at(typingctx: Any, place: Any, count: Any) -> Any:
    """Return the entries (4, count) float32 of a part that lie at a place in memory."""
    kind = types.Array(types.float32, 2, "C")

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        size = context.get_constant(types.intp, 4)  # rows, and bytes of a number
        length = builder.sext(args[1], size.type)
        array = context.make_array(kind)(context, builder)
        populate_array(
            array,
            data=builder.inttoptr(args[0], array.data.type),
            shape=(size, length),
            strides=(builder.mul(size, length), size),
            itemsize=size,
            meminfo=None,
        )
        return array._getvalue()

    return kind(types.int64, types.int32), codegen


entries_at: Any = _entries_at  # a call gives no context: mypy would ask for it

Name = tuple[int, int, int]  # index of a block along each axis
Parts = list[Part]
Wanted = tuple[Name, NDArray[np.float64]]  # a block, and the shares (CELLS,) that are wanted of it
ALL = np.ones(CELLS)  # the shares of cells that are wanted whole


class _Held(NamedTuple):
    """The parts of a stored block, and the shares (CELLS,) of its cells that they hold."""

    parts: Parts
    shares: NDArray[np.float64]

    @property
    def bytes(self) -> int:
        arrays = [array for part in self.parts for array in part[:3]]
        return self.shares.nbytes + sum(array.nbytes for array in arrays)


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
        self.bytes = 0
        self._key = np.uint64(tissue.key & 0xFFFFFFFFFFFFFFFF)
        self._table = poisson_table(CELL_MEAN)
        self._room = Room(self._table, TOGETHER)
        self._held: OrderedDict[Name, _Held] = OrderedDict()
        self._most = memory_mb * 1e6

    def __len__(self) -> int:
        return len(self._held)

    def gather(
        self,
        blocks: NDArray[np.int64],
        work: Callable[..., Iterable[Any]] = map,
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
        old = len(self) - (len(names) - len(missing))  # may be forgotten
        for first in range(0, len(missing), DRAWN_TOGETHER):
            some = missing[first : first + DRAWN_TOGETHER]
            groups = [some[n : n + TOGETHER] for n in range(0, len(some), TOGETHER)]
            drawn = work(self._parts, groups, [[wanted[name] for name in g] for g in groups])
            for group, found in zip(groups, drawn, strict=True):
                for name, parts in zip(group, found, strict=True):
                    # A copy, since a row would keep the shares of all blocks asked for with it.
                    old = self._keep(name, _Held(parts, wanted[name].copy()), old)
        parts = [part for name in names for part in self._held[name].parts]
        owner = np.repeat(order, [len(self._held[name].parts) for name in names])
        corners = blocks[owner].astype(np.float64).reshape(-1, 3) * self.block_mm
        return bundled(parts, corners, self.cell_mm, owner)

    def points(self, block: Name) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return world positions (M, 3) mm and amplitudes (M,), with backscatter, of one block."""
        found: list[NDArray[Any]] = [np.zeros((4, 0))]
        for part in self._parts([block], [ALL])[0]:
            length = np.diff(part.starts)
            number = np.arange(part.entries.shape[1]) - np.repeat(part.starts[:-1], length)
            found.append(part.entries[:, number < np.repeat(part.counts, length)])
        *places, amplitudes = np.concatenate(found, axis=1, dtype=np.float64)
        return np.stack(places, axis=1) + np.array(block) * self.block_mm, amplitudes

    def _has(self, name: Name, wanted: dict[Name, NDArray[np.float64]]) -> bool:
        """Return whether a block is stored with all that is wanted of it, and keep it longer.

        A block of which more is wanted than is stored is forgotten, and wanted with what it held.
        """
        if name not in self._held:
            return False
        shares = self._held[name].shares
        if (wanted[name] > shares).any():
            wanted[name] = np.maximum(wanted[name], shares)
            self._forget(name)
            return False
        self._held.move_to_end(name)
        return True

    def _keep(self, name: Name, held: _Held, old: int) -> int:
        """Store a block, in place of some of the `old` first ones; return how many are left."""
        while old and self.bytes + held.bytes > self._most:
            self._forget(next(iter(self._held)))
            old -= 1
        self._held[name] = held
        self.bytes += held.bytes
        return old

    def _forget(self, name: Name) -> None:
        self.bytes -= self._held.pop(name).bytes

    def _parts(self, blocks: list[Name], shares: list[NDArray[np.float64]]) -> list[Parts]:
        """Return the parts, none that is silent, of at most `TOGETHER` blocks in ascending order.

        shares: (CELLS,) of each block, as in `gather`.
        """
        parts: dict[Name, Parts] = {block: [] for block in blocks}
        wanted = [pair for pair in zip(blocks, shares, strict=True) if pair[1].any()]
        if wanted:
            for block, part in [*self._draw(wanted), *self._list(wanted)]:
                parts[block].append(part)
        return list(parts.values())

    def _draw(self, wanted: list[Wanted]) -> Iterable[tuple[Name, Part]]:
        """Give the wanted drawn scatterers of blocks in which any is heard."""
        room, drawn, total = self._room, [], 0
        for (block, shares), entries in zip(wanted, room.entries, strict=False):
            starts, counts = np.empty(CELLS + 1, np.int32), np.empty(CELLS, np.int32)
            first = total
            total += draw_block(
                self._key, block, self.cell_mm, self._table, shares, entries, room.points[first:],
                starts, counts,
            )  # fmt: skip
            drawn.append((block, slice(first, total), entries, starts, counts))
        # One call for all, in which a tissue may look at once where the points lie.
        strength = self.tissue.backscatter(room.points[:total])
        strength = np.ascontiguousarray(strength, np.float64)
        shaped = strength.shape == (total,)
        for block, place, entries, starts, counts in drawn:
            fine = heard = shaped
            if shaped:
                fine, heard = weigh_block(strength[place], entries, starts)
            if not fine:
                raise ValueError(
                    f"backscatter: expected {total} finite amplitudes >= 0, got shape "
                    f"{strength.shape} with minimum {strength.min(initial=np.inf)}"
                )
            if heard:
                yield block, Part(entries[:, : starts[CELLS]].copy(), starts, counts, False)

    def _list(self, wanted: list[Wanted]) -> Iterable[tuple[Name, Part]]:
        """Give the tissue's own reflectors in the wanted cells of blocks that have any."""
        for row in self._rows(wanted):
            low = np.array(row.first) * self.block_mm
            points, listed = self.tissue.reflectors(row.low, row.high, self.density_per_mm3)
            amplitudes = np.ascontiguousarray(listed, np.float64)
            if len(points) != len(amplitudes) or not np.isfinite(amplitudes).all():
                raise ValueError(
                    f"reflectors: expected finite amplitudes of {len(points)} points, got "
                    f"{len(amplitudes)}"
                )
            if not len(points):
                continue
            world = np.ascontiguousarray(points, np.float64).reshape(-1, 3)
            order, ends = by_cell(world, low, self.cell_mm, np.concatenate(row.cells))
            counts = np.diff(ends, prepend=0).reshape(-1, CELLS)
            ends = ends.reshape(-1, CELLS)[:, -1]
            for n, (end, of_cells) in enumerate(zip(ends, counts, strict=True)):
                own = order[end - of_cells.sum() : end]
                if len(own):
                    block = (*row.first[:2], row.first[2] + n)
                    corner = np.array(block) * self.block_mm
                    yield block, packed(world, amplitudes, own, corner, of_cells, True)

    def _rows(self, wanted: list[Wanted]) -> list[_Row]:
        """Return blocks, in ascending order, as rows whose wanted cells fill a box around them."""
        rows: list[_Row] = []
        cells = np.array([shares for _, shares in wanted]) > 0.0
        lows, highs = self._boxes(np.array([block for block, _ in wanted]), cells)
        volumes = np.prod(highs - lows, axis=1).tolist()
        for (block, _), own, low, high, volume in zip(
            wanted, cells, lows, highs, volumes, strict=True
        ):
            last = rows[-1] if rows else None
            if last is not None and last.next == block:
                ends = np.minimum(last.low, low), np.maximum(last.high, high)
                if np.prod(ends[1] - ends[0]) <= SPARSE * (last.volume + volume):
                    rows[-1] = _Row(last.first, *ends, last.volume + volume, [*last.cells, own])
                    continue
            rows.append(_Row(block, low, high, volume, [own]))
        return rows

    def _boxes(
        self, blocks: NDArray[np.int64], wanted: NDArray[np.bool_]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the lower and the upper corners (B, 3) of boxes around the wanted cells, mm.

        blocks (B, 3), wanted (B, CELLS). A box reaches a little past its cells, against rounding,
        but never past the block: boxes of neighbouring blocks do not overlap.
        """
        inside = wanted.reshape(-1, *(BLOCK_SIDE,) * 3)
        lines = np.stack([inside.any(axis=axes) for axes in ((2, 3), (1, 3), (1, 2))], axis=1)
        first = lines.argmax(axis=2)
        end = BLOCK_SIDE - lines[:, :, ::-1].argmax(axis=2)
        low = blocks * self.block_mm
        high = low + self.block_mm
        return (
            np.maximum(low, low + first * self.cell_mm - SLACK_MM),
            np.minimum(high, low + end * self.cell_mm + SLACK_MM),
        )


class _Row(NamedTuple):
    """Blocks that follow one another along z.

    first: index of the first one; low, high (3,): corners of a box around their wanted cells, mm;
    volume: of the boxes around those of each block, mm³; cells: of each, the wanted ones (CELLS,).
    """

    first: Name
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    volume: float
    cells: list[NDArray[np.bool_]]

    @property
    def next(self) -> Name:
        """The index of the block after the last."""
        return (*self.first[:2], self.first[2] + len(self.cells))
