"""Textures of tissues: factors of the echo amplitude that vary from point to point.

A texture is a list of terms. Each is value noise, a function of a key and the place alone, in cells
of a size across the limb, below the skin and along the limb (x, below, z, mm), and a curve that
makes lobules, thin sheets or strands of it. The compiled code reads the terms of a material as rows
of numbers, so that a texture needs no code of its own.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmark.machine.kernels import compiled
from simulate.compiled import cached_by_source, pointwise

_PRIME_X = np.uint64(0x9E3779B97F4A7C15)
_PRIME_Y = np.uint64(0xC2B2AE3D27D4EB4F)
_PRIME_Z = np.uint64(0x165667B19E3779F9)
_MIX = np.uint64(0xFF51AFD7ED558CCD)

_STEP_X, _STEP_Y, _STEP_Z = np.uint32(0x9E3779B1), np.uint32(0x85EBCA77), np.uint32(0xC2B2AE3D)
_MIX_A, _MIX_B = np.uint32(0x2C1B3C6D), np.uint32(0x297A2D39)
_f = np.float32

# Curves of noise: itself; 1 where it is `centre`, 0 from `width` on (sheets); rising from 0 to 1
# within `width` about `centre` (strands and grains).
EVEN, RIDGE, RISE = range(3)


class Term(NamedTuple):
    """One term of a texture: offset + weight * curve(noise), added to the others or a factor.

    cell_mm: size of the noise's cells across, below and along; turn: angle (rad) by which the cells
    are turned across the limb, so that their edges lie along no axis of images.
    """

    cell_mm: tuple[float, float, float]
    weight: float
    curve: int = EVEN
    centre: float = 0.5
    width: float = 0.1
    offset: float = 0.0
    factor: bool = False
    turn: float = 0.6


TERM_COLUMNS = 15  # of the row of a term: five of its numbers, the factor, nine of its map


def _scaled(rms: float, *terms: Term) -> tuple[Term, ...]:
    """Return a texture of root mean square 1 from terms whose own is `rms`."""
    return tuple(
        term if term.factor else term._replace(weight=term.weight / rms, offset=term.offset / rms)
        for term in terms
    )


PLAIN: tuple[Term, ...] = ()
# Lobules of fat between thin septa, most of which run along the skin.
LOBULES = _scaled(
    1.54,
    Term((5.0, 2.0, 16.0), 0.55, offset=0.55),
    Term((7.0, 1.6, 30.0), 3.6, RIDGE, width=0.05, turn=0.25),
)
# Bundles of muscle between bright strands of perimysium: dashes across, long lines along.
STRANDS = _scaled(
    1.20,
    Term((1.0, 0.6, 8.0), 0.65, offset=0.22),
    Term((2.2, 0.50, 24.0), 2.3, RISE, 0.70, 0.16, turn=0.15),
    Term((9.0, 5.0, 18.0), 0.7, offset=0.65, factor=True),
)
# Loose tissue about vessels: few faint strands.
LOOSE = _scaled(
    1.08,
    Term((3.0, 1.0, 8.0), 0.6, offset=0.55),
    Term((4.0, 0.4, 20.0), 1.2, RISE, 0.72, 0.2, turn=0.3),
)
# Fibrils of tendon; dark fascicles of nerve in a bright web; grains of glands and phantoms; blood.
FIBRILS = _scaled(
    1.31,
    Term((0.6, 0.35, 20.0), 0.5, offset=0.35),
    Term((0.9, 0.28, 30.0), 1.4, RISE, 0.55, 0.25, turn=0.2),
)
HONEYCOMB = _scaled(1.46, Term((0.85, 0.85, 18.0), 2.6, RIDGE, width=0.14, offset=0.35))
GRAINS = _scaled(0.995, Term((0.9, 0.9, 0.9), 0.5, offset=0.74))
SWIRLS = _scaled(
    0.70,
    Term((2.0, 1.2, 4.0), 0.9, offset=0.4),
    Term((0.8, 0.6, 1.6), 0.6, offset=0.5, factor=True),
)


def term_rows(terms: tuple[Term, ...], slope: float = 0.0) -> NDArray[np.float64]:
    """Return the rows (R, `TERM_COLUMNS`) of a texture that the compiled code reads.

    slope: of what runs along the limb, change of `below` per mm of z.
    """
    rows = np.zeros((len(terms), TERM_COLUMNS))
    for row, term in zip(rows, terms, strict=True):
        across, high, along = term.cell_mm
        cosine, sine = math.cos(term.turn), math.sin(term.turn)
        row[:6] = term.curve, term.weight, term.centre, term.width, term.offset, term.factor
        row[6:9] = cosine / across, -sine / high, sine / high * slope
        row[9:12] = sine / across, cosine / high, -cosine / high * slope
        row[14] = 1.0 / along
    return rows


@pointwise
def hashed(key, i, j, k):
    """Return 64 bits that are a hash of the key and a lattice point (i, j, k)."""
    place = np.uint64(i) * _PRIME_X + np.uint64(j) * _PRIME_Y + np.uint64(k) * _PRIME_Z
    value = key ^ place
    value = (value ^ (value >> np.uint64(33))) * _MIX
    value = (value ^ (value >> np.uint64(29))) * _PRIME_Y
    return value ^ (value >> np.uint64(32))


@pointwise
def share_of(bits, part):
    """Return a number in [0, 1) made of 20 of the 64 bits of a hash; part 0, 1 or 2."""
    # As a signed integer, which the processor converts in one instruction.
    field = (bits >> np.uint64(20 * part)) & np.uint64(0xFFFFF)
    return np.float64(np.int64(field)) * (1.0 / 1048576.0)


@pointwise
def _at_corner(place):
    """Return a number in [0, 1) that is a hash of 32 bits."""
    value = np.uint32(place ^ (place >> np.uint32(15)))
    value = np.uint32(value * _MIX_A)
    value = np.uint32(value ^ (value >> np.uint32(12)))
    value = np.uint32(value * _MIX_B)
    value = np.uint32(value ^ (value >> np.uint32(15)))
    return _f(np.int32(value >> np.uint32(8))) * _f(1.0 / 16777216.0)


@pointwise
def _on_face(place, u, v):
    """Return the mean of the values at the four corners of a lattice square, weighted by u and v.

    place: of the first corner; u, v: weights of the corners ahead along x and y.
    """
    beside = np.uint32(place + _STEP_Y)
    first = _at_corner(place)
    near = first + (_at_corner(np.uint32(place + _STEP_X)) - first) * u
    first = _at_corner(beside)
    far = first + (_at_corner(np.uint32(beside + _STEP_X)) - first) * u
    return near + (far - near) * v


@pointwise
def noise(seed, x, y, z):
    """Return value noise in [0, 1]: independent values at integer points, smooth between them.

    seed: 32 bits; x, y, z: float32. The 32-bit lattice repeats after 2^32 cells.
    """
    i, j, k = np.floor(x), np.floor(y), np.floor(z)
    u, v, w = x - i, y - j, z - k
    three = _f(3.0)
    u, v, w = u * u * (three - u - u), v * v * (three - v - v), w * w * (three - w - w)
    # The corners' places in the lattice differ by one step along each axis.
    place = np.uint32(np.uint32(np.int32(i)) * _STEP_X + np.uint32(np.int32(j)) * _STEP_Y)
    place = np.uint32(place + np.uint32(np.int32(k)) * _STEP_Z + seed)
    first = _on_face(place, u, v)
    return first + (_on_face(np.uint32(place + _STEP_Z), u, v) - first) * w


@cached_by_source
@compiled(nogil=True, error_model="numpy")
def add_texture(seed, terms, x, below, z, value):
    """Multiply `value` (M,) float32 by a texture at places x, below, z (M,) float32, mm.

    seed: 32 bits; terms (R, `TERM_COLUMNS`): of one material.
    """
    count = len(value)
    total, here = np.zeros(count, np.float32), np.empty(count, np.float32)
    for row in range(terms.shape[0]):
        a, b, c = _f(terms[row, 6]), _f(terms[row, 7]), _f(terms[row, 8])
        d, e, f = _f(terms[row, 9]), _f(terms[row, 10]), _f(terms[row, 11])
        g = _f(terms[row, 14])
        salted = np.uint32(seed + np.uint32(row) * _MIX_A)
        for n in range(count):
            u = a * x[n] + b * below[n] + c * z[n]
            v = d * x[n] + e * below[n] + f * z[n]
            here[n] = noise(salted, u, v, g * z[n])
        curve, weight, offset = int(terms[row, 0]), _f(terms[row, 1]), _f(terms[row, 4])
        centre, sharp = _f(terms[row, 2]), _f(1.0 / terms[row, 3])
        if curve == RIDGE:
            for n in range(count):
                t = (here[n] - centre) * sharp
                t = max(_f(1.0) - t * t, _f(0.0))
                here[n] = t * t
        elif curve == RISE:
            for n in range(count):
                t = min(max((here[n] - centre) * sharp + _f(0.5), _f(0.0)), _f(1.0))
                here[n] = t * t * (_f(3.0) - t - t)
        if terms[row, 5] > 0.0:
            for n in range(count):
                total[n] *= offset + weight * here[n]
        else:
            for n in range(count):
                total[n] += offset + weight * here[n]
    for n in range(count):
        value[n] *= total[n]
