"""Baseband IQ to its envelope, low-passed and reduced to the image's sampling, compiled."""

import numpy as np

from simulate.compiled import kernel

_f = np.float32


@kernel
def band_limited_envelope(iq, reduce_rows, reduce_columns, stride_rows, stride_columns, out):
    """Write the envelope, low-passed by a triangle of ± `reduce` samples, every `stride` samples.

    The frequency response of the triangle is zero at all multiples of the reduced sampling rate, so
    that speckle does not alias into the image; with `reduce` 1 it is an identity.

    Parameters
    ----------
    iq : (inner rows, 2 inner columns) float32, (re, im) interleaved.
    out : (rows, columns) float32, overwritten.
    """
    envelope = np.empty(iq.shape[1] // 2, np.float32)
    narrow = np.empty(out.shape[1], np.float32)
    out[:] = _f(0.0)
    step = np.uint64(stride_columns)
    for k in range(iq.shape[0]):
        line = iq[k]
        for i in range(np.uint64(len(envelope))):
            re, im = line[np.uint64(2) * i], line[np.uint64(2) * i + np.uint64(1)]
            envelope[i] = np.sqrt(re * re + im * im)
        narrow[:] = _f(0.0)
        for tap in range(1 - reduce_columns, reduce_columns):
            weight = _f((reduce_columns - abs(tap)) / reduce_columns**2)
            source = envelope[reduce_columns - 1 + tap :]
            for i in range(np.uint64(len(narrow))):
                narrow[i] += weight * source[i * step]
        place = k - (reduce_rows - 1)
        first = max(0, -((reduce_rows - 1 - place) // stride_rows))
        last = min(out.shape[0] - 1, (place + reduce_rows - 1) // stride_rows)
        for row in range(first, last + 1):
            weight = _f((reduce_rows - abs(place - row * stride_rows)) / reduce_rows**2)
            target = out[row]
            for i in range(np.uint64(len(narrow))):
                target[i] += weight * narrow[i]
