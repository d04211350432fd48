"""Layers, fasciae, textures and vessels of a limb, asked for at points, compiled."""

from __future__ import annotations

import numpy as np

from benchmark.machine.kernels import compiled
from simulate.compiled import cached_by_source, pointwise
from simulate.shapes.sheets import height, level_height, wave_bound
from simulate.shapes.texture import fat_texture, muscle_texture
from simulate.tissue.materials import EPIDERMIS_MM
from simulate.vessels.index import wall_distance

# Layers by number.
OUTSIDE, SKIN, FAT, FASCIA, MUSCLE, DEEP_MUSCLE, WALL, BLOOD = range(8)

FASCIA_MM = 0.45  # thickness of a fascia


@pointwise
def wall_thickness(segment):
    """Return the thickness (mm) of a vessel's wall, which grows with the radius of its lumen."""
    return 0.12 + 0.15 * 0.5 * (segment[6] + segment[7])


@cached_by_source
@compiled(nogil=True, error_model="numpy")
def classify(points, sheets, lookup):
    """Return depth below the skin (M,) mm, layer (M,) and nearest segment (M,), -1 if far.

    sheets (4, T, 4): as in `LayeredTissue`.
    """
    origin, shape, start, entries, segments = lookup
    count = points.shape[0]
    waves = wave_bound(sheets[2]), wave_bound(sheets[3])
    depth, layer = np.empty(count), np.empty(count, np.int64)
    owner = np.empty(count, np.int64)
    for n in range(count):
        x, y, z = points[n, 0], points[n, 1], points[n, 2]
        below = y - height(sheets[0], x, z)
        depth[n] = below
        layer[n] = _layer(below, x, z, sheets, waves)
        gap, owner[n] = wall_distance(x, y, z, origin, shape, start, entries, segments)
        if gap < 0.0:
            layer[n] = BLOOD
        elif owner[n] >= 0 and gap < wall_thickness(segments[owner[n]]):
            layer[n] = WALL
    return depth, layer, owner


@pointwise
def _layer(below, x, z, sheets, waves):
    """Return the layer at a depth (mm) below the skin, vessels not considered.

    waves (2,): bounds (mm) on the waves of the two fasciae, which take several sines each: they are
    summed only for points so near a fascia that they decide on which side of it a point lies.
    """
    if below < 0.0:
        return OUTSIDE
    # A point deeper than twice the mean skin thickness cannot be skin: skip the exact thickness.
    if below < 2.0 * sheets[1, 0, 0] and below < height(sheets[1], x, z):
        return SKIN
    superficial = below - level_height(sheets[2], x, z)
    if superficial < -waves[0]:
        return FAT
    if superficial < FASCIA_MM + waves[0]:
        superficial = below - height(sheets[2], x, z)
        if superficial < 0.0:
            return FAT
    deep = below - level_height(sheets[3], x, z)
    if abs(deep) < 0.5 * FASCIA_MM + waves[1]:
        deep = below - height(sheets[3], x, z)
    if superficial < FASCIA_MM or abs(deep) < 0.5 * FASCIA_MM:
        return FASCIA
    return DEEP_MUSCLE if deep > 0.0 else MUSCLE


@cached_by_source
@compiled(nogil=True, error_model="numpy")
def backscatter(points, depth, key, sheets, fibre, levels, lookup):
    """Return the echo amplitude (M,) at world points (M, 3): the layer's level times its texture.

    depth (M,): below the skin, mm; fibre (2,): slope dy/dz of the fibres above and below the deep
    fascia; levels (8,) by layer.
    """
    origin, shape, start, entries, segments = lookup
    count = points.shape[0]
    waves = wave_bound(sheets[2]), wave_bound(sheets[3])
    result = np.empty(count)
    for n in range(count):
        x, y, z = points[n, 0], points[n, 1], points[n, 2]
        below = depth[n]
        layer = _layer(below, x, z, sheets, waves)
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
