"""Shadows, electronic noise and filters applied to the grid of a splatted frame, compiled."""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.errors import TypingError
from numba.extending import intrinsic

from simulate.compiled import borrower, inner, kernel
from simulate.iq.drawing import mix
from simulate.iq.splat import broadcast
from simulate.iq.staging import SPARE

_EIGHT = ir.VectorType(ir.FloatType(), 8)

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
    left, aside = np.empty(grid.columns, np.int64), np.empty(grid.columns, np.float32)
    for column in range(grid.columns):
        place = column * column_scale
        left[column] = min(int(place), lines - 2)
        aside[column] = place - left[column]
    for row in range(grid.rows):
        at = row * row_scale
        top = min(int(at), shadow.shape[0] - 2)
        down = _f(at - top)
        clear = True
        for line in range(lines):
            above = shadow[top, line]
            across[line] = above + down * (shadow[top + 1, line] - above)
            clear &= across[line] == _f(1.0)
        if clear:
            continue
        target = samples[2 * row * grid.columns :]
        for column in range(np.uint64(grid.columns)):
            here = across[left[column]]
            factor = here + aside[column] * (across[left[column] + 1] - here)
            target[np.uint64(2) * column] *= factor
            target[np.uint64(2) * column + np.uint64(1)] *= factor


@borrower
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


def _weighted(blocks: int, parts: int) -> Any:
    """Make a sum of weighted runs of 8 `blocks` floats, held in registers as hand-written LLVM.

    parts: 1 for real weights; 2 for real and imaginary ones, whose sums are kept apart.
    """

    @intrinsic
    def add(
        typingctx: Any, sums: Any, turned: Any, to: Any, source: Any, at: Any, step: Any,
        taps: Any, first: Any, apart: Any, turn: Any, count: Any,
    ) -> Any:  # fmt: skip
        """Write Σ_n taps[first + n turn] source[at + n step + i] to sums[to + i], n < count.

        `turned` gets the same with the weights that lie `apart` from the first ones, where there
        are two parts. All arrays are float32, C order, all places flat; no place is checked.
        """
        if any(array.layout != "C" for array in (sums, turned, source, taps)):
            raise TypingError("weighted runs: expected arrays in C order")
        signature = types.void(
            sums, turned, types.intp, source, types.intp, types.intp, taps, *[types.intp] * 4
        )

        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            arrays = {
                n: context.make_array(signature.args[n])(context, builder, args[n]).data
                for n in (0, 1, 3, 6)
            }
            to, at, step, first, apart, turn, count = (args[n] for n in (2, 4, 5, 7, 8, 9, 10))
            held = [[_zero(builder) for _ in range(blocks)] for _ in range(parts)]
            with cgutils.for_range(builder, count) as loop:
                place = builder.add(at, builder.mul(loop.index, step))
                tap = builder.add(first, builder.mul(loop.index, turn))
                runs = [
                    builder.load(_eight(builder, arrays[3], place, block), align=4)
                    for block in range(blocks)
                ]
                for slots in held:
                    weight = broadcast(builder, builder.load(builder.gep(arrays[6], [tap])), 8)
                    for slot, run in zip(slots, runs, strict=True):
                        more = builder.fmul(weight, run, ("fast",))
                        builder.store(builder.fadd(builder.load(slot), more, ("fast",)), slot)
                    tap = builder.add(tap, apart)
            for n, slots in enumerate(held):
                for block, slot in enumerate(slots):
                    goal = _eight(builder, arrays[n], to, block)
                    builder.store(builder.load(slot), goal, align=4)
            return context.get_dummy_value()

        return signature, codegen

    return add


def _zero(builder: Any) -> Any:
    """Return the place of eight zeros, which LLVM keeps in a register."""
    slot = cgutils.alloca_once(builder, _EIGHT)
    builder.store(ir.Constant(_EIGHT, None), slot)
    return slot


def _eight(builder: Any, data: Any, place: Any, block: int) -> Any:
    """Return the pointer to eight floats, `block` times eight after a place."""
    pointer = builder.gep(builder.gep(data, [place]), [ir.Constant(ir.IntType(64), 8 * block)])
    return builder.bitcast(pointer, _EIGHT.as_pointer())


_along = _weighted(4, 1)
_four, _eight_columns, _sixteen = _weighted(1, 2), _weighted(2, 2), _weighted(4, 2)


@kernel
def filter_frame(beam, work, out):
    """Write the axially, then laterally filtered grid, with the gain of each sample, to `out`.

    out: (inner rows, 2 inner columns) float32.
    """
    grid, taps, line = beam.grid, beam.axial_taps, work.line
    stride = 2 * grid.columns
    columns = out.shape[1] // 2
    # Runs of columns go from left to right: what one writes past its end the next one overwrites.
    sums = np.empty(2 * columns + SPARE, np.float32)
    turned = np.empty(2 * columns + SPARE, np.float32)
    for row in range(out.shape[0]):
        top = (row + grid.border_rows - len(taps) // 2) * stride
        for at in range(0, stride, SPARE):
            _along(line, line, at, work.grid, top + at, stride, taps, 0, 0, 1, len(taps))
        zones = beam.zones_used[row]
        middle = beam.zones[zones]
        for zone in range(zones):
            first, last = beam.zones[zone], beam.zones[zone + 1]
            _filter_columns(beam, row, zone, 1, line, first, last, sums, turned)
        even = len(beam.zones) - 1
        _filter_columns(beam, row, even, 1, line, middle, columns - middle, sums, turned)
        for zone in range(zones - 1, -1, -1):
            first, last = columns - beam.zones[zone + 1], columns - beam.zones[zone]
            _filter_columns(beam, row, zone, -1, line, first, last, sums, turned)
        target = out[row]
        for i in range(np.uint64(columns)):
            gain, re, im = beam.gain[row, i], np.uint64(2) * i, np.uint64(2) * i + np.uint64(1)
            target[re] = gain * (sums[re] - turned[im])
            target[im] = gain * (sums[im] + turned[re])


@inner
def _filter_columns(beam, row, zone, turn, line, first, last, sums, turned):
    """Write a zone's lateral filter of its columns to `sums` (real taps), `turned` (imaginary).

    turn: 1, or -1 where the taps are those of the other end of the array, the other way round. Up
    to `SPARE` floats past the last column are written, too.
    """
    taps, half = beam.lateral_taps, beam.lateral_half[zone, row]
    width, count = taps.shape[3], 2 * half + 1
    tap = 2 * (zone * taps.shape[1] + row) * width + width // 2 - turn * half
    column = first
    while column < last:
        to, at = 2 * column, 2 * (beam.grid.border_columns + column - half)
        if last - column > 8:
            _sixteen(sums, turned, to, line, at, 2, taps, tap, width, turn, count)
            column += 16
        elif last - column > 4:
            _eight_columns(sums, turned, to, line, at, 2, taps, tap, width, turn, count)
            column += 8
        else:
            _four(sums, turned, to, line, at, 2, taps, tap, width, turn, count)
            column += 4
