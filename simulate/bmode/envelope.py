"""Baseband IQ to image: envelope, band limit, scan conversion and log compression, compiled."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from simulate.compiled import kernel
from simulate.iq.beam import Grid
from simulate.probe.transducer import Probe

_f = np.float32
_DB_PER_NEPER = 20.0 / math.log(10.0)


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


@kernel
def scan_convert(polar, rows, columns, out):
    """Write (depth, angle) samples interpolated bilinearly at fractional rows and columns.

    Negative positions are outside of the sector and give 0.
    """
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            row, column = rows[i, j], columns[i, j]
            out[i, j] = _f(0.0)
            if row < 0.0 or column < 0.0:
                continue
            top = min(int(row), polar.shape[0] - 2)
            left = min(int(column), polar.shape[1] - 2)
            down, right = row - _f(top), column - _f(left)
            above = polar[top, left] + right * (polar[top, left + 1] - polar[top, left])
            below = polar[top + 1, left] + right * (polar[top + 1, left + 1] - polar[top + 1, left])
            out[i, j] = above + down * (below - above)


def polar_positions(probe: Probe, grid: Grid) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the fractional row and column (H, W) of each pixel in the (depth, angle) samples.

    These are the samples of `band_limited_envelope`. Pixels outside the sector, above the face or
    deeper than `depth_mm` get -1.
    """
    x = np.linspace(-0.5 * probe.width_mm, 0.5 * probe.width_mm, probe.width_px)
    y = probe.row_depths_mm[:, None] + probe.radius_mm
    depth = np.hypot(x, y) - probe.radius_mm
    angle = np.arctan2(x, y)
    row = (depth - grid.depths_mm[grid.reduce_rows - 1]) / grid.row_step
    column = (angle - grid.lateral[grid.reduce_columns - 1]) / grid.column_step
    half = 0.5 * probe.aperture_mm / probe.radius_mm
    inside = (np.abs(angle) <= half) & (depth >= 0.0) & (depth <= probe.depth_mm)
    return (
        np.where(inside, np.maximum(row, 0.0), -1.0).astype(np.float32),
        np.where(inside, np.maximum(column, 0.0), -1.0).astype(np.float32),
    )
