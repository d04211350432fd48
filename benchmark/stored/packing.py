"""Chunks of HDF5 arrays: by what they are packed, and whether each holds just what it should.

HDF5 unpacks a chunk to its end, however long it gets, and reads on behind one that is too short:
memory that is not the file's, or a crash. So chunks are measured before it reads them.
"""

import math
import zlib
from collections.abc import Callable

import h5py

from benchmark.stored import Refused

CHECKSUM_BYTES = 4  # that Fletcher's checksum adds to a chunk
PIECE_BYTES = 1 << 20  # unpacked at a time while a chunk is measured
BLOSC = 32001
DAMAGED = -1


class Packing:
    """How the chunks of an array are packed: shuffled, packed once, with checksums.

    Raises
    ------
    Refused : other filters, whose chunks cannot be measured, or another order of them.
    """

    def __init__(self, stored: h5py.Dataset):
        plan = stored.id.get_create_plist()
        told = [plan.get_filter(number) for number in range(plan.get_nfilters())]
        self._filters = [code for code, *_ in told]
        self._sums = [code == h5py.h5z.FILTER_FLETCHER32 for code in self._filters]
        self._name = stored.name
        self.chunk_bytes = math.prod(stored.chunks) * stored.dtype.itemsize
        packing = [place for place, code in enumerate(self._filters) if code in LENGTHS]
        known = {*LENGTHS, h5py.h5z.FILTER_SHUFFLE, h5py.h5z.FILTER_FLETCHER32}
        last = packing[0] if packing else len(told)
        ordered = len(packing) < 2 and h5py.h5z.FILTER_SHUFFLE not in self._filters[last:]
        if not ordered or not known.issuperset(self._filters):
            raise Refused(
                f"{self._name}: packed by HDF5 filters {self._filters}; expected deflate, LZF or "
                "Blosc, at most one of them and last (h5repack -f NONE unpacks a file)"
            )
        self._place = packing[0] if packing else None
        if self._place is not None and self._filters[self._place] == h5py.h5z.FILTER_LZF:
            self._refuse_other_size(told[self._place][2])

    def _refuse_other_size(self, values: tuple[int, ...]) -> None:
        """Refuse an LZF filter that takes memory for chunks of another size (its third value)."""
        within = CHECKSUM_BYTES * sum(self._sums)
        if len(values) > 2 and values[2] > self.chunk_bytes + within:
            raise Refused(
                f"{self._name}: LZF for chunks of {values[2]} bytes in place of their own"
            )

    def refuse(self, stored: h5py.Dataset, corner: tuple[int, ...]) -> None:
        """Refuse a chunk, given by its first entry, that does not hold its number of bytes."""
        told = stored.id.get_chunk_info_by_coord(corner)
        if told.byte_offset is None:
            return  # never written
        place = self._place
        packed = place is not None and not told.filter_mask >> place & 1
        sums = [has and not told.filter_mask >> at & 1 for at, has in enumerate(self._sums)]
        within = sums[:place] if packed else sums
        expected = self.chunk_bytes + CHECKSUM_BYTES * sum(within)
        found = told.size
        if packed and place is not None:
            _, data = stored.id.read_direct_chunk(corner)
            end = len(data) - CHECKSUM_BYTES * sum(sums[place:])
            found = LENGTHS[self._filters[place]](memoryview(data)[: max(end, 0)], expected)
        if found != expected:
            known = {DAMAGED: "is damaged", expected + 1: "unpacks to more than its size"}
            said = known.get(found, f"holds {found} in their place")
            raise Refused(f"{self._name}: a chunk of {expected} bytes {said}")


def _deflated(data: memoryview, most: int) -> int:
    """Return the unpacked length of a deflated chunk, `most` + 1 for all that is longer."""
    stream, rest, length = zlib.decompressobj(), bytes(data), 0
    try:
        while length <= most and not stream.eof:
            piece = stream.decompress(rest, PIECE_BYTES)
            if not piece and not stream.eof:
                return DAMAGED
            length, rest = length + len(piece), stream.unconsumed_tail
    except zlib.error:
        return DAMAGED
    return min(length, most + 1)


def _lzf(data: memoryview, most: int) -> int:
    """Return the unpacked length of an LZF chunk from its tokens, as `_deflated`.

    A byte below 32 stands for one literal more; a larger one for a repetition, whose length is in
    its three highest bits, or if they are set in the next byte, and whose distance follows.
    """
    place, length, end = 0, 0, len(data)
    while place < end and length <= most:
        token = data[place]
        if token < 32:
            place, length = place + token + 2, length + token + 1
            continue
        run = token >> 5
        if run == 7:
            if place + 1 >= end:
                return DAMAGED
            run, place = 7 + data[place + 1], place + 1
        place, length = place + 2, length + run + 2
    return DAMAGED if place > end else min(length, most + 1)


def _blosc(data: memoryview, most: int) -> int:
    """Return the unpacked length that a Blosc chunk states, within which its library stays."""
    return min(int.from_bytes(data[4:8], "little"), most + 1) if len(data) >= 16 else DAMAGED


#: filter: what measures a chunk of it, given its bytes and those that are expected.
LENGTHS: dict[int, Callable[[memoryview, int], int]] = {
    h5py.h5z.FILTER_DEFLATE: _deflated,
    h5py.h5z.FILTER_LZF: _lzf,
    BLOSC: _blosc,
}
