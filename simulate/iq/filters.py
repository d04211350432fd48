"""Shadows, electronic noise and filters applied to the grid of a splatted frame, compiled."""

from __future__ import annotations

import numpy as np

from simulate.compiled import inlined, kernel
from simulate.iq.drawing import mix

_f = np.float32


@kernel
def shade(shadow, grid, samples):
    """Multiply the grid's samples by an amplitude, interpolated bilinearly.

    shadow: (depths, lines) float32, spread evenly over the whole grid.
    """
    lines = shadow.shape[1]
    row_scale = (shadow.shape[0] - 1.0) / (grid.rows - 1.0)
    column_scale = (lines - 1.0) / (grid.columns - 1.0)
    across = np.empty(lines, np.float32)
    for row in range(grid.rows):
        at = row * row_scale
        top = min(int(at), shadow.shape[0] - 2)
        down = _f(at - top)
        for line in range(lines):
            above = shadow[top, line]
            across[line] = above + down * (shadow[top + 1, line] - above)
        for column in range(grid.columns):
            at = column * column_scale
            left = min(int(at), lines - 2)
            factor = across[left] + _f(at - left) * (across[left + 1] - across[left])
            place = 2 * (row * grid.columns + column)
            samples[place] *= factor
            samples[place + 1] *= factor


@kernel
def add_noise(seed, beam, work):
    """Add white electronic noise, a function of (seed, sample) that the filters then colour.

    Real and imaginary part are each a sum of two uniform numbers; the filters average dozens of
    samples, which makes the result normal.
    """
    grid = beam.grid
    width = np.uint64(grid.columns)
    unit = _f(np.sqrt(3.0) / 65536.0)  # variance 1/2 per part
    for row in range(np.uint64(grid.rows)):
        gain = beam.noise_gain[row] * unit
        line = work.grid[row * 2 * width : (row + np.uint64(1)) * 2 * width]
        base = seed + row * width * np.uint64(0x9E3779B97F4A7C15)
        for column in range(width):
            bits = mix(base + column * np.uint64(0x9E3779B97F4A7C15))
            first = np.int32(bits & np.uint64(0xFFFF)) + np.int32(
                (bits >> np.uint64(16)) & np.uint64(0xFFFF)
            )
            second = np.int32((bits >> np.uint64(32)) & np.uint64(0xFFFF)) + np.int32(
                bits >> np.uint64(48)
            )
            line[2 * column] += gain * (_f(first) - _f(65535.0))
            line[2 * column + np.uint64(1)] += gain * (_f(second) - _f(65535.0))


@kernel
def filter_frame(beam, work, out):
    """Write the axially, then laterally filtered grid, with the gain of each sample, to `out`.

    out: (inner rows, 2 inner columns) float32.
    """
    grid = beam.grid
    stride = np.uint64(2 * grid.columns)
    taps = beam.axial_taps
    line = work.line
    columns = out.shape[1] // 2
    turned = np.empty(out.shape[1], np.float32)
    for row in range(out.shape[0]):
        line[:] = _f(0.0)
        top = row + grid.border_rows - len(taps) // 2
        for tap in range(len(taps)):
            weight = taps[tap]
            source = work.grid[(top + tap) * 2 * grid.columns :][:stride]
            for i in range(stride):
                line[i] += weight * source[i]
        target = out[row]
        target[:] = _f(0.0)
        turned[:] = _f(0.0)
        zones = beam.zones_used[row]
        middle = beam.zones[zones]
        for zone in range(zones):
            first, last = beam.zones[zone], beam.zones[zone + 1]
            _add_lines(beam, row, zone, False, line, first, last, target, turned)
            _add_lines(beam, row, zone, True, line, columns - last, columns - first, target, turned)
        _add_even_lines(beam, row, line, middle, columns - middle, target, turned)
        for i in range(np.uint64(columns)):
            gain, re, im = beam.gain[row, i], np.uint64(2) * i, np.uint64(2) * i + np.uint64(1)
            real = target[re] - turned[im]
            target[im] = gain * (target[im] + turned[re])
            target[re] = gain * real


@inlined
def _add_lines(beam, row, zone, mirrored, line, first, last, target, turned):
    """Add a zone's lateral filter to its columns of `target` (real taps), `turned` (imaginary).

    mirrored: whether the taps are those of the other end of the array, the other way round.
    """
    middle, border = beam.lateral_taps.shape[3] // 2, beam.grid.border_columns
    half = beam.lateral_half[zone, row]
    sums, aside = target[2 * first : 2 * last], turned[2 * first : 2 * last]
    for tap in range(-half, half + 1):
        place = middle - tap if mirrored else middle + tap
        real = beam.lateral_taps[zone, row, 0, place]
        imaginary = beam.lateral_taps[zone, row, 1, place]
        source = line[2 * (border + first + tap) :][: len(sums)]
        for i in range(np.uint64(len(sums))):
            sums[i] += real * source[i]
            aside[i] += imaginary * source[i]


@inlined
def _add_even_lines(beam, row, line, first, last, target, turned):
    """Do the same for the columns between the zones, whose taps are even."""
    zone, middle = len(beam.zones) - 1, beam.lateral_taps.shape[3] // 2
    border = beam.grid.border_columns
    sums, aside = target[2 * first : 2 * last], turned[2 * first : 2 * last]
    real, imaginary = beam.lateral_taps[zone, row, 0], beam.lateral_taps[zone, row, 1]
    own = line[2 * (border + first) :][: len(sums)]
    for i in range(np.uint64(len(sums))):
        sums[i] = real[middle] * own[i]
        aside[i] = imaginary[middle] * own[i]
    for tap in range(1, beam.lateral_half[zone, row] + 1):
        left = line[2 * (border + first - tap) :][: len(sums)]
        right = line[2 * (border + first + tap) :][: len(sums)]
        for i in range(np.uint64(len(sums))):
            both = left[i] + right[i]
            sums[i] += real[middle + tap] * both
            aside[i] += imaginary[middle + tap] * both
