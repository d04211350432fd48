"""Extended reflectors of a tissue: fibres, fascia and walls, as scatterers with a common sign.

Independent scatterers of random sign cannot echo like a line or a mirror. The scatterers of these
reflectors are therefore placed along them and added to the random ones of the engine. Amplitudes
are relative to the engine's unit scatterers, whose density alone gives the reference brightness.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from itertools import product

import numpy as np
from numpy.typing import NDArray

from simulate.reflectors.coherence import (
    BEAD_MM,
    FIBRES_PER_MM2,
    Coherence,
    bead_amplitude,
    plate_amplitude,
)
from simulate.reflectors.kernels import SHEET_X_MM, SHEET_Z_MM, fibre_scatterers, sheet_scatterers
from simulate.shapes.sheets import FLAT

Array = NDArray[np.floating]

# Two-way sigmas (lateral, axial, elevational) mm of the beam in which a mirror of strength 1, at
# right angles to it, is as bright as the reference tissue: about a 5 MHz probe near its focus.
MIRROR_BEAM_MM = (0.25, 0.10, 0.50)
NUDGE_MM = 0.02  # a point of a sheet is classified this far below it, clear of rounding errors
BIN_MM = 4.0  # side of the cubes of the index of surface points


@dataclass(frozen=True)
class SurfacePoints:
    """Scatterers on closed surfaces (walls, bone), listed one by one.

    points_mm (K, 3); strength (K,): of the mirror there, where 1 is as bright as the reference
    tissue; area_mm2 (K,): part of the surface that each stands for.
    """

    points_mm: Array
    strength: Array
    area_mm2: Array

    @classmethod
    def empty(cls) -> SurfacePoints:
        """Return no surface."""
        return cls(np.zeros((0, 3)), np.zeros(0), np.zeros(0))

    @cached_property
    def _bins(self) -> dict[tuple[int, int, int], NDArray[np.int64]]:
        """The numbers of the points in each occupied cube, by its index."""
        index = np.floor(self.points_mm / BIN_MM).astype(np.int64)
        low = index.min(0)
        shape = tuple(index.max(0) - low + 1)
        flat = np.ravel_multi_index(tuple((index - low).T), shape)
        order = np.argsort(flat, kind="stable")
        flat = flat[order]
        first = np.flatnonzero(np.diff(flat, prepend=-1))
        names = np.column_stack(np.unravel_index(flat[first], shape)) + low
        parts = np.split(order, first[1:])
        return {(a, b, c): part for (a, b, c), part in zip(names.tolist(), parts, strict=True)}

    def inside(self, low_mm: Array, high_mm: Array) -> NDArray[np.int64]:
        """Return the numbers, ascending, of the points in the box [low, high)."""
        if not len(self.points_mm):
            return np.zeros(0, np.int64)
        spans = [
            range(math.floor(low / BIN_MM), math.floor(high / BIN_MM) + 1)
            for low, high in zip(low_mm, high_mm, strict=True)
        ]
        bins = self._bins
        found = [bins[name] for name in product(*spans) if name in bins]
        if not found:
            return np.zeros(0, np.int64)
        numbers = np.concatenate(found)
        x, y, z = self._columns.take(numbers, axis=1)
        inside = (x >= low_mm[0]) & (x < high_mm[0]) & (y >= low_mm[1]) & (y < high_mm[1])
        numbers = numbers[inside & (z >= low_mm[2]) & (z < high_mm[2])]
        numbers.sort()
        return numbers

    @cached_property
    def _columns(self) -> Array:
        """Points (3, K), which are read faster."""
        return np.ascontiguousarray(self.points_mm.T)


@dataclass(frozen=True)
class Reflectors:
    """The fibres, mirroring sheets and mirroring closed surfaces of one tissue.

    Parameters
    ----------
    key : of all random numbers.
    coherence : share of the power that comes from fibres, and how they lie.
    skin : the sheet (T, 4) that fibres follow.
    sheets, strengths : sheets (S, T, 4) that mirror, the first in world mm and the others mm below
        it, and the brightness of each at right angles to the beam; tissue speckle is 1.
    surfaces : closed surfaces that mirror.
    """

    key: int
    coherence: Coherence = Coherence()  # noqa: RUF009  (immutable)
    skin: Array = field(default_factory=lambda: FLAT)
    sheets: Array = field(default_factory=lambda: FLAT[None])
    strengths: tuple[float, ...] = (0.0,)
    surfaces: SurfacePoints = SurfacePoints.empty()  # noqa: RUF009  (immutable)

    def diffuse_amplitude(self, depth_mm: Array) -> Array | float:
        """Return the factor of independent scatterers that keeps the power: sqrt(1 - c).

        depth_mm (M,): below the skin.
        """
        if self.coherence.depth_mm == math.inf:
            return math.sqrt(1.0 - self.coherence.fraction)
        return np.sqrt(1.0 - self.coherence.fraction_at(depth_mm))

    def __bool__(self) -> bool:
        """Whether there is any reflector."""
        mirrors = any(self.strengths) or len(self.surfaces.points_mm) > 0
        return mirrors or self.coherence.fraction > 0.0

    def scatterers(
        self,
        low_mm: Array,
        high_mm: Array,
        density_per_mm3: float,
        echo: Callable[[Array, Array], Array],
        layered: Callable[[Array], NDArray[np.bool_]],
        deepest_mm: float = math.inf,
    ) -> tuple[Array, Array]:
        """Return points (K, 3) mm and signed amplitudes (K,) in the box [low, high).

        Parameters
        ----------
        density_per_mm3 : of the engine's own unit scatterers.
        echo : (M, 3) points and their depth (M,) below `skin`, mm, to the tissue's local echo
            amplitude (M,), which scales the fibres.
        layered : (M, 3) points to whether they lie in the layers themselves (M,); inside vessels
            and bodies, which run through the layers, sheets do not mirror.
        deepest_mm : depth below `skin` from which on nothing in the box echoes.
        """
        if not self:
            return np.zeros((0, 3)), np.zeros(0)
        low, high = np.asarray(low_mm, np.float64), np.asarray(high_mm, np.float64)
        parts = [self._fibres(low, high, deepest_mm, density_per_mm3, echo)]
        mirror = _mirror_amplitude(density_per_mm3)
        beads, strength = self._mirrors(low, high)
        if len(beads):
            there = layered(beads + np.array([0.0, NUDGE_MM, 0.0]))
            patch = mirror * SHEET_X_MM * SHEET_Z_MM
            parts.append((beads[there], patch * strength[there]))
        chosen = self.surfaces.inside(low, high)
        shining = self.surfaces.strength[chosen] * self.surfaces.area_mm2[chosen]
        parts.append((self.surfaces.points_mm[chosen], mirror * shining))
        points, amplitudes = zip(*parts, strict=True)
        return np.concatenate(points), np.concatenate(amplitudes)

    def _fibres(
        self,
        low: Array,
        high: Array,
        deepest_mm: float,
        density_per_mm3: float,
        echo: Callable[[Array, Array], Array],
    ) -> tuple[Array, Array]:
        """Return the fibres' scatterers that echo in a box: points (K, 3) mm, amplitudes (K,)."""
        known = self.coherence
        if known.fraction == 0.0:
            return np.zeros((0, 3)), np.zeros(0)
        points, below, signs = self._beads(low, high, deepest_mm)
        if not len(points):
            return points, below
        level = bead_amplitude(known.fraction, known.length_mm, density_per_mm3)
        if known.depth_mm < math.inf:
            # Of amplitudes beside those at the skin: bead_amplitude goes as sqrt(fraction).
            signs = signs * np.exp(-0.5 * np.square(below / known.depth_mm))
        amplitudes = level * signs * echo(points, below)
        heard = amplitudes != 0.0
        return (points, amplitudes) if heard.all() else (points[heard], amplitudes[heard])

    def _beads(
        self, low: Array, high: Array, deepest_mm: float = math.inf
    ) -> tuple[Array, Array, Array]:
        """Return scatterers of fibres in a box: points (K, 3) mm, depth below the skin, sign.

        Those deeper than `deepest_mm` are left out but for one layer of them. The sign of those in
        plates is times `plate_amplitude`.
        """
        known, plate = self.coherence, plate_amplitude()

        def write(points: Array, below: Array, signs: Array) -> int:
            return int(
                fibre_scatterers(
                    low, high, deepest_mm, np.uint64(self.key), known.length_mm, known.plates,
                    plate, self.skin, points, below, signs,
                )
            )  # fmt: skip

        expected = float(np.prod(high - low)) * FIBRES_PER_MM2 / BEAD_MM
        points, below, signs = _filled(write, 2, int(1.2 * expected) + 256)
        return points, below, signs

    def _mirrors(self, low: Array, high: Array) -> tuple[Array, Array]:
        """Return points (K, 3) mm of the mirroring sheets in a box, and strengths (K,)."""
        strengths = np.array(self.strengths)
        if not strengths.any():
            return np.zeros((0, 3)), np.zeros(0)

        def write(points: Array, values: Array) -> int:
            key = np.uint64(self.key)
            return int(sheet_scatterers(low, high, key, self.sheets, strengths, points, values))

        points, strength = _filled(write, 1, 1024)
        return points, strength


def _filled(write: Callable[..., int], values: int, room: int = 4096) -> list[Array]:
    """Return the points and the `values` arrays of values that `write` fills in, as long as needed.

    write: (points (room, 3), arrays (room,) of values) -> how many there are, also where that is
    more.
    """
    while True:
        arrays = [np.empty((room, 3)), *(np.empty(room) for _ in range(values))]
        count = write(*arrays)
        if count <= room:
            return [array[:count] for array in arrays]
        room = count


def _mirror_amplitude(density_per_mm3: float) -> float:
    """Return the amplitude a per mm² of a mirror as bright as unit scatterers of a density.

    The echo of a mirror at right angles to the beam is 2 pi sigma_x sigma_z a; the rms of speckle
    is sqrt(density pi^1.5 sigma_x sigma_y sigma_z).
    """
    lateral, axial, elevation = MIRROR_BEAM_MM
    speckle = math.sqrt(density_per_mm3 * math.pi**1.5 * lateral * axial * elevation)
    return speckle / (2.0 * math.pi * lateral * elevation)
