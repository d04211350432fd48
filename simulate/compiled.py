"""What the compiled kernels share: how they are compiled and cached, and vector mathematics.

numba's cache on disk notices a change of the file that a kernel is in, not of the files whose
functions and constants it has swallowed. Kernels made by `kernel` and `inlined` are therefore
cached under the sources of all engine files: a change of any of them compiles all of them anew.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numba import config, njit

# error_model: the zero-division branch of the default blocks vectorisation. No NaN or infinity
# arises, and sums may be reordered: their order is fixed once compiled.
FAST: dict[str, Any] = {
    "cache": True,
    "nogil": True,
    "error_model": "numpy",
    "fastmath": {"reassoc", "contract", "arcp", "nsz"},
}


# What a file says that holds kernels, or plain tuples handed to kernels.
MARKS = (b"import numba", b"from numba", b".compiled import", b"NamedTuple")


def source_token(folder: Path) -> str:
    """Hash of the Python files below a folder with kernels, or with tuples handed to kernels."""
    digest = hashlib.sha256(f"bounds {getattr(config, 'BOUNDSCHECK', None)}".encode())
    for path in sorted(folder.rglob("*.py")):
        source = path.read_bytes()
        if any(mark in source for mark in MARKS):
            digest.update(path.relative_to(folder).as_posix().encode() + b"\0" + source)
    return digest.hexdigest()


_TOKEN = source_token(Path(__file__).parent)


def kernel(function: Callable[..., Any]) -> Any:
    """Compile a function with `FAST`, cached on disk for as long as no engine file changes."""
    return cached_by_source(njit(**FAST)(function))


def inlined(function: Callable[..., Any]) -> Any:
    """The same for what is called once per cell: part of its caller, so that no call remains.

    A call would hand over dozens of array descriptors and count their references.
    """
    return cached_by_source(njit(forceinline=True, **FAST)(function))


def pointwise(function: Callable[..., Any]) -> Any:
    """The same without reordered sums: what a tissue asks of each point, at every point."""
    return cached_by_source(njit(cache=True, forceinline=True, error_model="numpy")(function))


def cached_by_source(dispatcher: Any) -> Any:
    """Let a compiled function's cache on disk be valid for the present sources only.

    numba compares a stamp of the function's own file; it has no public way to widen it. Where its
    internals differ from those known here, caching stays as it was.
    """
    file: Any = getattr(getattr(dispatcher, "_cache", None), "_cache_file", None)
    if hasattr(file, "_source_stamp"):
        file._source_stamp = (file._source_stamp, _TOKEN)
    return dispatcher


_f = np.float32

# No vector mathematics library is at hand: Taylor series, which the vector unit evaluates.


@kernel
def decay(exponent: Any) -> Any:
    """exp(-exponent) as exp(-exponent / 8)^8; exact to 3e-5 up to 5, any number beyond."""
    u = exponent * _f(-0.125)
    series = _f(1 / 24) + u * (_f(1 / 120) + u * _f(1 / 720))
    series = _f(1.0) + u * (_f(1.0) + u * (_f(1 / 2) + u * (_f(1 / 6) + u * series)))
    series = series * series
    series = series * series
    return series * series


@kernel
def turn(cycles: Any) -> Any:
    """Cosine and sine of 2 pi cycles, cycles >= 0, from those of half the angle; exact to 1e-6."""
    angle = (cycles - _f(np.int32(cycles + _f(0.5)))) * _f(np.pi)
    q = angle * angle
    sine = _f(1 / 120) + q * (_f(-1 / 5040) + q * (_f(1 / 362880) - q * _f(1 / 39916800)))
    sine = angle * (_f(1.0) + q * (_f(-1 / 6) + q * sine))
    cosine = _f(1 / 24) + q * (_f(-1 / 720) + q * (_f(1 / 40320) - q * _f(1 / 3628800)))
    cosine = _f(1.0) + q * (_f(-1 / 2) + q * cosine)
    return _f(1.0) - _f(2.0) * sine * sine, _f(2.0) * sine * cosine


@kernel
def arctan(ratio: Any) -> Any:
    """Arc tangent, exact to 1e-6 up to 25 degrees; too large, never too small, far beyond."""
    q = ratio * ratio
    series = _f(1 / 9) + q * (_f(-1 / 11) + q * _f(1 / 13))
    series = _f(1 / 5) + q * (_f(-1 / 7) + q * series)
    return ratio * (_f(1.0) + q * (_f(-1 / 3) + q * series))
