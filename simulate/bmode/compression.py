"""Log compression: amplitudes to gray levels over the dynamic range, compiled."""

import math

import numpy as np

from simulate.compiled import kernel

_f = np.float32
_DB_PER_NEPER = 20.0 / math.log(10.0)


@kernel
def compress(amplitude, white_db, dynamic_range_db, image):
    """Write gray levels: 255 at `white_db` (20 log10 of amplitude), 0 `dynamic_range_db` below.

    With exponent e and mantissa m of the amplitude, its logarithm is (e + 1/2) ln 2 plus
    2 atanh((m - sqrt 2) / (m + sqrt 2)), whose series the vector unit can evaluate; it is exact to
    float32.
    """
    scale = _f(255.0 / dynamic_range_db)
    offset = _f(255.0 - white_db * 255.0 / dynamic_range_db + 0.5)
    root = _f(math.sqrt(2.0))
    half_ln2 = _f(0.5 * math.log(2.0))
    ln2 = _f(math.log(2.0))
    decibel = _f(_DB_PER_NEPER) * scale
    mantissa = np.empty(amplitude.shape[1], np.float32)
    mantissa_bits = mantissa.view(np.int32)
    for row in range(amplitude.shape[0]):
        bits = amplitude[row].view(np.int32)
        target = image[row]
        for i in range(np.uint64(len(bits))):
            mantissa_bits[i] = (bits[i] & np.int32(0x7FFFFF)) | np.int32(0x3F800000)
        for i in range(np.uint64(len(bits))):
            exponent = _f((bits[i] >> np.int32(23)) - np.int32(127))
            t = (mantissa[i] - root) / (mantissa[i] + root)
            q = t * t
            series = t * (_f(2.0) + q * (_f(2 / 3) + q * (_f(2 / 5) + q * _f(2 / 7))))
            level = offset + decibel * (exponent * ln2 + half_ln2 + series)
            target[i] = np.uint8(min(max(level, _f(0.0)), _f(255.0)))
