"""Where septa meet: points of an anatomy that one can find again."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from simulate.shapes.bodies import Septum
from simulate.shapes.sheets import sheet_height

Array = NDArray[np.floating]


def along_sheet(septum: Septum, sheet: Array, z: Array) -> Array:
    """Return x (N,) mm of the line where a septum meets a sheet (mm below the skin), at z (N,).

    The sheet is nearly flat, so x <- septum(height(x, z), z) contracts.
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
    """Return world points (F, 3) mm where two septa meet on the sheet below a layer or between two.

    sheets (S, T, 4): skin, then tops of the deeper layers (mm below it).
    """
    found: list[tuple[float, float, float]] = []
    z = np.arange(extent_mm[0], extent_mm[1], 0.25)
    for number, one in enumerate(septa):
        for other in septa[number + 1 :]:
            below = max(one.layer, other.layer) + (one.layer == other.layer)
            if abs(one.layer - other.layer) > 1 or below >= len(sheets):
                continue
            sheet = sheets[below]
            apart = along_sheet(one, sheet, z) - along_sheet(other, sheet, z)
            for place in np.flatnonzero(apart[:-1] * apart[1:] < 0.0):
                at = _root(one, other, sheet, z[place], z[place + 1])
                x = along_sheet(one, sheet, at)
                if abs(x[0]) < half_width_mm:
                    y = sheet_height(sheets[0], x, at) + sheet_height(sheet, x, at)
                    found.append((float(x[0]), float(y[0]), float(at[0])))
    return np.array(sorted(found, key=lambda point: point[2])).reshape(-1, 3)


def _root(one: Septum, other: Septum, sheet: Array, low: float, high: float) -> Array:
    """Return z (1,) near two where the lines of two septa on a sheet cross, by the secant rule.

    Over a fraction of a millimetre the lines are all but straight, so six steps are plenty.
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
