"""Tissue put together from layers, septa, bodies and vessels.

Kinds of tissue (layered, forearm, carotid, inclusions) are functions that draw these parts.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from simulate.reflectors.reflectors import Reflectors
from simulate.shapes.sheets import sheet_height, sheet_heights, surface
from simulate.shapes.texture import TERM_COLUMNS, term_rows
from simulate.tissue import anatomy_kernels as kernels
from simulate.tissue.answers import Acoustics, Chromophores
from simulate.tissue.blood import MELANOSOMES, oxygenation
from simulate.tissue.materials import BLOOD, EPIDERMIS_MM, FASCIA, SKIN, Material, sound
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
        radii = self.vessels.radius_mm if len(self.vessels) else np.ones(1)
        thickness = self.walls[:, :1] + self.walls[:, 1:2] * radii
        return build_index(self.vessels, float(thickness.max()))

    @cached_property
    def _anatomy(self) -> kernels.Anatomy:
        return kernels.Anatomy(
            self.sheets, self.layers, self.septa, self.bodies, self.walls,
            *self._index.lookup, self._index.kind,
        )  # fmt: skip

    @cached_property
    def _echoes(self) -> kernels.Echoes:
        rows = [term_rows(material.texture, material.slope) for material in self.materials]
        seeds = np.random.SeedSequence(self.key).generate_state(len(self.materials), np.uint32)
        return kernels.Echoes(
            np.array([material.level for material in self.materials]),
            np.concatenate([np.zeros((0, TERM_COLUMNS)), *rows]),
            np.cumsum([0, *map(len, rows)]),
            seeds.astype(np.uint32),
        )

    @property
    def blood_level(self) -> float:
        """Echo amplitude of blood."""
        return self.materials[BLOOD].level

    def backscatter(self, points_mm: Array) -> NDArray[np.float64]:
        """Return echo amplitudes (M,) at world points (M, 3) mm; 0 outside the body.

        They are those of the independent scatterers, without the share of the fibres.
        """
        place = self._place(points_mm)
        echo = kernels.backscatter(self._anatomy, self._echoes, *place)
        return self.extended.diffuse_amplitude(place[3]) * echo

    def _place(self, points_mm: Array) -> tuple[Array, Array, Array, Array]:
        """Return x, y, z (M,) of world points (M, 3) mm and their depth (M,) below the skin."""
        x, y, z = np.ascontiguousarray(np.asarray(points_mm, np.float64).T)
        return x, y, z, y - sheet_heights(self.sheets[0], x, z)

    def _echo(self, points_mm: Array, depth_mm: Array) -> NDArray[np.float64]:
        x, y, z = np.ascontiguousarray(points_mm.T)
        return kernels.backscatter(self._anatomy, self._echoes, x, y, z, depth_mm)

    def reflectors(
        self, low_mm: Array, high_mm: Array, density_per_mm3: float
    ) -> tuple[Array, Array]:
        """Return extended reflectors in a box: points (K, 3) mm and signed amplitudes (K,)."""
        if not self.extended:
            return np.zeros((0, 3)), np.zeros(0)
        low, high = np.asarray(low_mm, np.float64), np.asarray(high_mm, np.float64)
        deepest = kernels.deepest_echo(self._anatomy, low, high)
        return self.extended.scatterers(
            low, high, density_per_mm3, self._echo, self._in_layers, deepest
        )

    def _in_layers(self, points_mm: Array) -> NDArray[np.bool_]:
        return self._layered[self._classify(points_mm)[1]]

    @cached_property
    def _layered(self) -> NDArray[np.bool_]:
        """Whether each material, by number, is one of the layers or their fasciae."""
        return np.isin(np.arange(len(self.materials)), [FASCIA, *self.layers[:, 0].astype(int)])

    def attenuation_db_per_mm(self, points_mm: Array, frequency_hz: float) -> Array:
        """Return the attenuation beyond the background, (M,) dB/mm one way; negative in fluid.

        Only bodies have any.
        """
        if not len(self.bodies):
            return np.zeros(len(points_mm))
        x, _, z, below = self._place(points_mm)
        held = np.zeros(len(x), np.int64)  # material 0, outside, has none
        kernels.put_bodies(self.bodies, x, below, z, held)
        extra = np.array([material.extra_db_cm_mhz for material in self.materials])
        return (extra * (frequency_hz * 1e-7))[held]

    def _classify(self, points_mm: Array) -> tuple[Array, NDArray[np.int64], NDArray[np.int64]]:
        """Return depth below the skin, material and nearest vessel segment (-1 if far), (M,)."""
        place = self._place(points_mm)
        return place[3], *kernels.classify(self._anatomy, *place)

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
        uppermost = self.materials[int(self.layers[0, 0])]
        skin = uppermost._replace(level=SKIN.level) == SKIN  # levels vary among subjects
        epidermis = (depth >= 0.0) & (depth < EPIDERMIS_MM) & skin
        return Chromophores(
            (material == BLOOD).astype(np.float64),
            oxygenation(owner, self._index),
            np.where(epidermis, MELANOSOMES, 0.0),
        )

    def acoustics(self, points_mm: Array) -> Acoustics:
        """Return sound speed, density and absorption at world points (M, 3) mm."""
        return sound(self.materials, self._classify(points_mm)[1])

    @property
    def landmarks_mm(self) -> Array:
        """World points (L, 3) mm that one can find again: of vessels, septa and bodies."""
        return np.concatenate([places_along(self.vessels), self.features_mm])
