"""HDF5 files that anybody may have written: no link out of them, no array larger than they are."""

import math
from typing import Any

import h5py
import numpy as np

from benchmark.stored import Refused, most_bytes
from benchmark.stored.packing import Packing

NUMBERS = "biuf"  # kinds of numpy's types
CHUNK_BYTES = 1024  # that HDF5 needs for each chunk while it reads many
TIME_BYTES = 8  # of the time that each frame has


def refuse_links(file: h5py.File) -> None:
    """Refuse a file with links to other files, or with arrays that lie in other files.

    Raises
    ------
    Refused : an external link, a link of an unknown kind, a virtual dataset, external storage.
    """
    own = (h5py.h5l.TYPE_HARD, h5py.h5l.TYPE_SOFT)
    out = file.id.links.visit(lambda name, info: None if info.type in own else name, info=True)
    if out is not None:
        raise Refused(f"{_shown(out)}: expected an object of this file, got a link to another file")
    out = h5py.h5o.visit(file.id, lambda name: name if _lies_elsewhere(file, name) else None)
    if out is not None:
        raise Refused(f"{_shown(out)}: expected an array of this file, got one in other files")


def _lies_elsewhere(file: h5py.File, name: bytes) -> bool:
    item = h5py.h5o.open(file.id, name)
    if not isinstance(item, h5py.h5d.DatasetID):
        return False
    plan = item.get_create_plist()
    return plan.get_layout() == h5py.h5d.VIRTUAL or plan.get_external_count() > 0


def _shown(name: Any) -> str:
    return name.decode(errors="replace") if isinstance(name, bytes) else str(name)


def _file_bytes(item: h5py.Group | h5py.Dataset) -> int:
    """Return the size of the file that an object lies in."""
    return int(h5py.h5i.get_file_id(item.id).get_filesize())


class WholeArrays:
    """Reads arrays of numbers of one file whole, as long as all of them fit `most_bytes`."""

    def __init__(self, file: h5py.Group | h5py.Dataset):
        self.size = _file_bytes(file)
        self.left = most_bytes(self.size)

    def __call__(self, group: h5py.Group, key: str) -> np.ndarray:
        """Return the array of a key.

        Raises
        ------
        KeyError : no such key.
        Refused : no array of numbers, or too large a one for the file.
        """
        stored = array_of(group, key)
        needed = max(stored.size * stored.dtype.itemsize, CHUNK_BYTES * _chunk_count(stored))
        self.left -= needed
        if self.left < 0:
            raise Refused(
                f"{stored.name}: expected no more than {most_bytes(self.size)} bytes in a file of "
                f"{self.size}, got {stored.shape} {stored.dtype}"
            )
        refuse_bombs(stored, ())
        return np.asarray(stored[()])


def _chunk_count(stored: h5py.Dataset) -> int:
    if stored.chunks is None:
        return 0
    return math.prod(-(-n // chunk) for n, chunk in zip(stored.shape, stored.chunks, strict=True))


def group_of(group: h5py.Group, key: str) -> h5py.Group:
    """Return a group; `in` and loops over an array in its place would read that array.

    Raises
    ------
    KeyError : no such key.
    Refused : an array.
    """
    return as_group(group[key])


def as_group(found: Any) -> h5py.Group:
    """Return a group as it is.

    Raises
    ------
    Refused : an array.
    """
    if not isinstance(found, h5py.Group):
        raise Refused(f"{found.name}: expected a group, got an array")
    return found


def array_of(group: h5py.Group, key: str, kinds: str = NUMBERS) -> h5py.Dataset:
    """Return a dataset of numbers, unread.

    kinds: of numpy's types that it may have.

    Raises
    ------
    KeyError : no such key.
    Refused : a group, an empty dataset, another type; an array in place of the group.
    """
    stored = as_group(group)[key]
    if not isinstance(stored, h5py.Dataset):
        raise Refused(f"{stored.name}: expected an array, got a group")
    if stored.shape is None or stored.dtype.kind not in kinds:
        found = "nothing" if stored.shape is None else str(stored.dtype)[:40]
        raise Refused(f"{stored.name}: expected numbers, got {found}")
    return stored


def frames_of(group: h5py.Group, key: str) -> h5py.Dataset:
    """Return a dataset of frames, unread, one of which, and the times of all, fit `most_bytes`.

    Raises
    ------
    KeyError, Refused : as `array_of`; a scalar; frames that are too large for the file.
    """
    stored = array_of(group, key)
    if not stored.shape:
        raise Refused(f"{stored.name}: expected frames, got one number")
    _refuse_large(stored, math.prod(stored.shape[1:]) * stored.dtype.itemsize, "a frame")
    _refuse_large(stored, stored.shape[0] * TIME_BYTES, "times")
    return stored


def refuse_bombs(stored: h5py.Dataset, selection: Any) -> None:
    """Refuse chunks, of those a reading of `selection` takes, that do not hold their size.

    Raises
    ------
    Refused : such a chunk, chunks larger than `most_bytes`, or packed as `Packing` refuses.
    """
    if stored.chunks is None or not stored.size:
        return
    _refuse_large(stored, math.prod(stored.chunks) * stored.dtype.itemsize, "a chunk")
    packing = Packing(stored)
    for place in stored.iter_chunks(_slices(selection, stored.shape)):
        corner = tuple(s.start // n * n for s, n in zip(place, stored.chunks, strict=True))
        packing.refuse(stored, corner)


def _slices(selection: Any, shape: tuple[int, ...]) -> tuple[slice, ...]:
    """Return a selection of rows as slices of all axes, at least all that it touches."""
    first = selection[0] if isinstance(selection, tuple) and selection else selection
    rows = slice(0, shape[0])
    if isinstance(first, int | np.integer) and -shape[0] <= first < shape[0]:
        rows = slice(int(first) % shape[0], int(first) % shape[0] + 1)
    elif isinstance(first, slice):
        chosen = range(*first.indices(shape[0]))
        rows = slice(min(chosen, default=0), max(chosen, default=0) + 1)
    return (rows, *(slice(0, length) for length in shape[1:]))


def _refuse_large(stored: h5py.Dataset, needed: int, what: str) -> None:
    size = _file_bytes(stored)
    if needed > most_bytes(size):
        raise Refused(
            f"{stored.name}: expected {what} of no more than {most_bytes(size)} bytes in a file of "
            f"{size}, got {stored.shape} {stored.dtype}"
        )


def text_attribute(item: h5py.File | h5py.Group, key: str) -> Any:
    """Return an attribute that should be one text, as it is stored; None where there is none.

    Raises
    ------
    Refused : several values.
    """
    if key not in item.attrs:
        return None
    shape = item.attrs.get_id(key).shape
    if shape is not None and math.prod(shape) != 1:
        raise Refused(f"{key}: expected a text, got an attribute of shape {shape}")
    return item.attrs[key]
