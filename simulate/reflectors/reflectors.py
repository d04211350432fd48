"""Extended reflectors of a tissue: fibres, fascia and walls, as scatterers with a common sign.

Independent scatterers cannot echo a line or a mirror: these are laid out one by one, beside those
that the engine draws. All amplitudes are given for the engine's density of unit scatterers, which
by itself has the reference brightness.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from simulate.reflectors.coherence import bead_amplitude
from simulate.reflectors.kernels import SHEET_X_MM, SHEET_Z_MM, fibre_scatterers, sheet_scatterers
from simulate.shapes.sheets import FLAT

Array = NDArray[np.floating]

# Two-way sigmas (lateral, axial, elevational) mm under which a mirror of strength 1 across the beam
# is as bright as the reference tissue; about those of a 5 MHz probe near its focus.
MIRROR_BEAM_MM = (0.25, 0.10, 0.50)
NUDGE_MM = 0.02  # below a sheet, where it is asked what it lies in
BIN_MM = 2.0  # of the index of surfaces


@dataclass(frozen=True)
class SurfacePoints:
    """Scatterers on closed surfaces (walls, bone), listed: points (K, 3) mm, area strength (K,).

    strength: of the mirror, 1 as bright as the tissue; area_mm2 (K,): what each stands for.
    """

    points_mm: Array
    strength: Array
    area_mm2: Array

    @classmethod
    def empty(cls) -> SurfacePoints:
        """Return no surface."""
        return cls(np.zeros((0, 3)), np.zeros(0), np.zeros(0))

    @cached_property
    def _bins(self) -> tuple[Array, dict[tuple[int, int, int], NDArray[np.int64]]]:
        index = np.floor(self.points_mm / BIN_MM).astype(np.int64)
        names, inverse = np.unique(index, axis=0, return_inverse=True)
        order = np.argsort(inverse.ravel(), kind="stable")
        parts = np.split(order, np.cumsum(np.bincount(inverse.ravel()))[:-1])
        members = {
            (int(a), int(b), int(c)): part for (a, b, c), part in zip(names, parts, strict=True)
        }
        return names, members

    def inside(self, low_mm: Array, high_mm: Array) -> NDArray[np.int64]:
        """Return the numbers, rising, of the points in the box [low, high)."""
        if not len(self.points_mm):
            return np.zeros(0, np.int64)
        names, members = self._bins
        near = (names >= np.floor(low_mm / BIN_MM)) & (names <= np.floor(high_mm / BIN_MM))
        found = [members[int(a), int(b), int(c)] for a, b, c in names[near.all(1)]]
        if not found:
            return np.zeros(0, np.int64)
        numbers = np.sort(np.concatenate(found))
        points = self.points_mm[numbers]
        return numbers[((points >= low_mm) & (points < high_mm)).all(1)]


@dataclass(frozen=True)
class Reflectors:
    """What is extended in a tissue.

    Parameters
    ----------
    key : of everything drawn here.
    coherent_fraction, coherent_length_mm : share of the power that comes from fibres and the length
        of their pieces, see `simulate.reflectors.coherence`.
    skin : the sheet (T, 4) that fibres follow.
    sheets, strengths : sheets (S, T, 4) that mirror, the first in world mm and the others mm below
        it, and how bright each is where it lies across the beam; tissue speckle is 1.
    surfaces : the same for closed surfaces.
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
        """What is left of the amplitude of the independent scatterers, sqrt(1 - fraction)."""
        return math.sqrt(1.0 - self.coherent_fraction)

    def __bool__(self) -> bool:
        mirrors = any(self.strengths) or len(self.surfaces.points_mm) > 0
        return mirrors or self.coherent_fraction > 0.0

    def scatterers(
        self,
        low_mm: Array,
        high_mm: Array,
        density_per_mm3: float,
        echo: Callable[[Array], Array],
        layered: Callable[[Array], NDArray[np.bool_]],
    ) -> tuple[Array, Array]:
        """Return points (K, 3) mm and signed amplitudes (K,) in the box [low, high).

        density_per_mm3: of the engine's own unit scatterers; echo: local amplitude of the tissue,
        (M, 3) to (M,), that the fibres share; layered: whether points (M, 3) lie in the layers and
        not in what runs through them, (M,), where no sheet mirrors.
        """
        low, high = np.asarray(low_mm, np.float64), np.asarray(high_mm, np.float64)
        points: list[Array] = []
        amplitudes: list[Array] = []
        if self.coherent_fraction > 0.0:
            beads, signs = self._fibres(low, high)
            level = bead_amplitude(self.coherent_fraction, self.coherent_length_mm, density_per_mm3)
            points.append(beads)
            amplitudes.append(level * signs * echo(beads))
        mirror = _mirror_amplitude(density_per_mm3)
        for number, strength in enumerate(self.strengths):
            if strength > 0.0:
                beads, area, relative = self._sheet(low, high, number)
                there = layered(beads + np.array([0.0, NUDGE_MM, 0.0]))
                points.append(beads[there])
                amplitudes.append(mirror * strength * area * relative[there])
        chosen = self.surfaces.inside(low, high)
        points.append(self.surfaces.points_mm[chosen])
        amplitudes.append(mirror * (self.surfaces.strength * self.surfaces.area_mm2)[chosen])
        return np.concatenate(points), np.concatenate(amplitudes)

    def _fibres(self, low: Array, high: Array) -> tuple[Array, Array]:
        def write(points: Array, values: Array) -> int:
            return int(
                fibre_scatterers(
                    low, high, np.uint64(self.key), self.coherent_length_mm, self.skin, points,
                    values,
                )
            )  # fmt: skip

        return _filled(write)

    def _sheet(self, low: Array, high: Array, number: int) -> tuple[Array, float, Array]:
        base = FLAT if number == 0 else self.sheets[0]
        key = np.uint64(self.key) + np.uint64(101 + number)
        sheet = self.sheets[number]

        def write(points: Array, values: Array) -> int:
            return int(sheet_scatterers(low, high, key, sheet, base, points, values))

        points, strength = _filled(write)
        return points, SHEET_X_MM * SHEET_Z_MM, strength


def _filled(write: Callable[[Array, Array], int], room: int = 4096) -> tuple[Array, Array]:
    """Return what `write(points, values)` writes, with as much room as it turns out to need."""
    while True:
        points, values = np.empty((room, 3)), np.empty(room)
        count = write(points, values)
        if count <= room:
            return points[:count], values[:count]
        room = count


def _mirror_amplitude(density_per_mm3: float) -> float:
    """Amplitude per mm² of a mirror that is as bright as unit scatterers of a density.

    A mirror across the beam echoes 2 pi sigma_x sigma_z a, speckle has the rms
    sqrt(density pi^1.5 sigma_x sigma_y sigma_z).
    """
    lateral, axial, elevation = MIRROR_BEAM_MM
    speckle = math.sqrt(density_per_mm3 * math.pi**1.5 * lateral * axial * elevation)
    return speckle / (2.0 * math.pi * lateral * elevation)
