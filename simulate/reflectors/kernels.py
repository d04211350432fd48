"""Positions of the scatterers of fibres and sheets in a box, compiled.

Everything is a function of (key, lattice indices): boxes may be asked for in any order, and where
boxes tile space every scatterer lies in exactly one of them.
"""

from __future__ import annotations

import numpy as np

from benchmark.machine.kernels import compiled
from simulate.compiled import cached_by_source, pointwise
from simulate.reflectors.coherence import BEAD_MM, FIBRE_MM, PLATE_FIBRES
from simulate.shapes.sheets import height, level_bounds, level_height, tilt, wave_bound
from simulate.shapes.texture import hashed, noise, share_of

SHEET_X_MM, SHEET_Z_MM = 0.2, 0.3  # sides of the patch of a sheet that holds one scatterer
JITTER = 0.4  # share of its place along z within which a scatterer lies: rows are nearly even

_SALT = np.uint64(0x632BE59BD9B4E019)  # keeps these draws apart from others under the same key
_FIBRE, _GROUP, _PLATE = np.uint64(1), np.uint64(2), np.uint64(3)
_f = np.float32


@pointwise
def _piece_of(key, place, j, z, length_mm, phase):
    """Return the hash of the piece, along z, of a fibre or plate; phase: shift of its pieces."""
    piece = np.int64(np.floor(z / length_mm + phase))
    return hashed(key, place, j, piece)


@cached_by_source
@compiled(nogil=True, error_model="numpy")
def fibre_scatterers(low, high, deepest, key, length_mm, plates, plate, skin, points, below, signs):
    """Write the fibres' scatterers in the box [low, high) mm; return how many there are.

    A fibre runs along z at a constant depth below the skin, in pieces of `length_mm`: each piece
    has a random place in its column and one random sign, and holds one scatterer per BEAD_MM, at
    nearly even distances. A
    share `plates` of the columns are joined to plates, PLATE_FIBRES wide, whose pieces have one
    depth and one sign; plate: the amplitude of their scatterers. below (K,): depth below the skin,
    mm; the skin is taken to be flat within a column and a bead. Fibres that lie deeper than
    `deepest` (mm) are left out, up to one layer of them. Scatterers for which `points`
    (K, 3), `below` and `signs` (K,) have no room are only counted.
    """
    count = 0
    key = key + _SALT
    layers = int(min(max(deepest, -1.0), 1e6) / FIBRE_MM) + 1
    for i in range(int(np.floor(low[0] / FIBRE_MM)), int(np.floor(high[0] / FIBRE_MM)) + 1):
        group, middle = np.int64(np.floor(i / PLATE_FIBRES)), (i + 0.5) * FIBRE_MM
        for b in range(int(np.floor(low[2] / BEAD_MM)), int(np.floor(high[2] / BEAD_MM)) + 1):
            here = (b + 0.5) * BEAD_MM
            lift = height(skin, middle, here)
            across, along = tilt(skin, middle, here)
            sway = 0.5 * (abs(across) * FIBRE_MM + abs(along) * BEAD_MM)
            first = int(np.floor((low[1] - lift - sway) / FIBRE_MM)) - 1
            last = int(np.floor((high[1] - lift + sway) / FIBRE_MM)) + 1
            for j in range(max(first, 0), min(last, layers) + 1):
                bead, fibre = hashed(key, i, j, b), hashed(key + _FIBRE, i, j, 0)
                even = (1.0 - JITTER) * share_of(fibre, 1) + JITTER * share_of(bead, 0)
                z = (b + even) * BEAD_MM
                if not low[2] <= z < high[2]:
                    continue
                amplitude = 1.0
                joined = hashed(key + _GROUP, group, j, 0) if plates > 0.0 else np.uint64(0)
                if plates > 0.0 and share_of(joined, 0) < plates:
                    amplitude = plate
                    bits = _piece_of(key + _PLATE, group, j, z, length_mm, share_of(joined, 1))
                    x = (i + share_of(bead, 1)) * FIBRE_MM
                else:
                    bits = _piece_of(key, i, j, z, length_mm, share_of(fibre, 0))
                    x = (i + share_of(bits, 0)) * FIBRE_MM
                depth = (j + share_of(bits, 1)) * FIBRE_MM
                y = depth + lift + across * (x - middle) + along * (z - here)
                if not (low[0] <= x < high[0] and low[1] <= y < high[1]):
                    continue
                if count < len(signs):
                    points[count, 0], points[count, 1], points[count, 2] = x, y, z
                    below[count] = depth
                    signs[count] = amplitude if share_of(bits, 2) < 0.5 else -amplitude
                count += 1
    return count


@cached_by_source
@compiled(nogil=True, error_model="numpy")
def sheet_scatterers(low, high, key, sheets, strengths, points, values):
    """Write the scatterers of mirroring sheets in the box [low, high) mm; return how many.

    sheets (S, T, 4): the first in world mm, the others mm below it; strengths (S,): of each mirror,
    0 for none. The strength (K,) written varies smoothly about that over a few millimetres.
    Scatterers for which `points` (K, 3) and `values` (K,) have no room are only counted.
    """
    count = 0
    skin = sheets[0]
    roof = level_bounds(skin, low[0], high[0], low[2], high[2])
    for s in range(sheets.shape[0]):
        sheet = sheets[s]
        bounds = level_bounds(sheet, low[0], high[0], low[2], high[2])
        if s > 0:
            bounds = bounds[0] + roof[0], bounds[1] + roof[1]
        if strengths[s] <= 0.0 or bounds[1] < low[1] or bounds[0] > high[1]:
            continue
        own = key + _SALT + np.uint64(101 + s)
        waves = wave_bound(skin) + wave_bound(sheet)
        for i in range(int(np.floor(low[0] / SHEET_X_MM)), int(np.floor(high[0] / SHEET_X_MM)) + 1):
            for b in range(
                int(np.floor(low[2] / SHEET_Z_MM)), int(np.floor(high[2] / SHEET_Z_MM)) + 1
            ):
                bits = hashed(own, i, b, 0)
                x = (i + share_of(bits, 0)) * SHEET_X_MM
                z = (b + 0.5 + JITTER * (share_of(bits, 1) - 0.5)) * SHEET_Z_MM
                if not (low[0] <= x < high[0] and low[2] <= z < high[2]):
                    continue
                level = level_height(sheet, x, z)
                if s > 0:
                    level += level_height(skin, x, z)
                if level < low[1] - waves or level > high[1] + waves:
                    continue
                y = height(sheet, x, z)
                if s > 0:
                    y += height(skin, x, z)
                if not low[1] <= y < high[1]:
                    continue
                if count < len(values):
                    points[count, 0], points[count, 1], points[count, 2] = x, y, z
                    uneven = noise(np.uint32(own), _f(x / 2.5), _f(0.0), _f(z / 5.0))
                    values[count] = strengths[s] * (0.4 + 1.2 * uneven)
                count += 1
    return count
