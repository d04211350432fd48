"""Fewer scatterers where the resolution cell is large, compiled.

The scatterers of a cell are in random order, so the first of them are a fair sample. The number
kept depends on the depth of the cell's centre and is a fraction: the last one kept is weighted by
the root of the fractional part, so that nothing jumps when the probe moves. The amplitude of those
kept is raised so that the mean power stays the same.
"""

from __future__ import annotations

import numpy as np

from simulate.compiled import inlined

_f = np.float32


@inlined
def share_kept(seen, beam):
    """Return the share of a cell's scatterers to keep; seen: its centre, image mm."""
    grid = beam.grid
    across = seen[0] if grid.radius_mm > 0.0 else 0.0
    depth = np.sqrt(across * across + (seen[1] + grid.radius_mm) ** 2) - grid.radius_mm
    row = int((depth - grid.first_row) / grid.row_step)
    return beam.keep[min(max(row, 0), grid.rows - 1)]


@inlined
def silence(work, at, staged, wanted):
    """Keep the first `wanted` (a fraction) of the `staged` scatterers from entry `at` on.

    The one in which `wanted` ends is faded, those after it get weight 0.
    """
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
    """Thin one staged cell.

    It has `staged` entries from `at` on: `count` scatterers, then padding. seen: its centre, image
    mm.
    """
    share = share_kept(seen, beam)
    wanted = share * count
    gain = _f(1.0 / np.sqrt(share))
    for i in range(at, at + min(int(wanted) + 1, staged)):
        work.re[i] *= gain
        work.im[i] *= gain
    silence(work, at, staged, wanted)
