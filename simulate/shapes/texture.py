"""What is where in a layered limb, compiled: layers, fibres, septa and vessels, point by point."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from simulate.compiled import pointwise

Array = NDArray[np.float64]


_PRIME_X = np.uint64(0x9E3779B97F4A7C15)
_PRIME_Y = np.uint64(0xC2B2AE3D27D4EB4F)
_PRIME_Z = np.uint64(0x165667B19E3779F9)
_MIX = np.uint64(0xFF51AFD7ED558CCD)


@pointwise
def lattice(key, i, j, k):
    """Hash of a lattice point to [0, 1)."""
    value = key ^ (np.uint64(i) * _PRIME_X + np.uint64(j) * _PRIME_Y + np.uint64(k) * _PRIME_Z)
    value = (value ^ (value >> np.uint64(33))) * _MIX
    value = (value ^ (value >> np.uint64(29))) * _PRIME_Y
    return np.float64(value >> np.uint64(40)) * (1.0 / 16777216.0)


@pointwise
def noise(key, x, y, z):
    """Smooth noise in [0, 1] with one independent value per unit lattice point (value noise)."""
    i, j, k = np.floor(x), np.floor(y), np.floor(z)
    u, v, w = x - i, y - j, z - k
    u, v, w = u * u * (3 - 2 * u), v * v * (3 - 2 * v), w * w * (3 - 2 * w)
    a, b, c = np.int64(i), np.int64(j), np.int64(k)
    total = 0.0
    for s in range(2):
        near = lattice(key, a, b, c + s) * (1 - u) + lattice(key, a + 1, b, c + s) * u
        far = lattice(key, a, b + 1, c + s) * (1 - u) + lattice(key, a + 1, b + 1, c + s) * u
        total += (near * (1 - v) + far * v) * (w if s else 1 - w)
    return total


@pointwise
def turned(u, v):
    """Turn two coordinates by 35 degrees, so that the lattice of the noise lies askew to image."""
    return 0.819 * u - 0.574 * v, 0.574 * u + 0.819 * v


@pointwise
def ridge(value, width):
    """Thin sheets where noise passes its middle: 1 on them, falling over `width`."""
    offset = (value - 0.5) / width
    return np.exp(-offset * offset)


@pointwise
def fat_texture(key, x, below, z):
    """Texture of fat: lobules of uneven brightness between thin bright septa, mostly lying flat."""
    u, v = turned(x / 4.0, below / 1.4)
    septum = ridge(noise(key + np.uint64(11), u, v, z / 7.0), 0.035)
    lobule = noise(key + np.uint64(12), 1.7 * u, 1.7 * v, z / 3.5)
    return 0.6 + 0.8 * lobule + 4.0 * septum


@pointwise
def muscle_texture(key, x, below, z, slope):
    """Texture of muscle: fibre bundles long along their direction, with bright sheaths between."""
    u, v = turned(x / 3.0, (below - slope * z) / 1.6)
    sheath = ridge(noise(key + np.uint64(1), u, v, z / 16.0), 0.04)
    bundle = noise(key, 2.3 * u, 2.3 * v, z / 9.0)
    large = noise(key + np.uint64(2), 0.4 * u, 0.4 * v, z / 12.0)
    return (0.5 + bundle) * (0.6 + 0.8 * large) + 2.2 * sheath
