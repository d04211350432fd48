"""TODO."""

from __future__ import annotations

import numpy as np
from numba import njit

from simulate.compiled import cached_by_source, pointwise
from simulate.shapes.sheets import height
from simulate.shapes.texture import fat_texture, muscle_texture
from simulate.vessels.index import wall_distance

# Layers, as `classify` names them.
OUTSIDE, SKIN, FAT, FASCIA, MUSCLE, DEEP_MUSCLE, WALL, BLOOD = range(8)


EPIDERMIS_MM = 0.15


FASCIA_MM = 0.45


@pointwise
def wall_thickness(segment):
    """Thickness (mm) of a vessel's wall: a tenth of a millimetre and a share of the radius."""
    return 0.12 + 0.15 * 0.5 * (segment[6] + segment[7])


@cached_by_source
@njit(cache=True, nogil=True, error_model="numpy")
def classify(points, sheets, origin, shape, start, entries, segments):
    """Return depth below the skin (M,) mm, layer (M,) and nearest segment (M,), -1 if far."""
    count = points.shape[0]
    depth, layer = np.empty(count), np.empty(count, np.int64)
    owner = np.empty(count, np.int64)
    for n in range(count):
        x, y, z = points[n, 0], points[n, 1], points[n, 2]
        below = y - height(sheets[0], x, z)
        depth[n] = below
        layer[n] = _layer(below, x, z, sheets)
        gap, owner[n] = wall_distance(x, y, z, origin, shape, start, entries, segments)
        if gap < 0.0:
            layer[n] = BLOOD
        elif owner[n] >= 0 and gap < wall_thickness(segments[owner[n]]):
            layer[n] = WALL
    return depth, layer, owner


@pointwise
def _layer(below, x, z, sheets):
    """Return the layer at a depth (mm) below the skin, vessels aside."""
    if below < 0.0:
        return OUTSIDE
    # The skin's thickness varies by far less than itself, so further down it need not be known.
    if below < 2.0 * sheets[1, 0, 0] and below < height(sheets[1], x, z):
        return SKIN
    superficial = below - height(sheets[2], x, z)
    if superficial < 0.0:
        return FAT
    deep = below - height(sheets[3], x, z)
    if superficial < FASCIA_MM or abs(deep) < 0.5 * FASCIA_MM:
        return FASCIA
    return DEEP_MUSCLE if deep > 0.0 else MUSCLE


@cached_by_source
@njit(cache=True, nogil=True, error_model="numpy")
def backscatter(points, key, sheets, fibre, levels, origin, shape, start, entries, segments):
    """Return the echo amplitude (M,) at world points (M, 3): the layer's level times its texture.

    fibre (2,): slope dy/dz of the fibres above and below the deep fascia; levels (8,) by layer.
    """
    count = points.shape[0]
    result = np.empty(count)
    for n in range(count):
        x, y, z = points[n, 0], points[n, 1], points[n, 2]
        below = y - height(sheets[0], x, z)
        layer = _layer(below, x, z, sheets)
        if layer == OUTSIDE:
            result[n] = levels[OUTSIDE]
            continue
        gap, owner = wall_distance(x, y, z, origin, shape, start, entries, segments)
        if gap < 0.0:
            layer = BLOOD
        elif owner >= 0 and gap < wall_thickness(segments[owner]):
            layer = WALL
        value = levels[layer]
        if layer == SKIN:
            value *= 2.0 if below < EPIDERMIS_MM else 1.0
        elif layer == FAT:
            value *= fat_texture(key, x, below, z)
        elif layer == MUSCLE:
            value *= muscle_texture(key + np.uint64(21), x, below, z, fibre[0])
        elif layer == DEEP_MUSCLE:
            value *= muscle_texture(key + np.uint64(31), x, below, z, fibre[1])
        result[n] = value
    return result
