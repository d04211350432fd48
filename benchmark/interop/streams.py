"""Frames in files of other programs, raw or compressed, read one at a time."""

import math
import os
import tempfile
import zlib
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from benchmark.errors import UserError
from benchmark.frames import StreamedFrames

BLOCK_BYTES = 1 << 20
MOST_PACKED = 1100  # bytes that one of a compressed file can stand for; deflate reaches 1032


class FileFrames(StreamedFrames):
    """Frames one after another in a file, raw or compressed by zlib or gzip.

    Compressed frames are unpacked from the first on: reading forward is cheap, reading an earlier
    frame starts again.

    Parameters
    ----------
    offset : bytes before the first frame; None: the frames are the last bytes of the file.
    dtype : with its byte order.
    packed : zlib or gzip data instead of raw values.
    size : bytes of data in the file; None: all from `offset` to the end.

    Raises
    ------
    UserError : the file holds more or fewer bytes than the frames need (noticed on reading where
        data are compressed). A newline after them is no fault.
    """

    def __init__(
        self,
        path: Path,
        offset: int | None,
        shape: tuple[int, ...],
        dtype: np.dtype,
        *,
        packed: bool = False,
        size: int | None = None,
    ):
        self.path, self.shape = path, shape
        self._stored, self.dtype = np.dtype(dtype), np.dtype(dtype).newbyteorder("=")
        self._bytes = math.prod(shape[1:]) * self._stored.itemsize
        self._unpacker: _Unpacker | None = None
        self._packed, self._next = packed, 0
        expected = self._bytes * shape[0] if not packed else size
        kind = "compressed bytes" if packed else f"bytes ({' x '.join(map(str, shape))} values)"
        self.offset = _data_offset(path, offset, expected, kind)
        most = MOST_PACKED * path.stat().st_size
        if packed and self._bytes * shape[0] > most:
            raise UserError(
                f"{path}: truncated: {' x '.join(map(str, shape))} values of frames cannot be in a "
                "compressed file of its size"
            )

    def _frame(self, index: int) -> np.ndarray:
        data = self._unpacked(index) if self._packed else self._plain(index)
        frame = np.frombuffer(data, self._stored).reshape(self.shape[1:])
        return frame.astype(self.dtype)

    def _plain(self, index: int) -> bytes:
        with self.path.open("rb") as file:
            file.seek(self.offset + index * self._bytes)
            return file.read(self._bytes)

    def mapped(self) -> np.ndarray:
        """Return the first frame without reading it, unpacked into a temporary file if need be."""
        if not self._packed:
            return np.memmap(self.path, self._stored, "r", self.offset, self.shape[1:])
        unpacker = _Unpacker(self.path, self.offset)
        with tempfile.TemporaryFile() as file:
            left = self._bytes
            while left and (block := unpacker.read(min(left, BLOCK_BYTES))):
                file.write(block)
                left -= len(block)
            if left or unpacker.read(1):
                held = f"truncated: {self._bytes - left}" if left else "more"
                raise UserError(
                    f"{self.path}: {held} bytes of frames unpacked, expected {self._bytes}"
                )
            file.flush()
            return np.memmap(file, self._stored, "r", 0, self.shape[1:])

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


def _data_offset(path: Path, offset: int | None, expected: int | None, kind: str) -> int:
    """Return the bytes before `expected` bytes of data, None if unknown, which end their file.

    Raises
    ------
    UserError : no such file, or more or fewer bytes; a newline after the data is no fault.
    """
    try:
        with path.open("rb") as file:
            end = file.seek(0, os.SEEK_END)
            file.seek(max(0, end - 2))
            tail = file.read(2)
    except FileNotFoundError as error:
        raise UserError(f"{path}: no such file") from error
    except (OSError, ValueError) as error:  # a name too long, or none at all
        raise UserError(f"{path}: cannot be read ({error})") from error
    if expected is None:
        return offset or 0
    start = max(0, end - expected) if offset is None else offset
    held = end - start
    newline = tail[expected - held :] if 0 < held - expected <= len(tail) else b""
    if held != expected and newline not in (b"\n", b"\r\n"):
        what = "truncated: " if held < expected else ""
        raise UserError(f"{path}: {what}expected {expected} {kind} of frames, got {held}")
    return start


class InterleavedFrames(StreamedFrames):
    """Frames whose values alternate: all frames' first pixels, then all frames' second ones.

    So 3D Slicer stores a sequence whose list axis is the first. The file is mapped; compressed data
    are unpacked into a temporary file when the first frame is read.

    Parameters and errors are those of `FileFrames`, the shape being (frames, rows, columns).
    """

    def __init__(
        self, path: Path, offset: int | None, shape: tuple[int, ...], *stored: Any, **packing: Any
    ):
        turned = (1, *shape[1:], shape[0])
        self._whole = FileFrames(path, offset, turned, *stored, **packing)
        self.shape = shape
        self.dtype = self._whole.dtype
        self._values: np.ndarray | None = None

    def _frame(self, index: int) -> np.ndarray:
        if self._values is None:
            self._values = self._whole.mapped()
        return np.ascontiguousarray(self._values[..., index], self.dtype)


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
