"""Npz files that anybody may have written: plain numbers, never unpickled, no larger than the file.

Members are unpacked only as far as their arrays' headers say, and these only if they fit.
"""

import math
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO

import numpy as np

from benchmark.stored import Refused, most_bytes

NUMBERS = "biuf"  # kinds of numpy's types
VERSIONS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}
PACKINGS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
#: What zipfile and numpy raise for files that are damaged or of another kind.
FAULTS = (
    OSError, ValueError, TypeError, EOFError, KeyError, RuntimeError, OverflowError, MemoryError,
    zipfile.BadZipFile, zlib.error,
)  # fmt: skip
SUFFIX = ".npy"


class NpzArrays(Mapping[str, np.ndarray]):
    """The arrays of an npz file by name, read when indexed.

    Raises
    ------
    OSError, zipfile.BadZipFile : no such file, or no zip file.
    Refused : on reading, an array of other things than numbers, or larger than `most_bytes`.
    """

    def __init__(self, path: Path):
        self._zip = zipfile.ZipFile(path)
        self._left = most_bytes(path.stat().st_size)
        self._members = {info.filename.removesuffix(SUFFIX): info for info in self._zip.infolist()}

    def __enter__(self) -> "NpzArrays":
        return self

    def __exit__(self, *error: object) -> None:
        self._zip.close()

    def __iter__(self) -> Iterator[str]:
        return iter(self._members)

    def __len__(self) -> int:
        return len(self._members)

    def __contains__(self, key: object) -> bool:
        return key in self._members  # that of Mapping would read the array

    def __getitem__(self, key: str) -> np.ndarray:
        info = self._members[key]
        if info.compress_type not in PACKINGS:
            raise Refused(f"{key}: packed by method {info.compress_type}, expected deflate or none")
        with self._zip.open(info) as file:
            shape, by_column, dtype = _header(key, file)
            needed = math.prod(shape) * dtype.itemsize
            self._left -= needed
            if self._left < 0:
                raise Refused(f"{key}: expected an array that fits the file, got {shape} {dtype}")
            data = file.read(needed)
            if len(data) < needed or file.read(1):
                raise Refused(f"{key}: expected {needed} bytes of an array {shape}, got others")
        flat = np.frombuffer(data, dtype)
        return (flat.reshape(shape[::-1]).T if by_column else flat.reshape(shape)).copy()


def _header(key: str, file: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype]:
    """Return shape, order (whether by columns) and type of an array from its header."""
    version = np.lib.format.read_magic(file)
    if version not in VERSIONS:
        raise Refused(f"{key}: expected an array of format 1.0 or 2.0, got {version}")
    shape, by_column, dtype = VERSIONS[version](file)
    if dtype.kind not in NUMBERS:
        raise Refused(f"{key}: expected numbers, got {str(dtype)[:40]}")
    if min(shape, default=0) < 0:
        raise Refused(f"{key}: expected lengths of 0 or more, got {shape}")
    return shape, by_column, dtype
