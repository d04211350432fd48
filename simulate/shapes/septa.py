"""Points where two septa meet on a sheet: places of an anatomy that one can find again."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from simulate.shapes.bodies import Septum
from simulate.shapes.sheets import sheet_height

Array = NDArray[np.floating]


def along_sheet(septum: Septum, sheet: Array, z: Array) -> Array:
    """Return x (N,) mm, at z (N,), of the line where a septum meets a sheet (mm below the skin).

    Solved by fixed-point iteration x <- septum(height(x, z), z), which converges because the sheet
    is nearly flat.
    """
    x = np.full_like(z, septum.x)
    for _ in range(12):
        below = sheet_height(sheet, x, z)
        wave = septum.wave * np.sin(septum.wave_number * z + septum.phase)
        x = septum.x + septum.tilt * (below - septum.depth) + septum.slope * z + wave
    return x


def septa_crossings(
    septa: list[Septum], sheets: Array, extent_mm: tuple[float, float], half_width_mm: float
) -> Array:
    """Return the world points (F, 3) mm where two septa meet on a sheet, in order of z.

    Septa of one layer are met on the sheet below it, septa of two neighbouring layers on the sheet
    between them.

    Parameters
    ----------
    sheets : (S, T, 4): the skin, then the tops of the deeper layers (mm below it).
    extent_mm : z from and to.
    half_width_mm : largest |x| of a point.
    """
    found: list[tuple[float, float, float]] = []
    z = np.arange(extent_mm[0], extent_mm[1], 0.25)

    @cache
    def line(number: int, below: int) -> Array:
        return along_sheet(septa[number], sheets[below], z)

    for number, one in enumerate(septa):
        for beside in range(number + 1, len(septa)):
            other = septa[beside]
            below = max(one.layer, other.layer) + (one.layer == other.layer)
            if abs(one.layer - other.layer) > 1 or below >= len(sheets):
                continue
            sheet = sheets[below]
            apart = line(number, below) - line(beside, below)
            for place in np.flatnonzero(apart[:-1] * apart[1:] < 0.0):
                at = _root(one, other, sheet, z[place], z[place + 1])
                x = along_sheet(one, sheet, at)
                if abs(x[0]) < half_width_mm:
                    y = sheet_height(sheets[0], x, at) + sheet_height(sheet, x, at)
                    found.append((float(x[0]), float(y[0]), float(at[0])))
    return np.array(sorted(found, key=lambda point: point[2])).reshape(-1, 3)


def _root(one: Septum, other: Septum, sheet: Array, low: float, high: float) -> Array:
    """Return z (1,) where the lines of two septa on a sheet cross, by the secant method.

    low, high: z (mm) on either side of the crossing. The lines are nearly straight over the
    fraction of a millimetre between them, so six steps suffice.
    """

    def apart(z: float) -> float:
        at = np.array([z])
        return float((along_sheet(one, sheet, at) - along_sheet(other, sheet, at))[0])

    before, here = apart(low), apart(high)
    for _ in range(6):
        if here == before:
            break
        low, high = high, high - here * (high - low) / (here - before)
        before, here = here, apart(high)
    return np.array([high])
