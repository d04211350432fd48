"""Tissue put together from layers, septa, bodies and vessels.

Kinds of tissue (forearm, carotid, inclusions) are functions that draw these parts.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from simulate.reflectors.reflectors import Reflectors
from simulate.shapes.sheets import depths_below, sheet_height, surface
from simulate.tissue import anatomy_kernels as kernels
from simulate.tissue.answers import Acoustics, Chromophores
from simulate.tissue.blood import MELANOSOMES, oxygenation
from simulate.tissue.materials import BLOOD, EPIDERMIS_MM, FASCIA, SKIN, Material
from simulate.vessels.index import VesselIndex, build_index
from simulate.vessels.tree import VesselTree, places_along

Array = NDArray[np.floating]


@dataclass(frozen=True)
class AnatomicalTissue:
    """Layers below a skin, with septa and bodies in them and vessels through all of them.

    Parameters
    ----------
    sheets : (S, T, 4): the skin (world mm), then the tops of the deeper layers (mm below it).
    layers : (S, 2): material of each layer and the thickness (mm) of the fascia at its top.
    septa : (Q, 9), rows of `simulate.shapes.bodies.Septum`.
    bodies : (B, 19), rows of `simulate.shapes.bodies.Body`; where two overlap, the first counts.
    materials : by number, `simulate.tissue.materials.COMMON` first.
    features_mm : (F, 3) world points that one can find again, beside those of vessels.
    walls : (2, 4), as `simulate.tissue.materials.WALLS`.
    extended : fibres and mirrors.
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
    def _anatomy(self) -> kernels.Anatomy:
        return kernels.Anatomy(
            self.sheets, self.layers, self.septa, self.bodies, self.walls,
            *self._index.lookup, self._index.kind, np.abs(self.sheets[:, 1:, 0]).sum(1),
        )  # fmt: skip

    @cached_property
    def _echoes(self) -> Array:
        return np.array([(m.level, m.texture, m.slope) for m in self.materials])

    @property
    def blood_level(self) -> float:
        """Echo amplitude of blood."""
        return self.materials[BLOOD].level

    def backscatter(self, points_mm: Array) -> NDArray[np.float64]:
        """Return echo amplitudes (M,) at world points (M, 3) mm; 0 outside the body.

        They are those of the independent scatterers, without the share of the fibres.
        """
        points = np.ascontiguousarray(points_mm, np.float64)
        depth = depths_below(self.sheets[0], points)
        return self.extended.diffuse_amplitude * self._echo(points, depth)

    def _echo(self, points_mm: Array, depth_mm: Array) -> NDArray[np.float64]:
        key = np.uint64(self.key)
        return kernels.backscatter(points_mm, depth_mm, key, self._echoes, self._anatomy)

    def reflectors(
        self, low_mm: Array, high_mm: Array, density_per_mm3: float
    ) -> tuple[Array, Array]:
        """Return extended reflectors in a box: points (K, 3) mm and signed amplitudes (K,)."""
        return self.extended.scatterers(
            low_mm, high_mm, density_per_mm3, self._echo, self._in_layers
        )

    def _in_layers(self, points_mm: Array) -> NDArray[np.bool_]:
        return self._layered[self._classify(points_mm)[1]]

    @cached_property
    def _layered(self) -> NDArray[np.bool_]:
        """Whether each material, by number, is one of the layers or their fasciae."""
        return np.isin(np.arange(len(self.materials)), [FASCIA, *self.layers[:, 0].astype(int)])

    def attenuation_db_per_mm(self, points_mm: Array, frequency_hz: float) -> Array:
        """Return the attenuation beyond the background, (M,) dB/mm one way; negative in fluid."""
        extra = np.array([m.extra_db_cm_mhz for m in self.materials]) * frequency_hz * 1e-7
        points = np.ascontiguousarray(points_mm, np.float64)
        return kernels.attenuation(points, extra, self.sheets[0], self.bodies)

    def _classify(self, points_mm: Array) -> tuple[Array, NDArray[np.int64], NDArray[np.int64]]:
        points = np.ascontiguousarray(points_mm, np.float64)
        return kernels.classify(points, self._anatomy)

    def in_lumen(self, points_mm: Array) -> NDArray[np.bool_]:
        """Return whether world points (M, 3) mm lie in blood, (M,)."""
        return self._classify(points_mm)[1] == BLOOD

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
            (material == BLOOD).astype(np.float64),
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
        """World points (L, 3) mm that one can find again: of vessels, septa and bodies."""
        return np.concatenate([places_along(self.vessels), self.features_mm])
