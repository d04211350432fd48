"""Frames in files of other programs, raw or compressed, read one at a time."""

import zlib
from pathlib import Path
from typing import BinaryIO

import numpy as np

from benchmark.errors import UserError
from benchmark.frames import StreamedFrames

BLOCK_BYTES = 1 << 20


class FileFrames(StreamedFrames):
    """Frames one after another in a file, raw or compressed by zlib or gzip.

    Compressed frames are unpacked from the first on: reading forward is cheap, reading an earlier
    frame starts again.

    Parameters
    ----------
    offset : bytes before the first frame.
    dtype : with its byte order.
    packed : zlib or gzip data instead of raw values.
    size : bytes of data in the file; None: all from `offset` to the end.

    Raises
    ------
    UserError : the file holds more or fewer bytes than the frames need (noticed on reading where
        data are compressed).
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
