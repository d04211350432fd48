"""Exponential, logarithm and hyperbolic tangent from sums and products alone.

Their bits are the same on every processor, where numpy's own depend on the vector instructions it
finds: poses, vessels and landmarks are made of these. (`numpy.sin` and `numpy.cos` are the C
library's.) Errors are below 4e-16 of the value.
"""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

_LN2_HIGH = math.ldexp(2977044471, -32)  # the first 32 bits of ln 2: whole multiples are exact
_LN2_LOW = 1.9082149292705877e-10
_TERMS = tuple(1.0 / math.factorial(n) for n in range(13, -1, -1))


def exp(x: ArrayLike) -> Array:
    """Return e^x (...): 2^k e^r with |r| <= ln(2) / 2 (Tang, ACM TOMS 15 (1989) 144), by series."""
    value = np.clip(np.asarray(x, np.float64), -745.0, 709.0)
    power = np.rint(value * (1.0 / math.log(2.0)))
    rest = (value - power * _LN2_HIGH) - power * _LN2_LOW
    total = np.full_like(rest, _TERMS[0])
    for term in _TERMS[1:]:
        total *= rest
        total += term
    return np.ldexp(total, power.astype(np.int32))


def log(x: float) -> float:
    """Return the natural logarithm of a positive number, by the series of artanh."""
    mantissa, power = math.frexp(x)
    if mantissa < math.sqrt(0.5):
        mantissa, power = 2.0 * mantissa, power - 1
    ratio = (mantissa - 1.0) / (mantissa + 1.0)
    square, total = ratio * ratio, 0.0
    for n in range(21, 0, -2):
        total = total * square + 1.0 / n
    return power * _LN2_HIGH + (power * _LN2_LOW + 2.0 * ratio * total)


def tanh(x: ArrayLike) -> Array:
    """Return tanh(x) (...); its absolute error is below 2e-16."""
    value = np.asarray(x, np.float64)
    fall = exp(-2.0 * np.abs(value))
    return np.copysign((1.0 - fall) / (1.0 + fall), value)
