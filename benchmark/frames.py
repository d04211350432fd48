"""Frames that are read when indexed, so that memory does not grow with their number."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import h5py
import numpy as np

from benchmark.errors import UserError
from benchmark.stored import Refused
from benchmark.stored.hdf5 import frames_of, refuse_bombs, refuse_links
from benchmark.stored.heaps import refuse_heaps
from benchmark.stored.probe import refuse_deadly

# Files are renamed into place when they are whole, so nothing is gained by locking them, and some
# file systems (NFS) refuse it. The variable HDF5_USE_FILE_LOCKING goes before this.
CAN_UNLOCK = h5py.version.hdf5_version_tuple >= (1, 12, 1)
UNLOCKED: dict[str, Any] = {"locking": False} if CAN_UNLOCK else {}


def open_hdf5(path: Path | str, mode: str = "r", **options: Any) -> h5py.File:
    """Return an open HDF5 file, unlocked where the library can; arguments as `h5py.File`.

    Raises
    ------
    UserError : the file system refuses a lock that was asked for.
    OSError : as `h5py.File`.
    """
    try:
        return h5py.File(path, mode, **UNLOCKED, **options)
    except OSError as error:
        if "unable to lock file" not in str(error):
            raise
        raise UserError(
            f"{path}: cannot be locked; set the environment variable HDF5_USE_FILE_LOCKING=FALSE"
        ) from error


@contextmanager
def reading_hdf5(path: Path | str) -> Iterator[h5py.File]:
    """Open an HDF5 file that anybody may have written, for reading.

    Raises
    ------
    UserError : no such file, no HDF5, a file that the library crashes on, links to other files,
        heaps without end; and within the block whatever is wrong with what is read.
    """
    if not Path(path).is_file():
        raise UserError(f"{path}: no such file")
    with hdf5_faults(path):
        checked = refuse_deadly(Path(path))
        with open_hdf5(path) as file:
            if not checked:
                refuse_links(file)
                refuse_heaps(file)
            yield file


@contextmanager
def hdf5_faults(path: Path | str) -> Iterator[None]:
    """Turn what h5py and numpy raise for a damaged or foreign HDF5 file into a UserError."""
    try:
        yield
    except Refused as error:
        raise UserError(f"{path}: {error}") from error
    except OSError as error:
        raise UserError(f"{path}: truncated or not HDF5 ({_first_line(error)})") from error
    except KeyError as error:
        raise UserError(f"{path}: a key is missing ({_first_line(error)})") from error
    except (ValueError, TypeError, AttributeError, RuntimeError, OverflowError, IndexError,
            MemoryError) as error:  # fmt: skip
        told = _first_line(error)
        raise UserError(f"{path}: a key holds something of another kind ({told})") from error


def _first_line(error: Exception) -> str:
    text = str(error.args[0]) if isinstance(error, KeyError) and error.args else str(error)
    return (text.splitlines() or [type(error).__name__])[0]


class LazyFrames:
    """Frames (N, H, W) of an HDF5 file, read when indexed, from any process."""

    def __init__(self, path: Path, key: str):
        self.path, self.key = path, key
        with hdf5_faults(path), open_hdf5(path) as file:
            stored = frames_of(file, key)
            self.shape: tuple[int, ...] = stored.shape
            self.dtype: np.dtype = stored.dtype

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, index: Any) -> np.ndarray:
        with hdf5_faults(self.path), open_hdf5(self.path) as file:
            stored = file[self.key]
            refuse_bombs(stored, index)
            return stored[index]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.asarray(self[:], dtype=dtype)


class StreamedFrames:
    """Frames (N, H, W) that are made one at a time when indexed.

    A subclass sets `shape` and `dtype` and writes `_frame`.
    """

    shape: tuple[int, ...]
    dtype: np.dtype

    def _frame(self, index: int) -> np.ndarray:
        raise NotImplementedError

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, index: Any) -> np.ndarray:
        if isinstance(index, tuple):
            chosen, rest = self[index[0]], index[1:]
            one = isinstance(index[0], int | np.integer)
            return chosen[rest] if one else chosen[(slice(None), *rest)]
        numbers = np.arange(len(self))[index]
        if np.ndim(numbers) == 0:
            return self._frame(int(numbers))
        frames = np.empty((len(numbers), *self.shape[1:]), self.dtype)
        for place, number in enumerate(numbers):
            frames[place] = self._frame(int(number))
        return frames

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.asarray(self[:], dtype=dtype)


class SpooledFrames(StreamedFrames):
    """Frames (N, H, W) of a source that yields them in order only, such as a video.

    Each is decoded once, when it or a later one is first read, and kept in a temporary file
    without a name, which the system removes with the last reference. So frames may be read in any
    order, again and again, and memory does not grow with their number.

    Parameters
    ----------
    source : the frames from the first on.
    name : of the source, for errors.

    Raises
    ------
    UserError : on reading, where the source ends early or the temporary file does not fit on disk.
    """

    def __init__(
        self, shape: tuple[int, ...], dtype: np.dtype, source: Iterator[np.ndarray], name: str
    ):
        self.shape, self.dtype, self.name = shape, np.dtype(dtype), name
        self._source, self._decoded = source, 0
        self._bytes = int(np.prod(shape[1:])) * self.dtype.itemsize
        self._file: BinaryIO | None = None

    def _frame(self, index: int) -> np.ndarray:
        if self._file is None:
            self._file = tempfile.TemporaryFile()  # noqa: SIM115  (lives as long as the frames)
        while self._decoded <= index:
            self._spool(self._file)
        self._file.seek(index * self._bytes)
        return np.frombuffer(bytearray(self._file.read(self._bytes)), self.dtype).reshape(
            self.shape[1:]
        )

    def _spool(self, file: BinaryIO) -> None:
        """Decode one more frame into the temporary file."""
        frame = next(self._source, None)
        if frame is None or (frame.shape, frame.dtype) != (self.shape[1:], self.dtype):
            found = "nothing" if frame is None else f"{frame.dtype} of shape {frame.shape}"
            expected = f"{self.dtype} of shape {self.shape[1:]}"
            raise UserError(
                f"{self.name}: frame {self._decoded} of {len(self)}: expected {expected}, "
                f"got {found}"
            )
        try:
            file.seek(self._decoded * self._bytes)
            file.write(np.ascontiguousarray(frame).tobytes())
            file.flush()
        except OSError as error:
            raise UserError(
                f"{self.name}: its frames, decoded, need {self._bytes * len(self) / 1e6:.0f} MB "
                f"in {tempfile.gettempdir()} ({error.strerror}); TMPDIR names another folder"
            ) from error
        self._decoded += 1


class MappedFrames(StreamedFrames):
    """Frames of another object: those `chosen` (by default all), each passed through `function`."""

    def __init__(
        self,
        source: Any,
        chosen: np.ndarray | None = None,
        function: Callable[[np.ndarray], np.ndarray] | None = None,
    ):
        self.source, self.function = source, function
        self.chosen = np.arange(len(source)) if chosen is None else np.asarray(chosen)
        if function is None:
            self.shape, self.dtype = (len(self.chosen), *source.shape[1:]), source.dtype
            return
        example = function(np.zeros(source.shape[1:], source.dtype))
        self.shape, self.dtype = (len(self.chosen), *example.shape), example.dtype

    def _frame(self, index: int) -> np.ndarray:
        frame = self.source[int(self.chosen[index])]
        return frame if self.function is None else self.function(frame)
