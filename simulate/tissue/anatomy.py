"""Tissue put together from layers, septa, bodies and vessels: one class for every anatomy.

A kind of tissue (forearm, carotid, inclusions) is a function that draws these parts.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulate.reflectors.reflectors import Reflectors
from simulate.shapes.sheets import sheet_height, surface
from simulate.tissue import anatomy_kernels as kernels
from simulate.tissue.answers import Acoustics, Chromophores
from simulate.tissue.blood import MELANOSOMES, oxygenation
from simulate.tissue.materials import SKIN, Material
from simulate.vessels.index import VesselIndex, build_index
from simulate.vessels.tree import VesselTree, places_along

Array = NDArray[np.floating]

EPIDERMIS_MM = 0.15


@dataclass(frozen=True)
class AnatomicalTissue:
    """Layers below a skin, with septa in them, bodies through them, and vessels through all.

    Parameters
    ----------
    sheets : (S, T, 4): the skin (world mm), then the tops of the deeper layers (mm below it).
    layers : (S, 2): material of each layer and the thickness (mm) of the fascia at its top.
    septa : (Q, 9) and bodies (B, 19), rows of `Septum` and `Body`; the first body wins.
    walls : (2, 4), see `WALLS`.
    materials : what the numbers of materials mean.
    features_mm : (F, 3) world points, beside those of vessels, that one can find again.
    """

    key: int
    attenuation_db_cm_mhz: float
    sheets: Array
    layers: Array
    septa: Array
    bodies: Array
    materials: tuple[Material, ...]
    vessels: VesselTree
    features_mm: Array
    walls: Array
    extended: Reflectors = Reflectors(0)  # noqa: RUF009  (immutable)

    @cached_property
    def _index(self) -> VesselIndex:
        thickest = max((self.walls[:, 0] + self.walls[:, 1] * r).max() for r in self._radii)
        return build_index(self.vessels, float(thickest))

    @property
    def _radii(self) -> Array:
        return self.vessels.radius_mm if len(self.vessels) else np.ones(1)

    @cached_property
    def _shape(self) -> tuple[Any, ...]:
        index = self._index
        return (
            self.sheets, self.layers, self.septa, self.bodies, self.walls,
            index.origin_mm, index.shape, index.start, index.entries, index.segments, index.kind,
            np.abs(self.sheets[:, 1:, 0]).sum(1),
        )  # fmt: skip

    @cached_property
    def _echoes(self) -> Array:
        return np.array([(m.level, m.texture, m.slope) for m in self.materials])

    @property
    def blood_level(self) -> float:
        """Echo amplitude of blood."""
        return self.materials[2].level

    def backscatter(self, points_mm: Array) -> NDArray[np.float64]:
        """Return echo amplitudes (M,) at world points (M, 3) mm; 0 outside the body.

        Those of the independent scatterers: what the fibres have is taken off.
        """
        return self.extended.diffuse_amplitude * self._echo(points_mm)

    def _echo(self, points_mm: Array) -> NDArray[np.float64]:
        points = np.ascontiguousarray(points_mm, np.float64)
        return kernels.backscatter(points, np.uint64(self.key), self._echoes, self._shape)

    def reflectors(
        self, low_mm: Array, high_mm: Array, density_per_mm3: float
    ) -> tuple[Array, Array]:
        """Return extended reflectors in a box: points (K, 3) mm and signed amplitudes (K,)."""
        return self.extended.scatterers(
            low_mm, high_mm, density_per_mm3, self._echo, self._in_layers
        )

    def _in_layers(self, points_mm: Array) -> NDArray[np.bool_]:
        return np.isin(self._classify(points_mm)[1], [1, *self.layers[:, 0].astype(int)])

    def attenuation_db_per_mm(self, points_mm: Array, frequency_hz: float) -> Array:
        """Return the attenuation beyond the background, (M,) dB/mm one way; below 0 in fluid."""
        extra = np.array([m.extra_db_cm_mhz for m in self.materials]) * frequency_hz * 1e-7
        points = np.ascontiguousarray(points_mm, np.float64)
        return kernels.attenuation(points, extra, self.sheets[0], self.bodies)

    def _classify(self, points_mm: Array) -> tuple[Array, NDArray[np.int64], NDArray[np.int64]]:
        points = np.ascontiguousarray(points_mm, np.float64)
        return kernels.classify(points, self._shape)

    def in_lumen(self, points_mm: Array) -> NDArray[np.bool_]:
        """Return whether world points (M, 3) mm lie in blood, (M,)."""
        return self._classify(points_mm)[1] == 2

    def depth_below_skin_mm(self, points_mm: Array) -> Array:
        """Return the depth (M,) below the skin along y, negative outside, of points (M, 3) mm."""
        points = np.asarray(points_mm, np.float64)
        return points[:, 1] - sheet_height(self.sheets[0], points[:, 0], points[:, 2])

    def skin_surface(self, x: Array, z: Array) -> tuple[Array, Array]:
        """Return the skin's y (N,) mm and its inward unit normal (N, 3) at (x, z)."""
        return surface(self.sheets[0], x, z)

    def chromophores(self, points_mm: Array) -> Chromophores:
        """Return blood in the vessels and melanin in the epidermis, at world points (M, 3) mm."""
        depth, material, owner = self._classify(points_mm)
        skin = self.materials[int(self.layers[0, 0])] == SKIN
        epidermis = (depth >= 0.0) & (depth < EPIDERMIS_MM) & skin
        return Chromophores(
            (material == 2).astype(np.float64),
            oxygenation(owner, self._index),
            np.where(epidermis, MELANOSOMES, 0.0),
        )

    def acoustics(self, points_mm: Array) -> Acoustics:
        """Return sound speed, density and absorption at world points (M, 3) mm."""
        material = self._classify(points_mm)[1]
        table = np.array([(m.speed, m.density, m.absorption) for m in self.materials])
        return Acoustics(*table[material].T)

    @property
    def landmarks_mm(self) -> Array:
        """World points (L, 3) mm one can find again: of vessels, septa and bodies."""
        return np.concatenate([places_along(self.vessels), self.features_mm])
