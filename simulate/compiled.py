"""What the compiled kernels share: numba's options, and mathematics that the vector unit can do.

numba's cache notices a change of the file that a function is in, not of files it imports: after an
edit here, touch the modules that use it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

# error_model: the zero-division branch of the default blocks vectorisation. No NaN or infinity
# arises, and sums may be reordered: their order is fixed once compiled.
FAST: dict[str, Any] = {
    "cache": True,
    "nogil": True,
    "error_model": "numpy",
    "fastmath": {"reassoc", "contract", "arcp", "nsz"},
}

_f = np.float32

# No vector mathematics library is at hand: Taylor series, which the vector unit evaluates.


@njit(**FAST)
def decay(exponent: Any) -> Any:
    """exp(-exponent) as exp(-exponent / 8)^8; exact to 3e-5 up to 5, any number beyond."""
    u = exponent * _f(-0.125)
    series = _f(1 / 24) + u * (_f(1 / 120) + u * _f(1 / 720))
    series = _f(1.0) + u * (_f(1.0) + u * (_f(1 / 2) + u * (_f(1 / 6) + u * series)))
    series = series * series
    series = series * series
    return series * series


@njit(**FAST)
def turn(cycles: Any) -> Any:
    """Cosine and sine of 2 pi cycles, cycles >= 0, from those of half the angle; exact to 1e-6."""
    angle = (cycles - _f(np.int32(cycles + _f(0.5)))) * _f(np.pi)
    q = angle * angle
    sine = _f(1 / 120) + q * (_f(-1 / 5040) + q * (_f(1 / 362880) - q * _f(1 / 39916800)))
    sine = angle * (_f(1.0) + q * (_f(-1 / 6) + q * sine))
    cosine = _f(1 / 24) + q * (_f(-1 / 720) + q * (_f(1 / 40320) - q * _f(1 / 3628800)))
    cosine = _f(1.0) + q * (_f(-1 / 2) + q * cosine)
    return _f(1.0) - _f(2.0) * sine * sine, _f(2.0) * sine * cosine


@njit(**FAST)
def arctan(ratio: Any) -> Any:
    """Arc tangent, exact to 1e-6 up to 25 degrees; too large, never too small, far beyond."""
    q = ratio * ratio
    series = _f(1 / 9) + q * (_f(-1 / 11) + q * _f(1 / 13))
    series = _f(1 / 5) + q * (_f(-1 / 7) + q * series)
    return ratio * (_f(1.0) + q * (_f(-1 / 3) + q * series))
