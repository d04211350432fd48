"""Fewer scatterers where the resolution cell is large (numba).

The scatterers of a cell are in random order, so the first of them are a fair sample. How many are
kept depends on the depth of the cell's centre and is not whole: the last one fades in and out, so
that nothing jumps when the probe moves. The amplitude of those kept rises so that the mean power
stays.
"""

from __future__ import annotations

import numpy as np

from simulate.compiled import inlined

_f = np.float32


@inlined
def share_kept(seen, beam):
    """Share of a cell's scatterers to keep, given its centre (image mm)."""
    grid = beam.grid
    across = seen[0] if grid.radius_mm > 0.0 else 0.0
    depth = np.sqrt(across * across + (seen[1] + grid.radius_mm) ** 2) - grid.radius_mm
    row = int((depth - grid.first_row) / grid.row_step)
    return beam.keep[min(max(row, 0), grid.rows - 1)]


@inlined
def silence(work, at, staged, wanted):
    """Fade the staged scatterer in which `wanted` ends and silence those after it."""
    whole = int(wanted)
    if whole < staged:
        fade = _f(np.sqrt(wanted - whole))
        work.re[at + whole] *= fade
        work.im[at + whole] *= fade
    for i in range(at + whole + 1, at + staged):
        work.re[i] = _f(0.0)
        work.im[i] = _f(0.0)


@inlined
def thin_cell(work, at, staged, count, seen, beam):
    """Thin the staged scatterers of one cell, `count` of them and padding."""
    share = share_kept(seen, beam)
    wanted = share * count
    gain = _f(1.0 / np.sqrt(share))
    for i in range(at, at + min(int(wanted) + 1, staged)):
        work.re[i] *= gain
        work.im[i] *= gain
    silence(work, at, staged, wanted)
