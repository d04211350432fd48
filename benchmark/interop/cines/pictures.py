"""Still images as Pillow opens them, made frames."""

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from benchmark.errors import UserError
from benchmark.frames import StreamedFrames

DEEP = ("I", "F")  # Pillow's modes of more than 8 bits begin so
ANY_FILE_PIXELS = 2**22  # as many are taken of a file of any size
PIXELS_PER_BYTE = 1_100  # and of a large one, more than packing brings forth


class PictureFrames(StreamedFrames):
    """Frames (N, H, W) that are still images, decoded when indexed, all like the first.

    A subclass writes `_decoded` and `_place`, which names an image in messages.
    """

    def __init__(self, count: int):
        first = self._decoded(0)
        self.shape, self.dtype = (count, *first.shape), first.dtype

    def _decoded(self, index: int) -> np.ndarray:
        raise NotImplementedError

    def _place(self, index: int) -> str:
        raise NotImplementedError

    def _frame(self, index: int) -> np.ndarray:
        frame = self._decoded(index)
        if frame.shape != self.shape[1:] or frame.dtype != self.dtype:
            mine = size_in_words(frame.shape, frame.dtype)
            theirs = size_in_words(self.shape[1:], self.dtype)
            raise UserError(
                f"{self._place(index)}: {mine}, expected that of {self._place(0)}: {theirs}"
            )
        return frame


def size_in_words(shape: tuple[int, ...], dtype: Any) -> str:
    """Return the size of an image (rows, columns) as messages give it."""
    return f"{shape[1]} x {shape[0]} pixels of {8 * np.dtype(dtype).itemsize} bits"


@contextmanager
def decoding(place: str) -> Iterator[None]:
    """Turn Pillow's errors of a damaged or foreign file into a UserError that names its place."""
    from PIL import Image

    known = (OSError, ValueError, TypeError, KeyError, SyntaxError, EOFError, UserWarning)
    try:
        yield
    except (*known, Image.DecompressionBombError) as error:
        if isinstance(error, FileNotFoundError):
            raise UserError(f"{place}: no such file") from error
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UserError(f"{place}: cannot be read as an image ({reason})") from error


def open_picture(path: Path, formats: tuple[str, ...] | None = None) -> Any:
    """Return the opened image of a file; its pixels are decoded later.

    formats: Pillow's names of those that it may have, whatever its name says; None: any.

    Raises
    ------
    UserError : no image, or a size that the bytes of the file cannot hold.
    """
    from PIL import Image

    with decoding(str(path)), warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # the bound is below
        picture = Image.open(_Clipped(path), formats=formats)
    refuse_promise(picture, path, str(path))
    return picture


def refuse_promise(picture: Any, path: Path, place: str) -> None:
    """Refuse an opened image, or a page of one, that the bytes of its file cannot hold.

    place: how messages name it.
    """
    size = path.stat().st_size
    width, height = picture.size
    if width * height > max(ANY_FILE_PIXELS, PIXELS_PER_BYTE * size):
        raise UserError(f"{place}: {width} x {height} pixels, more than {size} bytes can hold")


class _Clipped(io.BufferedReader):
    """A file of which never more is asked than it holds: reading takes memory for what is asked.

    Pillow asks for as much as the length of a piece in the file says.
    """

    def __init__(self, path: Path):
        super().__init__(io.FileIO(path))
        self._size = path.stat().st_size

    def read(self, size: int | None = -1, /) -> bytes:
        """Return up to so many bytes, or all that follow."""
        left = max(self._size - self.tell(), 0)
        return super().read(left if size is None or size < 0 else min(size, left))

    def __del__(self) -> None:
        self.close()


def frame_of(picture: Any) -> np.ndarray:
    """Return the pixels (H, W) of an image as viewers show it: its EXIF orientation is applied.

    Values of more than 8 bits stay. Colours and palettes become grey by their luma (`grey.luma`),
    transparency is left out.
    """
    from PIL import ImageOps

    upright = ImageOps.exif_transpose(picture)
    deep = upright.mode.startswith(DEEP)
    return np.array(upright if deep else upright.convert("L"))
