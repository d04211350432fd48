"""Frames that are read when indexed, so that memory does not grow with their number."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from benchmark.errors import UserError

# Files are renamed into place when they are whole, so nothing is gained by locking them, and some
# file systems (NFS) refuse it. The variable HDF5_USE_FILE_LOCKING goes before this.
CAN_UNLOCK = h5py.version.hdf5_version_tuple >= (1, 12, 1)
UNLOCKED: dict[str, Any] = {"locking": False} if CAN_UNLOCK else {}


def open_hdf5(path: Path | str, mode: str = "r") -> h5py.File:
    """Return an open HDF5 file, unlocked where the library can; arguments as `h5py.File`.

    Raises
    ------
    UserError : the file system refuses a lock that was asked for.
    OSError : as `h5py.File`.
    """
    try:
        return h5py.File(path, mode, **UNLOCKED)
    except OSError as error:
        if "unable to lock file" not in str(error):
            raise
        raise UserError(
            f"{path}: cannot be locked; set the environment variable HDF5_USE_FILE_LOCKING=FALSE"
        ) from error


class LazyFrames:
    """Frames (N, H, W) of an HDF5 file, read when indexed, from any process."""

    def __init__(self, path: Path, key: str):
        self.path, self.key = path, key
        with open_hdf5(path) as file:
            self.shape: tuple[int, ...] = file[key].shape
            self.dtype: np.dtype = file[key].dtype

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, index: Any) -> np.ndarray:
        with open_hdf5(self.path) as file:
            return file[self.key][index]

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
