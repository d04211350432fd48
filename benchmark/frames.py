"""Frames that are read when indexed, so that memory does not grow with their number."""

from collections import OrderedDict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from benchmark.errors import UserError

KEPT_BYTES = 64 << 20  # of frames that are remembered where only decoding in order is cheap


class LazyFrames:
    """Frames (N, H, W) of an HDF5 file, read when indexed, from any process."""

    def __init__(self, path: Path, key: str):
        self.path, self.key = path, key
        with h5py.File(path, "r") as file:
            self.shape: tuple[int, ...] = file[key].shape
            self.dtype: np.dtype = file[key].dtype

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, index: Any) -> np.ndarray:
        with h5py.File(self.path, "r") as file:
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


class ForwardFrames(StreamedFrames):
    """Frames (N, H, W) of a source that yields them in order only, such as a video.

    Reading forward is cheap. The last frames, up to `KEPT_BYTES`, are remembered, so windows may
    overlap; an earlier frame starts the source again.

    Parameters
    ----------
    start : returns the frames from the first on.
    name : of the source, for the error where it ends early.
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        dtype: np.dtype,
        start: Callable[[], Iterator[np.ndarray]],
        name: str,
    ):
        self.shape, self.dtype, self.name = shape, np.dtype(dtype), name
        self._start, self._next = start, len(self)
        self._coming: Iterator[np.ndarray] = iter(())
        self._kept: OrderedDict[int, np.ndarray] = OrderedDict()
        size = int(np.prod(shape[1:])) * self.dtype.itemsize
        self._most = max(1, KEPT_BYTES // max(1, size))

    def _frame(self, index: int) -> np.ndarray:
        if index in self._kept:
            return self._kept[index].copy()
        if index < self._next:
            self._coming, self._next = self._start(), 0
            self._kept.clear()
        while self._next <= index:
            self._advance()
        return self._kept[index].copy()

    def _advance(self) -> None:
        frame = next(self._coming, None)
        if frame is None or frame.shape != self.shape[1:]:
            found = "the frames end" if frame is None else f"a frame of {frame.shape}"
            raise UserError(f"{self.name}: {found} at {self._next} of {self.shape}")
        self._kept[self._next] = frame
        self._next += 1
        if len(self._kept) > self._most:
            self._kept.popitem(last=False)


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
