"""Textures of tissues, compiled: factors of the echo amplitude that vary from point to point.

All of them are made of value noise, a function of a 64-bit key and the place alone. `x`, `below`
and `z` are mm across the limb, below the skin and along the limb.
"""

from __future__ import annotations

import numpy as np

from simulate.compiled import pointwise

# The textures that a material may have, by number.
PLAIN, LOBULES, FIBRES, TENDON, NERVE, GRAIN = range(6)

_PRIME_X = np.uint64(0x9E3779B97F4A7C15)
_PRIME_Y = np.uint64(0xC2B2AE3D27D4EB4F)
_PRIME_Z = np.uint64(0x165667B19E3779F9)
_MIX = np.uint64(0xFF51AFD7ED558CCD)


@pointwise
def lattice(key, i, j, k):
    """Return a number in [0, 1) that is a hash of the key and a lattice point (i, j, k)."""
    place = np.uint64(i) * _PRIME_X + np.uint64(j) * _PRIME_Y + np.uint64(k) * _PRIME_Z
    return _hashed(key, place)


@pointwise
def _hashed(key, place):
    """Return a number in [0, 1) that is a hash of two 64-bit integers."""
    value = key ^ place
    value = (value ^ (value >> np.uint64(33))) * _MIX
    value = (value ^ (value >> np.uint64(29))) * _PRIME_Y
    # 24 bits: as a signed integer, which the processor converts in one instruction.
    return np.float64(np.int64(value >> np.uint64(40))) * (1.0 / 16777216.0)


@pointwise
def noise(key, x, y, z):
    """Return value noise in [0, 1]: independent values at integer points, smooth between them."""
    i, j, k = np.floor(x), np.floor(y), np.floor(z)
    u, v, w = x - i, y - j, z - k
    u, v, w = u * u * (3 - 2 * u), v * v * (3 - 2 * v), w * w * (3 - 2 * w)
    # The corners' places in the lattice differ by one prime along each axis.
    corner = np.uint64(np.int64(i)) * _PRIME_X + np.uint64(np.int64(j)) * _PRIME_Y
    corner += np.uint64(np.int64(k)) * _PRIME_Z
    first = _on_face(key, corner, u, v)
    second = _on_face(key, corner + _PRIME_Z, u, v)
    return first * (1 - w) + second * w


@pointwise
def _on_face(key, corner, u, v):
    """Return the mean of the values at the four corners of a lattice square, weighted by u and v.

    corner: place of the first corner; u, v: weights of the corners ahead along x and y.
    """
    beside = corner + _PRIME_Y
    near = _hashed(key, corner) * (1 - u) + _hashed(key, corner + _PRIME_X) * u
    far = _hashed(key, beside) * (1 - u) + _hashed(key, beside + _PRIME_X) * u
    return near * (1 - v) + far * v


@pointwise
def turned(u, v):
    """Return two coordinates turned by 35 degrees: the noise has no axis along those of images."""
    return 0.819 * u - 0.574 * v, 0.574 * u + 0.819 * v


@pointwise
def ridge(value, width):
    """Return 1 where noise has its middle value 0.5, falling to 1 / e at `width` from it.

    The places where smooth noise has one value are surfaces, so this draws thin sheets.
    """
    offset = (value - 0.5) / width
    return np.exp(-offset * offset)


@pointwise
def fat_texture(key, x, below, z):
    """Return the texture of fat: lobules of uneven brightness between thin, flat, bright septa."""
    u, v = turned(x / 4.0, below / 1.4)
    septum = ridge(noise(key + np.uint64(11), u, v, z / 7.0), 0.035)
    lobule = noise(key + np.uint64(12), 1.7 * u, 1.7 * v, z / 3.5)
    return 0.6 + 0.8 * lobule + 4.0 * septum


@pointwise
def muscle_texture(key, x, below, z, slope):
    """Return the texture of muscle: bundles long along their fibres, with bright sheaths between.

    slope: of the fibres, change of `below` per mm of z.
    """
    u, v = turned(x / 3.0, (below - slope * z) / 1.6)
    sheath = ridge(noise(key + np.uint64(1), u, v, z / 16.0), 0.04)
    bundle = noise(key, 2.3 * u, 2.3 * v, z / 9.0)
    large = noise(key + np.uint64(2), 0.4 * u, 0.4 * v, z / 12.0)
    return (0.5 + bundle) * (0.6 + 0.8 * large) + 2.2 * sheath


@pointwise
def tendon_texture(key, x, below, z):
    """Return the texture of tendon: fine bright fibrils, very long along the limb."""
    u, v = turned(x / 0.5, below / 0.35)
    return 0.8 + 0.5 * noise(key, u, v, z / 20.0) + 1.3 * ridge(noise(key, v, u, z / 25.0), 0.08)


@pointwise
def nerve_texture(key, x, below, z):
    """Return the texture of nerve: dark fascicles in a bright web."""
    u, v = turned(x / 0.8, below / 0.8)
    return 0.45 + 2.2 * ridge(noise(key, u, v, z / 15.0), 0.09)


@pointwise
def grain_texture(key, x, below, z):
    """Return the texture of glands and phantoms: even grains of about a millimetre."""
    return 0.75 + 0.5 * noise(key, x / 0.9, below / 0.9, z / 0.9)
