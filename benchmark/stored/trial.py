"""What readers touch of an HDF5 file, touched in a process that may die of it.

The HDF5 library itself crashes on some damaged structures. `serve` is the loop of a process that
holds nothing of value: it gets paths, a line each, goes through the files, and answers a line each.
`benchmark.stored.probe` starts it and asks.
"""

import contextlib
import json
import math
import os
import select
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import h5py

from benchmark.stored.hdf5 import NUMBERS, refuse_bombs, refuse_links
from benchmark.stored.heaps import refuse_heaps
from benchmark.stored.probe import CHECKED, FAULTY, MEMORY, READY

SECONDS = 5  # of the processor that one file may take; the process ends itself by SIGPROF
IDLE_SECONDS = 20  # without a file, after which it ends
SPARE_BYTES = 256 << 20  # of address space beside twice the file
#: What is touched of one file at most: objects with attributes, chunks, bytes of arrays.
MOST_OBJECTS, MOST_CHUNKS, MOST_BYTES = 5_000, 100_000, 16 << 20
MOST_TEXTS = 1_000  # of one array
PLAIN_BYTES = 1 << 16  # of an array without filters, which HDF5 only copies


def serve() -> None:
    """Answer for each path on standard input, a JSON text a line, until it ends or none comes."""
    _set_up()
    print(READY, flush=True)
    while _waited() and (line := sys.stdin.readline()):
        print(_tried(json.loads(line)), flush=True)


def _set_up() -> None:
    """Leave interrupts to the process that asks, and no memory dump in its folder."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))


def _waited() -> bool:
    """Return whether there is a line, or the end of them, before this process is idle."""
    return os.name != "posix" or bool(select.select([sys.stdin], [], [], IDLE_SECONDS)[0])


def _tried(path: str) -> str:
    """Return what came of a file: CHECKED for one without links and heaps as readers refuse them.

    Any other fault that can be told is left for the reader to tell.
    """
    touch, enough = Touch(), False
    try:
        enough = _limit_memory(2 * Path(path).stat().st_size + SPARE_BYTES)
        with _limited_time():
            touch.file(path)
    except MemoryError:
        return MEMORY if enough else FAULTY
    except Exception:
        return CHECKED if touch.checked else FAULTY
    return CHECKED


@contextlib.contextmanager
def _limited_time() -> Iterator[None]:
    """End this process, within HDF5 too, when the block takes long."""
    if not hasattr(signal, "setitimer"):
        yield
        return
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def _limit_memory(more: int) -> bool:
    """Let this process take so many bytes of address space beyond those it has, where it can.

    Return whether it may take as many, which a limit of the user's may not leave.
    """
    try:
        import resource

        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    except (ImportError, OSError):
        return False
    most, hard = pages * resource.getpagesize() + more, resource.getrlimit(resource.RLIMIT_AS)[1]
    enough = hard == resource.RLIM_INFINITY or most <= hard
    resource.setrlimit(resource.RLIMIT_AS, (most if enough else hard, hard))
    return enough


class Touch:
    """Goes through one file as readers do, as far as the limits above.

    checked: whether it has neither links nor heaps that are refused.
    """

    def __init__(self) -> None:
        self.checked = False
        self.objects, self.chunks, self.bytes = MOST_OBJECTS, MOST_CHUNKS, MOST_BYTES

    def file(self, path: str) -> None:
        """Open a file as `benchmark.frames.reading_hdf5`, then touch all its objects."""
        with h5py.File(path, "r") as file:
            refuse_links(file)
            refuse_heaps(file)
            self.checked = True
            self._object(file)
            h5py.h5o.visit(file.id, lambda name: self._named(file, name))

    def _named(self, file: h5py.File, name: bytes) -> bool | None:
        """Touch an object; True, which ends a visit, where enough were."""
        try:
            self._object(file[name])
        except MemoryError:
            raise
        except Exception:  # this object cannot be read, but another may crash
            pass
        return True if self.objects <= 0 else None

    def _object(self, item: h5py.Group | h5py.Dataset) -> None:
        self.objects -= 1
        for key in item.attrs:
            self.objects -= 1
            if self.objects <= 0:
                return
            with contextlib.suppress(OSError, ValueError, TypeError, KeyError, RuntimeError):
                self._attribute(item.attrs, key)
        if isinstance(item, h5py.Dataset):
            self._array(item)

    def _attribute(self, attrs: h5py.AttributeManager, key: str) -> None:
        stored = attrs.get_id(key)
        if stored.shape is None or self._fits(stored.shape, stored.dtype.itemsize):
            attrs[key]

    def _array(self, stored: h5py.Dataset) -> None:
        """Touch each chunk's place, then read an array whole, or its first and last row."""
        if stored.shape is None or not stored.size:
            return
        if stored.chunks is not None:
            stored.id.chunk_iter(self._chunk)
        numbers = stored.dtype.kind in NUMBERS
        plain = numbers and not stored.id.get_create_plist().get_nfilters()
        whole = stored.nbytes <= PLAIN_BYTES if plain else numbers or stored.size <= MOST_TEXTS
        if whole and self._fits(stored.shape, stored.dtype.itemsize):
            self._read(stored, ())
        elif numbers and self._fits((2, *stored.shape[1:]), stored.dtype.itemsize):
            self._read(stored, 0)
            self._read(stored, stored.shape[0] - 1)

    def _chunk(self, place: object) -> bool | None:
        """Count a chunk; True, which ends their loop, where enough were."""
        self.chunks -= 1
        return True if self.chunks <= 0 else None

    def _read(self, stored: h5py.Dataset, selection: int | tuple[()]) -> None:
        refuse_bombs(stored, selection)
        stored[selection]

    def _fits(self, shape: tuple[int, ...], itemsize: int) -> bool:
        """Return whether so much is still to be read of this file, and count it."""
        needed = math.prod(shape) * itemsize
        if needed > self.bytes:
            return False
        self.bytes -= needed
        return True
