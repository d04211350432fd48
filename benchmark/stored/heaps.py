"""Heaps of HDF5 files, which hold texts of any length: that the library comes to their end.

HDF5 goes through a heap from object to object, by the size of each, and for ever where that is 0.
"""

import struct
from pathlib import Path

import h5py

from benchmark.stored import Refused

MARK = b"GCOL\1"  # of a heap, with its version
HEAD_BYTES = 16  # of a heap and of each object in it
OBJECT = struct.Struct("<HHIQ")  # number (0: all that is free), references, nothing, size
SIZE = struct.Struct("<Q")
EITHER_END = 4 << 20  # bytes of a file that are searched: writers put heaps first or last


def refuse_heaps(file: h5py.File) -> None:
    """Refuse a file with a heap at either end of it that HDF5 would not come to the end of.

    Raises
    ------
    Refused : an object of a heap that has no size or exceeds it; addresses of other than 8 bytes.
    """
    if file.id.get_create_plist().get_sizes() != (8, 8):
        raise Refused("expected addresses and sizes of 8 bytes, got others")
    with Path(file.filename).open("rb") as raw:
        size = raw.seek(0, 2)
        for start in dict.fromkeys((0, max(size - EITHER_END, min(size, EITHER_END)))):
            raw.seek(start)
            _search(raw.read(min(EITHER_END, size - start)), start)


def _search(data: bytes, start: int) -> None:
    """Look at all heaps in a piece of a file; start: its place in the file."""
    place = data.find(MARK)
    while place >= 0:
        if not _ends(data, place):
            raise Refused(f"a heap of texts at byte {start + place} has no end")
        place = data.find(MARK, place + 1)


def _ends(data: bytes, heap: int) -> bool:
    """Return whether the sizes of a heap's objects lead to its end, or out of this piece."""
    if heap + HEAD_BYTES > len(data):
        return True
    (size,) = SIZE.unpack_from(data, heap + 8)
    end, place = heap + size, heap + HEAD_BYTES
    while place + HEAD_BYTES <= min(end, len(data)):
        number, _, _, length = OBJECT.unpack_from(data, place)
        taken = length if number == 0 else HEAD_BYTES + (length + 7) // 8 * 8
        if taken < HEAD_BYTES or place + taken > end:
            return False
        place += taken
    return True
