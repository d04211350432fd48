"""Runs of scatterers to positions in the image, and those that are heard to the grid, compiled.

Runs are staged until there are a few thousand scatterers, whose scratch fits the cache. Then those
that the frame hears are brought together, and only they are weighed and splatted.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simulate.compiled import arctan, decay, inlined, inner, turn
from simulate.iq.beam import Grid
from simulate.iq.drawing import CELLS
from simulate.iq.splat import WEIGHTS, interpolate_pair, splat_heard

STAGE = 8192  # scatterers that may be staged
BATCH = 2048  # staged scatterers that are worth adding to the grid

SPARE = 32  # floats past the end that vectors may read or write

_f, _i = np.float32, np.int32


class Workspace(NamedTuple):
    """Scratch of one thread.

    `grid`: (rows, columns) complex samples, flat, (re, im) interleaved, and `SPARE` floats. `line`:
    one row of it, and as many.

    An entry for each of STAGE staged scatterers: `lateral` position, `depth` and elevation `off`,
    `amplitude`, and the `level` of the lens's table. For each heard one, in their order: its number
    among the staged ones, `chosen`; what was staged, moved up; the weight of the lens, `lens_re`
    and `lens_im`, and all of its weight, `re` and `im`; the `corner` of its samples on the grid.
    `lateral` and `depth` then are fractions past the second sample. `value` (2 STAGE): (re, im)
    interleaved; `down` (4 STAGE): the weights of the four rows, one row after the other; `spline`:
    `simulate.iq.splat.WEIGHTS`.

    `cells`, of which `cells_used` (1,) counts the used ones: thinned cells as (first staged
    scatterer, end of those kept, their gain, factor of the last one). `offsets` (CELLS, 3): the
    centres of a block's cells from its corner, along the image's axes.
    """

    grid: NDArray[np.float32]
    line: NDArray[np.float32]
    lateral: NDArray[np.float32]
    depth: NDArray[np.float32]
    off: NDArray[np.float32]
    amplitude: NDArray[np.float32]
    level: NDArray[np.int32]
    chosen: NDArray[np.int32]
    lens_re: NDArray[np.float32]
    lens_im: NDArray[np.float32]
    re: NDArray[np.float32]
    im: NDArray[np.float32]
    corner: NDArray[np.int32]
    value: NDArray[np.float32]
    down: NDArray[np.float32]
    spline: NDArray[np.float32]
    cells: NDArray[np.float64]
    cells_used: NDArray[np.int64]
    offsets: NDArray[np.float64]


def workspace(grid: Grid) -> Workspace:
    """Return scratch arrays for one thread working on one grid."""
    floats = {
        name: np.zeros(STAGE, np.float32)
        for name in ("lateral", "depth", "off", "amplitude", "lens_re", "lens_im", "re", "im")
    }
    return Workspace(
        grid=np.zeros(grid.rows * grid.columns * 2 + SPARE, np.float32),
        line=np.zeros(grid.columns * 2 + SPARE, np.float32),
        level=np.zeros(STAGE, np.int32),
        chosen=np.zeros(STAGE, np.int32),
        corner=np.zeros(STAGE, np.int32),
        value=np.zeros(2 * STAGE, np.float32),
        down=np.zeros(4 * STAGE, np.float32),
        spline=np.array(WEIGHTS, np.float32),
        cells=np.zeros((STAGE, 4)),
        cells_used=np.zeros(1, np.int64),
        offsets=np.zeros((CELLS, 3)),
        **floats,
    )


@inlined
def stage(x, y, z, amplitude, gain, origin, rotation, drift, radius, work, at):
    """Transform a run of scatterers to positions in the image.

    Results go to the scratch of `work` from entry `at` on.

    Parameters
    ----------
    x, y, z, amplitude : (M,) float32, mm from the scatterers' own origin.
    gain : float32 factor of all amplitudes; exactly 1 changes no bit.
    origin, rotation : image mm of that origin, and the rotation (3, 3) into the image.
    drift : where the pose changes along the lines, (change of `origin`, change of `rotation`) per
        unit of lateral position, and the lateral position at which both are exact; else None.
    radius : of a curvilinear probe, mm; None for a linear one, whose loop has no polar coordinates.
    """
    end = at + len(x)
    lateral, depth, off = work.lateral[at:end], work.depth[at:end], work.off[at:end]
    _place(x, y, z, origin, rotation, drift, radius, lateral, depth, off)
    staged = work.amplitude[at:end]
    for i in range(np.uint64(len(x))):
        staged[i] = amplitude[i] * gain


@inner
def add_staged(staged, beam, work):
    """Add to the grid, in their order, those of the first `staged` scatterers that are heard."""
    grid, lens = beam.grid, beam.lens
    lateral, depth = work.lateral[:staged], work.depth[:staged]
    kept = _choose(grid, lens, lateral, depth, work.amplitude, work)
    _bring_together(kept, lens, work)
    _weigh(beam, work.lateral[:kept], work.depth[:kept], work.re[:kept], work.im[:kept], work)
    _thin(kept, work)
    splat_heard(kept, grid.columns, work)


@inlined
def _place(x, y, z, origin, rotation, drift, radius, lateral, depth, off):
    """Write the positions of scatterers in the image.

    `lateral` mm, or radians for a curvilinear probe; `depth` and the elevation `off` mm.
    """
    ox, oy, oz = _f(origin[0]), _f(origin[1]), _f(origin[2])
    r00, r01, r02 = _f(rotation[0, 0]), _f(rotation[0, 1]), _f(rotation[0, 2])
    r10, r11, r12 = _f(rotation[1, 0]), _f(rotation[1, 1]), _f(rotation[1, 2])
    r20, r21, r22 = _f(rotation[2, 0]), _f(rotation[2, 1]), _f(rotation[2, 2])
    if drift is not None:
        rate, turning, here = drift
        mx, my, mz, start = _f(rate[0]), _f(rate[1]), _f(rate[2]), _f(here)
        m00, m01, m02 = _f(turning[0, 0]), _f(turning[0, 1]), _f(turning[0, 2])
        m10, m11, m12 = _f(turning[1, 0]), _f(turning[1, 1]), _f(turning[1, 2])
        m20, m21, m22 = _f(turning[2, 0]), _f(turning[2, 1]), _f(turning[2, 2])
    for i in range(np.uint64(len(x))):
        across = ox + r00 * x[i] + r01 * y[i] + r02 * z[i]
        down = oy + r10 * x[i] + r11 * y[i] + r12 * z[i]
        out = oz + r20 * x[i] + r21 * y[i] + r22 * z[i]
        if drift is not None:
            place = across
            if radius is not None:
                inward = down + _f(radius)
                distance = np.sqrt(across * across + inward * inward)
                place = _f(2.0) * arctan(across / (distance + inward))
            later = place - start
            across += later * (mx + m00 * x[i] + m01 * y[i] + m02 * z[i])
            down += later * (my + m10 * x[i] + m11 * y[i] + m12 * z[i])
            out += later * (mz + m20 * x[i] + m21 * y[i] + m22 * z[i])
        if radius is not None:
            inward = down + _f(radius)
            distance = np.sqrt(across * across + inward * inward)
            across = _f(2.0) * arctan(across / (distance + inward))
            down = distance - _f(radius)
        lateral[i], depth[i], off[i] = across, down, out


@inlined
def _choose(grid, lens, lateral, depth, amplitude, work):
    """Write the numbers of the scatterers that are heard to `chosen`; return how many they are.

    Those are inside the grid, not silent, and not where the field of the lens has been faded out.
    """
    level, chosen = work.level, work.chosen
    first_column, per_column = _f(grid.first_column), _f(1.0 / grid.column_step)
    first_row, per_row = _f(grid.first_row), _f(1.0 / grid.row_step)
    last_column, last_row = _f(grid.columns - 2), _f(grid.rows - 2)
    one, zero = _f(1.0), _f(0.0)
    if lens is not None:
        per_mm, last_level = _f(lens.levels_per_mm), _f(lens.values.shape[0] - 1)
    for i in range(np.uint64(len(depth))):
        y = depth[i]
        column, row = (lateral[i] - first_column) * per_column, (y - first_row) * per_row
        inside = (column >= one) & (column < last_column) & (row >= one) & (row < last_row)
        chosen[i] = _i(1) if inside & (y > zero) & (amplitude[i] != zero) else _i(0)
        if lens is not None:
            level[i] = _i(min(max(y * per_mm + _f(0.5), zero), last_level))
    kept = np.uint64(0)
    for i in range(np.uint64(len(depth))):
        heard = np.uint64(chosen[i])
        if lens is not None:
            place = abs(work.off[i]) * lens.places_per_mm[np.uint64(level[i])]
            heard &= np.uint64(place < _f(lens.values.shape[1] - 2))
        chosen[kept] = _i(i)
        kept += heard
    return kept


@inlined
def _bring_together(kept, lens, work):
    """Move what was staged of the chosen scatterers up, and look up the weights of the lens."""
    for n in range(kept):
        i = np.uint64(work.chosen[n])
        if lens is None:
            work.off[n] = work.off[i]
        else:
            here, stride = np.uint64(work.level[i]), np.intp(2 * lens.values.shape[1])
            place = abs(work.off[i]) * lens.places_per_mm[here]
            low = _i(place)
            start = np.intp(here) * stride + np.intp(2) * np.intp(low)
            interpolate_pair(  # type: ignore[call-arg]
                lens.values, start, place - _f(low), work.lens_re, work.lens_im, np.intp(n)
            )
        work.lateral[n], work.depth[n] = work.lateral[i], work.depth[i]
        work.amplitude[n] = work.amplitude[i]


@inlined
def _weigh(beam, lateral, depth, re, im, work):
    """Write the weights and the corners of heard scatterers, and turn positions into fractions."""
    grid, amplitude, corner = beam.grid, work.amplitude, work.corner
    lens_re, lens_im, off = work.lens_re, work.lens_im, work.off
    first_column, per_column = _f(grid.first_column), _f(1.0 / grid.column_step)
    first_row, per_row = _f(grid.first_row), _f(1.0 / grid.row_step)
    stride = _i(2 * grid.columns)
    carrier, bend = _f(beam.carrier[0]), _f(beam.carrier[1])
    scale, cut = _f(beam.elevation_scale), _f(beam.elevation_cut)
    e0, e1, e2, e3 = beam.elevation[0], beam.elevation[1], beam.elevation[2], beam.elevation[3]
    e4, e5, e6 = beam.elevation[4], beam.elevation[5], beam.elevation[6]
    one, zero = _f(1.0), _f(0.0)
    for i in range(np.uint64(len(depth))):
        y = depth[i]
        cosine, sine = turn((carrier + bend * y) * y)
        column = (lateral[i] - first_column) * per_column
        row = (y - first_row) * per_row
        weight = amplitude[i]
        if beam.lens is not None:
            along, aside = weight * lens_re[i], weight * lens_im[i]
            cosine, sine = along * cosine + aside * sine, along * sine - aside * cosine
        else:
            t = y * scale - one
            spread = ((((((e6 * t + e5) * t + e4) * t + e3) * t + e2) * t + e1) * t) + e0
            exponent = off[i] * off[i] / spread
            weight *= decay(exponent)
            weight = weight if exponent <= cut else zero
            cosine, sine = weight * cosine, weight * sine
        re[i], im[i] = cosine, -sine
        left, above = _i(column), _i(row)
        corner[i] = (above - _i(1)) * stride + _i(2) * (left - _i(1))
        lateral[i], depth[i] = column - _f(left), row - _f(above)


@inlined
def _thin(kept, work):
    """Raise and fade the weights of the heard scatterers of thinned cells."""
    n = np.uint64(0)
    for cell in range(work.cells_used[0]):
        first, end = work.cells[cell, 0], work.cells[cell, 1]
        gain, fade = _f(work.cells[cell, 2]), _f(work.cells[cell, 3])
        while n < kept and work.chosen[n] < first:
            n += np.uint64(1)
        while n < kept and work.chosen[n] < end:
            work.re[n] *= gain
            work.im[n] *= gain
            if work.chosen[n] == end - 1:
                work.re[n] *= fade
                work.im[n] *= fade
            n += np.uint64(1)
    work.cells_used[0] = 0
