"""Positions of the scatterers of fibres and sheets in a box, compiled.

Everything is a function of (key, lattice indices): boxes may be asked for in any order, and where
boxes tile space every scatterer lies in exactly one of them.
"""

from __future__ import annotations

import numpy as np

from benchmark.machine.kernels import compiled
from simulate.compiled import cached_by_source
from simulate.reflectors.coherence import BEAD_MM, FIBRES_PER_MM2
from simulate.shapes.sheets import height, level_height, wave_bound
from simulate.shapes.texture import lattice, noise

FIBRE_MM = FIBRES_PER_MM2**-0.5  # side of the square across the limb that holds one fibre
SHEET_X_MM, SHEET_Z_MM = 0.15, 0.4  # sides of the patch of a sheet that holds one scatterer

_SALT = np.uint64(0x632BE59BD9B4E019)  # keeps these draws apart from others under the same key


@cached_by_source
@compiled(nogil=True, error_model="numpy")
def fibre_scatterers(low, high, key, length_mm, skin, points, lifts, signs):
    """Write the fibres' scatterers in the box [low, high) mm; return how many there are.

    A fibre runs along z at a constant depth below the skin, in pieces of `length_mm`: each piece
    has a random place in its column and one random sign, and holds one scatterer per BEAD_MM.
    lifts (K,): y of the skin, mm, above each. Scatterers for which `points` (K, 3), `lifts` and
    `signs` (K,) have no room are only counted.
    """
    count = 0
    key = key + _SALT
    waves = wave_bound(skin)
    for i in range(int(np.floor(low[0] / FIBRE_MM)), int(np.floor(high[0] / FIBRE_MM)) + 1):
        for b in range(int(np.floor(low[2] / BEAD_MM)), int(np.floor(high[2] / BEAD_MM)) + 1):
            lift = height(skin, (i + 0.5) * FIBRE_MM, (b + 0.5) * BEAD_MM)
            first = int(np.floor((low[1] - lift) / FIBRE_MM)) - 1
            last = int(np.floor((high[1] - lift) / FIBRE_MM)) + 1
            for j in range(max(first, 0), last + 1):
                z = (b + lattice(key, i, j, b)) * BEAD_MM
                if not low[2] <= z < high[2]:
                    continue
                piece = np.int64(np.floor(z / length_mm + lattice(key + np.uint64(1), i, j, 0)))
                x = (i + lattice(key + np.uint64(2), i, j, piece)) * FIBRE_MM
                if not low[0] <= x < high[0]:
                    continue
                below = (j + lattice(key + np.uint64(3), i, j, piece)) * FIBRE_MM
                # The waves of the skin need a sine each: first ask whether they could matter.
                level = below + level_height(skin, x, z)
                if level < low[1] - waves or level > high[1] + waves:
                    continue
                lift = height(skin, x, z)
                y = below + lift
                if not low[1] <= y < high[1]:
                    continue
                if count < len(signs):
                    lifts[count] = lift
                    points[count, 0], points[count, 1], points[count, 2] = x, y, z
                    up = lattice(key + np.uint64(4), i, j, piece) < 0.5
                    signs[count] = 1.0 if up else -1.0
                count += 1
    return count


@cached_by_source
@compiled(nogil=True, error_model="numpy")
def sheet_scatterers(low, high, key, sheet, base, points, strength):
    """Write the scatterers of one sheet in the box [low, high) mm; return how many there are.

    Its y is the sum of the heights of `sheet` and `base` (the skin, or FLAT). Its strength varies
    smoothly about 1 over a few millimetres. Scatterers for which `points` (K, 3) and `strength`
    (K,) have no room are only counted.
    """
    count = 0
    key = key + _SALT
    waves = wave_bound(base) + wave_bound(sheet)
    for i in range(int(np.floor(low[0] / SHEET_X_MM)), int(np.floor(high[0] / SHEET_X_MM)) + 1):
        for b in range(int(np.floor(low[2] / SHEET_Z_MM)), int(np.floor(high[2] / SHEET_Z_MM)) + 1):
            x = (i + lattice(key, i, b, 0)) * SHEET_X_MM
            z = (b + lattice(key, i, b, 1)) * SHEET_Z_MM
            if not (low[0] <= x < high[0] and low[2] <= z < high[2]):
                continue
            level = level_height(base, x, z) + level_height(sheet, x, z)
            if level < low[1] - waves or level > high[1] + waves:
                continue
            y = height(base, x, z) + height(sheet, x, z)
            if not low[1] <= y < high[1]:
                continue
            if count < len(strength):
                points[count, 0], points[count, 1], points[count, 2] = x, y, z
                strength[count] = 0.4 + 1.2 * noise(key, x / 2.5, 0.0, z / 5.0)
            count += 1
    return count
