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

from simulate.reflectors.coherence import BEAD_MM, FIBRES_PER_MM2, bead_amplitude
from simulate.reflectors.kernels import SHEET_X_MM, SHEET_Z_MM, fibre_scatterers, sheet_scatterers
from simulate.shapes.sheets import FLAT

Array = NDArray[np.floating]

# Two-way sigmas (lateral, axial, elevational) mm of the beam in which a mirror of strength 1, at
# right angles to it, is as bright as the reference tissue: about a 5 MHz probe near its focus.
MIRROR_BEAM_MM = (0.25, 0.10, 0.50)
NUDGE_MM = 0.02  # a point of a sheet is classified this far below it, clear of rounding errors
BIN_MM = 2.0  # side of the cubes of the index of surface points


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
        names, inverse = np.unique(index, axis=0, return_inverse=True)
        order = np.argsort(inverse.ravel(), kind="stable")
        parts = np.split(order, np.cumsum(np.bincount(inverse.ravel()))[:-1])
        return {
            (int(a), int(b), int(c)): part for (a, b, c), part in zip(names, parts, strict=True)
        }

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
        numbers = np.sort(np.concatenate(found))
        points = self.points_mm[numbers]
        return numbers[((points >= low_mm) & (points < high_mm)).all(1)]


@dataclass(frozen=True)
class Reflectors:
    """The fibres, mirroring sheets and mirroring closed surfaces of one tissue.

    Parameters
    ----------
    key : of all random numbers.
    coherent_fraction, coherent_length_mm : share of the power that comes from fibres and the length
        of their pieces, see `simulate.reflectors.coherence`.
    skin : the sheet (T, 4) that fibres follow.
    sheets, strengths : sheets (S, T, 4) that mirror, the first in world mm and the others mm below
        it, and the brightness of each at right angles to the beam; tissue speckle is 1.
    surfaces : closed surfaces that mirror.
    """

    key: int
    coherent_fraction: float = 0.0
    coherent_length_mm: float = 4.0
    skin: Array = field(default_factory=lambda: FLAT)
    sheets: Array = field(default_factory=lambda: FLAT[None])
    strengths: tuple[float, ...] = (0.0,)
    surfaces: SurfacePoints = SurfacePoints.empty()  # noqa: RUF009  (immutable)

    @property
    def diffuse_amplitude(self) -> float:
        """Factor of the independent scatterers' amplitude that leaves the power: sqrt(1 - c)."""
        return math.sqrt(1.0 - self.coherent_fraction)

    def __bool__(self) -> bool:
        """Whether there is any reflector."""
        mirrors = any(self.strengths) or len(self.surfaces.points_mm) > 0
        return mirrors or self.coherent_fraction > 0.0

    def scatterers(
        self,
        low_mm: Array,
        high_mm: Array,
        density_per_mm3: float,
        echo: Callable[[Array, Array], Array],
        layered: Callable[[Array], NDArray[np.bool_]],
    ) -> tuple[Array, Array]:
        """Return points (K, 3) mm and signed amplitudes (K,) in the box [low, high).

        Parameters
        ----------
        density_per_mm3 : of the engine's own unit scatterers.
        echo : (M, 3) points and their depth (M,) below `skin`, mm, to the tissue's local echo
            amplitude (M,), which scales the fibres.
        layered : (M, 3) points to whether they lie in the layers themselves (M,); inside vessels
            and bodies, which run through the layers, sheets do not mirror.
        """
        if not self:
            return np.zeros((0, 3)), np.zeros(0)
        low, high = np.asarray(low_mm, np.float64), np.asarray(high_mm, np.float64)
        points: list[Array] = []
        amplitudes: list[Array] = []
        if self.coherent_fraction > 0.0:
            beads, lifts, signs = self._fibres(low, high)
            level = bead_amplitude(self.coherent_fraction, self.coherent_length_mm, density_per_mm3)
            points.append(beads)
            amplitudes.append(level * signs * echo(beads, beads[:, 1] - lifts))
        mirror = _mirror_amplitude(density_per_mm3)
        for number, strength in enumerate(self.strengths):
            if strength > 0.0:
                beads, area, relative = self._sheet(low, high, number)
                if not len(beads):
                    continue
                there = layered(beads + np.array([0.0, NUDGE_MM, 0.0]))
                points.append(beads[there])
                amplitudes.append(mirror * strength * area * relative[there])
        chosen = self.surfaces.inside(low, high)
        points.append(self.surfaces.points_mm[chosen])
        amplitudes.append(
            mirror * (self.surfaces.strength[chosen] * self.surfaces.area_mm2[chosen])
        )
        return np.concatenate(points), np.concatenate(amplitudes)

    def _fibres(self, low: Array, high: Array) -> tuple[Array, Array, Array]:
        """Return the fibres' scatterers in a box: points (K, 3) mm, y of the skin there, signs."""

        def write(points: Array, lifts: Array, signs: Array) -> int:
            return int(
                fibre_scatterers(
                    low, high, np.uint64(self.key), self.coherent_length_mm, self.skin, points,
                    lifts, signs,
                )
            )  # fmt: skip

        expected = float(np.prod(high - low)) * FIBRES_PER_MM2 / BEAD_MM
        points, lifts, signs = _filled(write, 2, int(1.2 * expected) + 256)
        return points, lifts, signs

    def _sheet(self, low: Array, high: Array, number: int) -> tuple[Array, float, Array]:
        """Return points (K, 3) mm of a sheet in a box, area of each mm², local strength (K,)."""
        base = FLAT if number == 0 else self.sheets[0]
        key = np.uint64(self.key) + np.uint64(101 + number)
        sheet = self.sheets[number]

        def write(points: Array, values: Array) -> int:
            return int(sheet_scatterers(low, high, key, sheet, base, points, values))

        points, strength = _filled(write, 1)
        return points, SHEET_X_MM * SHEET_Z_MM, strength


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
