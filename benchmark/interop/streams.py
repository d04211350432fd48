"""Frames that stay in the file of another program, raw or packed, and are read one at a time."""

import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from benchmark.errors import UserError

BLOCK_BYTES = 1 << 20


class StreamedFrames:
    """Frames (N, H, W) that are read when indexed; memory does not grow with their number.

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
    """The frames of another object, some of them, each passed through a function."""

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


class FileFrames(StreamedFrames):
    """Frames that follow each other in a file, as they are or packed by zlib or gzip.

    Packed ones can only be unpacked from the first on: going forward is cheap, going back begins
    again.

    Parameters
    ----------
    offset : bytes before the first frame.
    dtype : with its byte order.
    packed : zlib or gzip data instead of plain values.
    size : bytes of data in the file; None: all from `offset` to the end.

    Raises
    ------
    UserError : the file holds more or fewer bytes than the frames need (packed data tell that
        when they are read).
    """

    def __init__(
        self,
        path: Path,
        offset: int,
        shape: tuple[int, ...],
        dtype: np.dtype,
        *,
        packed: bool = False,
        size: int | None = None,
    ):
        self.path, self.offset, self.shape = path, offset, shape
        self._stored, self.dtype = np.dtype(dtype), np.dtype(dtype).newbyteorder("=")
        self._bytes = int(np.prod(shape[1:])) * self._stored.itemsize
        self._unpacker: _Unpacker | None = None
        self._packed, self._next = packed, 0
        try:
            held = path.stat().st_size - offset
        except FileNotFoundError as error:
            raise UserError(f"{path}: no such file") from error
        expected = self._bytes * shape[0] if not packed else size
        if expected is not None and held != expected:
            kind = "compressed bytes" if packed else f"bytes ({' x '.join(map(str, shape))} values)"
            what = "truncated: " if held < expected else ""
            raise UserError(f"{path}: {what}expected {expected} {kind} of frames, got {held}")

    def _frame(self, index: int) -> np.ndarray:
        data = self._unpacked(index) if self._packed else self._plain(index)
        frame = np.frombuffer(data, self._stored).reshape(self.shape[1:])
        return frame.astype(self.dtype)

    def _plain(self, index: int) -> bytes:
        with self.path.open("rb") as file:
            file.seek(self.offset + index * self._bytes)
            return file.read(self._bytes)

    def _unpacked(self, index: int) -> bytes:
        if self._unpacker is None or index < self._next:
            self._unpacker, self._next = _Unpacker(self.path, self.offset), 0
        while True:
            data = self._unpacker.read(self._bytes)
            if len(data) < self._bytes:
                raise UserError(
                    f"{self.path}: truncated: compressed data end in frame {self._next} "
                    f"of {self.shape[0]}"
                )
            self._next += 1
            if self._next == self.shape[0] and self._unpacker.read(1):
                raise UserError(
                    f"{self.path}: compressed data hold more than {self.shape[0]} frames "
                    f"of {' x '.join(map(str, self.shape[1:]))} values"
                )
            if self._next > index:
                if self._next == self.shape[0]:
                    self._unpacker = None
                return data


class _Unpacker:
    """Unpacked bytes of a zlib or gzip stream, read in order and in bounded memory."""

    def __init__(self, path: Path, offset: int):
        self.path = path
        self._file: BinaryIO = path.open("rb")
        self._file.seek(offset)
        self._stream = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)  # either header

    def __del__(self) -> None:
        self._file.close()

    def read(self, count: int) -> bytes:
        """Return the next `count` bytes, fewer at the end."""
        parts: list[bytes] = []
        while count > 0 and not self._stream.eof:
            packed = self._stream.unconsumed_tail or self._file.read(BLOCK_BYTES)
            try:
                part = self._stream.decompress(packed, count)
            except zlib.error as error:
                raise UserError(f"{self.path}: compressed data are damaged ({error})") from error
            if not packed and not part:
                break
            parts.append(part)
            count -= len(part)
        return b"".join(parts)
