"""Runs of scatterers to position and complex weight on the grid, compiled."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simulate.compiled import arctan, decay, inlined, turn
from simulate.iq.beam import Grid
from simulate.iq.splat import interpolate_pair

STAGE = 8192  # scatterers transformed before they are splatted: their scratch fits the cache

SPARE = 32  # floats past the end that vectors may read or write

_f = np.float32


class Workspace(NamedTuple):
    """Scratch of one thread.

    `grid`: (rows, columns) complex samples, flat, (re, im) interleaved, and `SPARE` floats. `line`:
    one row of it, and as many.
    All others have an entry for each of STAGE scatterers: `column` and `row` on the grid, weight
    `re` and `im`, the `corner` of its samples on the grid, numbers of the `chosen` ones, and the
    weight of the lens, `lens_re` and `lens_im`.
    """

    grid: NDArray[np.float32]
    column: NDArray[np.float32]
    row: NDArray[np.float32]
    re: NDArray[np.float32]
    im: NDArray[np.float32]
    corner: NDArray[np.int32]
    chosen: NDArray[np.int32]
    line: NDArray[np.float32]
    lens_re: NDArray[np.float32]
    lens_im: NDArray[np.float32]


def workspace(grid: Grid) -> Workspace:
    """Return scratch arrays for one thread working on one grid."""
    return Workspace(
        grid=np.zeros(grid.rows * grid.columns * 2 + SPARE, np.float32),
        column=np.zeros(STAGE, np.float32),
        row=np.zeros(STAGE, np.float32),
        re=np.zeros(STAGE, np.float32),
        im=np.zeros(STAGE, np.float32),
        corner=np.zeros(STAGE, np.int32),
        chosen=np.zeros(STAGE, np.int32),
        line=np.zeros(grid.columns * 2 + SPARE, np.float32),
        lens_re=np.zeros(STAGE, np.float32),
        lens_im=np.zeros(STAGE, np.float32),
    )


@inlined
def stage(x, y, z, amplitude, gain, origin, rotation, drift, beam, radius, work, at):
    """Transform a run of scatterers to grid position and complex weight.

    Results go to the scratch of `work` from entry `at` on. Three loops: LLVM does not vectorise a
    loop with a data-dependent table look-up, so that look-up has a loop of its own.

    Parameters
    ----------
    x, y, z, amplitude : (M,) float32, mm from the scatterers' own origin.
    gain : float32 factor of all amplitudes; exactly 1 changes no bit.
    origin, rotation : image mm of that origin, and the rotation (3, 3) into the image.
    drift : where the pose changes along the lines, (change of `origin`, change of `rotation`) per
        unit of lateral position, and the lateral position at which both are exact; else None.
    radius : of a curvilinear probe, mm; None for a linear one, whose loop has no polar coordinates.
    """
    count = len(x)
    lateral, depth = work.column[at : at + count], work.row[at : at + count]
    off, im = work.re[at : at + count], work.im[at : at + count]
    _place(x, y, z, origin, rotation, drift, radius, lateral, depth, off)
    _look_up(beam.lens, depth, off, work.corner, work.lens_re, work.lens_im)
    _weigh(amplitude, gain, beam, lateral, depth, off, im, work.lens_re, work.lens_im)


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
def _look_up(lens, depth, off, level, lens_re, lens_im):
    """Write the complex weights of the lens at depths and elevations; level is scratch."""
    if lens is None:
        return
    per_mm, last_level = _f(lens.levels_per_mm), _f(lens.values.shape[0] - 1)
    last_place = _f(lens.values.shape[1] - 1.001)
    places, stride = lens.places_per_mm, np.intp(2 * lens.values.shape[1])
    for i in range(np.uint64(len(depth))):
        level[i] = np.int32(min(max(depth[i] * per_mm + _f(0.5), _f(0.0)), last_level))
    for i in range(np.uint64(len(depth))):
        here = np.uint64(level[i])
        place = min(abs(off[i]) * places[here], last_place)
        inner = np.int32(place)
        start = np.intp(here) * stride + np.intp(2) * np.intp(inner)
        interpolate_pair(  # type: ignore[call-arg]
            lens.values, start, place - _f(inner), lens_re, lens_im, np.intp(i)
        )


@inlined
def _weigh(amplitude, gain, beam, lateral, depth, off, im, lens_re, lens_im):
    """Turn positions into columns (`lateral`), rows (`depth`) and weights (re `off`, im `im`).

    Scatterers that are not heard get weight 0 and a position inside the grid.
    """
    grid = beam.grid
    first_column, per_column = _f(grid.first_column), _f(1.0 / grid.column_step)
    first_row, per_row = _f(grid.first_row), _f(1.0 / grid.row_step)
    last_column, last_row = _f(grid.columns - 2), _f(grid.rows - 2)
    carrier, bend = _f(beam.carrier[0]), _f(beam.carrier[1])
    scale, cut = _f(beam.elevation_scale), _f(beam.elevation_cut)
    e0, e1, e2, e3 = beam.elevation[0], beam.elevation[1], beam.elevation[2], beam.elevation[3]
    e4, e5, e6 = beam.elevation[4], beam.elevation[5], beam.elevation[6]
    one, zero = _f(1.0), _f(0.0)
    for i in range(np.uint64(len(amplitude))):
        y = depth[i]
        cosine, sine = turn((carrier + bend * y) * y)
        column = (lateral[i] - first_column) * per_column
        row = (y - first_row) * per_row
        heard = (
            (y > zero) & (column >= one) & (column < last_column) & (row >= one) & (row < last_row)
        )
        weight = amplitude[i] * gain
        if beam.lens is not None:
            re, aside = weight * lens_re[i], weight * lens_im[i]
            cosine, sine = re * cosine + aside * sine, re * sine - aside * cosine
        else:
            t = y * scale - one
            spread = ((((((e6 * t + e5) * t + e4) * t + e3) * t + e2) * t + e1) * t) + e0
            exponent = off[i] * off[i] / spread
            heard &= exponent <= cut
            weight *= decay(exponent)
            cosine, sine = weight * cosine, weight * sine
        off[i] = cosine if heard else zero
        im[i] = -sine if heard else zero
        lateral[i] = column if heard else one
        depth[i] = row if heard else one
