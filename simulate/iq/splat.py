"""Cubic B-spline splat of staged scatterers onto a baseband grid, and look-ups for it, compiled.

The four columns of one row, (re, im) interleaved, are eight neighbouring floats and are handled as
one vector of hand-written LLVM: three times faster than the scalar loop that LLVM makes of the same
sums. All that can be done for many scatterers at once is done before, in a loop that LLVM
vectorises.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from simulate.compiled import inlined, inner

# Weights of the cubic B-spline at fraction f: WEIGHTS[3] f³ + WEIGHTS[2] f² + WEIGHTS[1] f + ...
WEIGHTS = (
    (1.0 / 6.0, 4.0 / 6.0, 1.0 / 6.0, 0.0),
    (-0.5, 0.0, 0.5, 0.0),
    (0.5, -1.0, 0.5, 0.0),
    (-1.0 / 6.0, 0.5, -0.5, 1.0 / 6.0),
)
SPLAT_WIDTH = 4  # samples touched per axis: one before, two after the integer position
SPLAT_VARIANCE = 1.0 / 3.0  # of the cubic B-spline, in samples²

_f, _i = np.float32, np.int32

_FLOAT = ir.FloatType()
_INT32 = ir.IntType(32)


def _constant(values: Any) -> ir.Constant:
    return ir.Constant(ir.VectorType(_FLOAT, len(values)), list(values))


def _shuffle(builder: Any, vector: Any, lanes: Any, other: Any = None) -> Any:
    mask = ir.Constant(ir.VectorType(_INT32, len(lanes)), list(lanes))
    other = ir.Constant(vector.type, ir.Undefined) if other is None else other
    return builder.shuffle_vector(vector, other, mask)


def broadcast(builder: Any, scalar: Any, width: int) -> Any:
    """Return a vector of `width` floats that are all the same."""
    undefined = ir.Constant(ir.VectorType(_FLOAT, width), ir.Undefined)
    vector = builder.insert_element(undefined, scalar, ir.Constant(_INT32, 0))
    return _shuffle(builder, vector, [0] * width)


def _spline(builder: Any, fraction: Any, repeat: int) -> Any:
    """Return the vector of the four weights, each `repeat` times in a row, by Horner's rule."""
    rows = [_constant([w for w in row for _ in range(repeat)]) for row in WEIGHTS]
    variable = broadcast(builder, fraction, 4 * repeat)
    result = rows[3]
    for row in rows[2::-1]:
        result = builder.fadd(builder.fmul(result, variable, ("fast",)), row, ("fast",))
    return result


@intrinsic
def splat_cubic(
    typingctx: Any, grid: Any, corner: Any, stride: Any, column: Any, row: Any, re: Any, im: Any
) -> Any:
    """Add (re, im) to `grid` at a fractional position.

    `grid` is float32, C order, (re, im) interleaved; `corner` is the flat index of the first of the
    4 × 4 samples, `stride` the number of floats per row; `column` and `row` are the fractions in
    [0, 1) past the second sample. Nothing is checked: the caller keeps the 4 × 4 samples inside.
    """
    signature = types.void(grid, types.intp, types.intp, *[types.float32] * 4)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        array, corner, stride, column, row, re, im = args
        data = context.make_array(signature.args[0])(context, builder, array).data
        vector = ir.VectorType(_FLOAT, 8)
        # Two broadcasts and a blend: loads do them, and no shuffle.
        parts = broadcast(builder, re, 8), broadcast(builder, im, 8)
        value = _shuffle(builder, parts[0], [0, 9, 2, 11, 4, 13, 6, 15], parts[1])
        across = builder.fmul(_spline(builder, column, 2), value, ("fast",))
        down = _spline(builder, row, 1)
        place = builder.gep(data, [corner])
        for line in range(SPLAT_WIDTH):
            weighted = builder.fmul(across, _shuffle(builder, down, [line] * 8), ("fast",))
            pointer = builder.bitcast(place, vector.as_pointer())
            old = builder.load(pointer, align=4)
            builder.store(builder.fadd(old, weighted, ("fast",)), pointer, align=4)
            place = builder.gep(place, [stride])
        return context.get_dummy_value()

    return signature, codegen


@intrinsic
def interpolate_pair(
    typingctx: Any, values: Any, place: Any, share: Any, first: Any, second: Any, target: Any
) -> Any:
    """Write to entry `target` of two arrays what lies between two neighbouring pairs of floats.

    `values` is float32, C order; `place` is the flat index of the first of the two pairs, `share`
    the weight of the second. Nothing is checked.
    """
    signature = types.void(values, types.intp, types.float32, first, second, types.intp)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        data, *goals = (
            context.make_array(signature.args[n])(context, builder, args[n]).data for n in (0, 3, 4)
        )
        four = ir.VectorType(_FLOAT, 4).as_pointer()
        both = builder.load(builder.bitcast(builder.gep(data, [args[1]]), four), align=4)
        low, high = _shuffle(builder, both, [0, 1]), _shuffle(builder, both, [2, 3])
        step = builder.fsub(high, low, ("fast",))
        step = builder.fmul(broadcast(builder, args[2], 2), step, ("fast",))
        found = builder.fadd(low, step, ("fast",))
        for lane, goal in enumerate(goals):
            value = builder.extract_element(found, ir.Constant(_INT32, lane))
            builder.store(value, builder.gep(goal, [args[5]]))
        return context.get_dummy_value()

    return signature, codegen


@inlined
def _aim(stride, column, row, re, im, corner, chosen):
    """Split positions into the first of the 4 × 4 samples (`corner`) and the fractions past it.

    The fractions take the place of `column` and `row`. chosen: 1 where a weight is not 0, else 0.
    """
    for i in range(np.uint64(len(column))):
        left, above = _i(column[i]), _i(row[i])
        corner[i] = (above - _i(1)) * stride + _i(2) * (left - _i(1))
        column[i] -= _f(left)
        row[i] -= _f(above)
        chosen[i] = _i(1) if (re[i] != _f(0.0)) | (im[i] != _f(0.0)) else _i(0)


@inner
def splat_staged(staged, columns, work):
    """Add to the grid, in their order, the first `staged` scatterers that are heard.

    work: a `simulate.iq.staging.Workspace`, whose positions are lost.
    """
    stride = 2 * columns
    column, row, re, im = work.column, work.row, work.re, work.im
    corner, chosen = work.corner, work.chosen
    _aim(_i(stride), column[:staged], row[:staged], re[:staged], im[:staged], corner, chosen)
    kept = np.uint64(0)
    for i in range(np.uint64(staged)):
        heard = np.uint64(chosen[i])
        chosen[kept] = _i(i)
        kept += heard
    for n in range(kept):
        one = np.uint64(chosen[n])
        splat_cubic(  # type: ignore[call-arg]
            work.grid, np.intp(corner[one]), stride, column[one], row[one], re[one], im[one]
        )
