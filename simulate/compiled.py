"""Compilation and caching of the numba kernels, and vector mathematics that they share.

numba's cache on disk notices a change of the file that a kernel is in, but not of the files whose
functions and constants were compiled into it. Kernels made here are therefore cached under the
sources of all files with kernels: a change of any of them compiles all kernels again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numba import config
from numba.core.registry import CPUDispatcher

from benchmark.machine.kernels import compiled

# error_model: the zero-division branch of the default blocks vectorisation. No NaN or infinity
# arises, and sums may be reordered: their order is fixed once compiled.
FAST: dict[str, Any] = {
    "nogil": True,
    "error_model": "numpy",
    "fastmath": {"reassoc", "contract", "arcp", "nsz"},
}
# Without numba's runtime, which counts the references to arrays: a function can then make none, and
# must call none that makes one.
BORROWING: dict[str, Any] = {"_nrt": False}
# A file with one of these holds kernels, or plain tuples that are handed to kernels.
MARKS = (
    b"import numba", b"from numba", b".kernels import", b".compiled import", b"NamedTuple",
)  # fmt: skip

_f = np.float32


def source_token(folder: Path) -> str:
    """Return a hash of the Python files below a folder that bear one of `MARKS`."""
    digest = hashlib.sha256(f"bounds {getattr(config, 'BOUNDSCHECK', None)}".encode())
    for path in sorted(folder.rglob("*.py")):
        source = path.read_bytes()
        if any(mark in source for mark in MARKS):
            digest.update(path.relative_to(folder).as_posix().encode() + b"\0" + source)
    return digest.hexdigest()


_TOKEN = source_token(Path(__file__).parent)


class _ForKernels(CPUDispatcher):
    """A compiled function without the entry from Python, whose call from there would crash."""

    def __call__(self, *args: Any, **named: Any) -> Any:
        raise TypeError(f"{self.py_func.__name__}: compiled for calls from other kernels only")


def _for_kernels(dispatcher: Any) -> Any:
    """Refuse calls of a compiled function from Python."""
    if isinstance(dispatcher, CPUDispatcher):  # else NUMBA_DISABLE_JIT: a plain function
        dispatcher.__class__ = _ForKernels
    return cached_by_source(dispatcher)


def kernel(function: Callable[..., Any]) -> Any:
    """Compile a function with `FAST`, cached on disk as long as no file with kernels changes."""
    return cached_by_source(compiled(**FAST)(function))


def borrower(function: Callable[..., Any]) -> Any:
    """Compile a function as `kernel` does, of which no part makes an array, and which returns none.

    It counts no references to the arrays that its caller lends it. Counting those of every tuple
    that is handed on takes longer than all else that is done for a cell of scatterers.
    """
    return cached_by_source(compiled(**BORROWING, **FAST)(function))


def inner(function: Callable[..., Any]) -> Any:
    """Compile a function as `borrower` does, for calls from other kernels only.

    The entry from Python, which takes every array of every tuple apart, costs more to compile than
    many a function.
    """
    return _for_kernels(compiled(no_cpython_wrapper=True, **BORROWING, **FAST)(function))


def inlined(function: Callable[..., Any]) -> Any:
    """Compile a function as `inner` does, and inline it into its callers.

    For functions called once per cell: a call would pass dozens of array descriptors.
    """
    return _for_kernels(
        compiled(forceinline=True, no_cpython_wrapper=True, **BORROWING, **FAST)(function)
    )


def pointwise(function: Callable[..., Any]) -> Any:
    """Compile a function inlined and without reordered sums: an answer of a tissue at a point."""
    return _for_kernels(
        compiled(forceinline=True, no_cpython_wrapper=True, error_model="numpy", **BORROWING)(
            function
        )
    )


def batchwise(function: Callable[..., Any]) -> Any:
    """Compile an answer at many points for calls from other kernels only, without inlining it.

    Sums are not reordered. It may make arrays.
    """
    return _for_kernels(compiled(no_cpython_wrapper=True, error_model="numpy")(function))


def cached_by_source(dispatcher: Any) -> Any:
    """Make a compiled function's cache on disk valid for the present sources only.

    numba compares a stamp of the function's own file and has no public way to add to it. With a
    numba whose internals differ from those named here, the cache keeps that stamp alone.
    """
    file: Any = getattr(getattr(dispatcher, "_cache", None), "_cache_file", None)
    if hasattr(file, "_source_stamp"):
        file._source_stamp = (file._source_stamp, _TOKEN)
    return dispatcher


# Taylor series, which the vector unit evaluates: numba has no vector mathematics library here.


@kernel
def decay(exponent: Any) -> Any:
    """exp(-exponent) as exp(-exponent / 8)^8; exact to 3e-5 for exponents of at most 5."""
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
    """Arc tangent, exact to 1e-6 up to 25 degrees; at larger angles never too small."""
    q = ratio * ratio
    series = _f(1 / 9) + q * (_f(-1 / 11) + q * _f(1 / 13))
    series = _f(1 / 5) + q * (_f(-1 / 7) + q * series)
    return ratio * (_f(1.0) + q * (_f(-1 / 3) + q * series))
