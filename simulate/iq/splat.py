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

from simulate.compiled import inlined

# Weights of the cubic B-spline at fraction f: WEIGHTS[3] f³ + WEIGHTS[2] f² + WEIGHTS[1] f + ...
WEIGHTS = (
    (1.0 / 6.0, 4.0 / 6.0, 1.0 / 6.0, 0.0),
    (-0.5, 0.0, 0.5, 0.0),
    (0.5, -1.0, 0.5, 0.0),
    (-1.0 / 6.0, 0.5, -0.5, 1.0 / 6.0),
)
SPLAT_WIDTH = 4  # samples touched per axis: one before, two after the integer position
SPLAT_VARIANCE = 1.0 / 3.0  # of the cubic B-spline, in samples²

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
def _splat_cubic(
    typingctx: Any, grid: Any, corner: Any, stride: Any, column: Any, value: Any, down: Any, n: Any
) -> Any:
    """Add scatterer `n` to `grid`.

    `grid` is float32, C order, (re, im) interleaved; `corner` is the flat index of the first of the
    4 × 4 samples, `stride` the number of floats per row; `column` the fraction in [0, 1) past the
    second sample; `value` and `down` as in `simulate.iq.staging.Workspace`. Nothing is checked: the
    caller keeps the 4 × 4 samples inside.
    """
    signature = types.void(grid, types.intp, types.intp, types.float32, value, down, types.intp)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        data, value, down = (
            context.make_array(signature.args[n])(context, builder, args[n]).data for n in (0, 4, 5)
        )
        vector, wide = ir.VectorType(_FLOAT, 8), ir.VectorType(ir.DoubleType(), 4)
        span = builder.udiv(
            context.make_array(signature.args[5])(context, builder, args[5]).nitems,
            ir.Constant(ir.IntType(64), SPLAT_WIDTH),
        )
        # The pair (re, im) is one double to the load that repeats it.
        pair = builder.gep(builder.bitcast(value, ir.DoubleType().as_pointer()), [args[6]])
        pairs = builder.insert_element(
            ir.Constant(wide, ir.Undefined), builder.load(pair, align=4), ir.Constant(_INT32, 0)
        )
        value = builder.bitcast(_shuffle(builder, pairs, [0] * 4), vector)
        across = builder.fmul(_spline(builder, args[3], 2), value, ("fast",))
        place, weight = builder.gep(data, [args[1]]), builder.gep(down, [args[6]])
        for _ in range(SPLAT_WIDTH):
            weighted = builder.fmul(across, broadcast(builder, builder.load(weight), 8), ("fast",))
            pointer = builder.bitcast(place, vector.as_pointer())
            old = builder.load(pointer, align=4)
            builder.store(builder.fadd(old, weighted, ("fast",)), pointer, align=4)
            place, weight = builder.gep(place, [args[2]]), builder.gep(weight, [span])
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
def _spread(row, re, im, spline, value, down):
    """Write (re, im) to `value` and the weights of four rows, at the fractions `row`, to `down`.

    spline: `WEIGHTS`, as numbers that no compiler knows: each sum is then one of Horner's rule.
    """
    span = len(down) // SPLAT_WIDTH
    for line in range(SPLAT_WIDTH):
        weights = down[line * span :]
        w0, w1, w2, w3 = spline[0, line], spline[1, line], spline[2, line], spline[3, line]
        for n in range(np.uint64(len(row))):
            f = row[n]
            weights[n] = ((w3 * f + w2) * f + w1) * f + w0
    for n in range(np.uint64(len(row))):
        value[np.uint64(2) * n], value[np.uint64(2) * n + np.uint64(1)] = re[n], im[n]


@inlined
def splat_heard(kept, columns, work):
    """Add to the grid, in their order, the first `kept` of the heard scatterers.

    work: a `simulate.iq.staging.Workspace`.
    """
    value, down = work.value, work.down
    _spread(work.depth[:kept], work.re, work.im, work.spline, value, down)
    for n in range(kept):
        _splat_cubic(  # type: ignore[call-arg]
            work.grid, np.intp(work.corner[n]), np.intp(2 * columns), work.lateral[n], value, down,
            np.intp(n),
        )  # fmt: skip
