"""Tissue put together from layers, septa, bodies and vessels: one class for every anatomy.

A kind of tissue (forearm, carotid, inclusions) is a function that draws these parts.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from simulate.layered import MELANOSOMES, oxygenation
from simulate.reflectors.reflectors import Reflectors
from simulate.shapes.sheets import sheet_height, surface
from simulate.vessels.index import VesselIndex, build_index
from simulate.vessels.tree import VesselTree, places_along

if TYPE_CHECKING:
    from simulate.acoustics import Acoustics
    from simulate.optics import Chromophores

Array = NDArray[np.floating]

EPIDERMIS_MM = 0.15
PLAIN, LOBULES, FIBRES, TENDON, NERVE, GRAIN = range(6)  # as in `anatomy_texture`
BONE_DB_CM_MHZ = 12.0  # beyond the background: nothing is seen behind a millimetre or two


class Material(NamedTuple):
    """Echo amplitude (1 is the reference), texture, and how sound travels in it.

    Sound speed m/s, density kg/m3 and absorption dB/cm/MHz are typical values of F. A. Duck,
    Physical Properties of Tissue (1990). extra_db_cm_mhz: attenuation above the background's.
    """

    level: float
    texture: int = PLAIN
    speed: float = 1570.0
    density: float = 1060.0
    absorption: float = 0.5
    extra_db_cm_mhz: float = 0.0
    slope: float = 0.0


# Materials that every anatomy has: the first six of its list.
COMMON = (
    Material(0.0, speed=1500.0, density=1000.0, absorption=0.002),  # outside: gel
    Material(3.0, speed=1613.0, density=1120.0, absorption=1.2),  # fascia and septa
    Material(0.03, speed=1570.0, density=1060.0, absorption=0.15),  # blood
    Material(2.6),  # intima
    Material(0.25),  # media
    Material(3.0),  # adventitia
)
SKIN = Material(1.6, speed=1610.0, density=1100.0, absorption=1.2)
FAT = Material(0.45, LOBULES, 1450.0, 950.0, 0.5)
MUSCLE = Material(0.8, FIBRES, 1580.0, 1050.0, 0.6)
BONE = Material(0.04, PLAIN, 2800.0, 1800.0, 6.0, BONE_DB_CM_MHZ)
CORTEX = Material(6.0, PLAIN, 2800.0, 1900.0, 6.0, BONE_DB_CM_MHZ)
# Thickness of a vessel's wall (mm, and per radius) and where its intima and media end, as shares.
WALLS = ((0.12, 0.20, 0.22, 0.60), (0.10, 0.06, 0.40, 0.40))  # artery, vein


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
        from simulate import anatomy_texture

        points = np.ascontiguousarray(points_mm, np.float64)
        return anatomy_texture.backscatter(points, np.uint64(self.key), self._echoes, self._shape)

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
        from simulate import anatomy_texture

        extra = np.array([m.extra_db_cm_mhz for m in self.materials]) * frequency_hz * 1e-7
        points = np.ascontiguousarray(points_mm, np.float64)
        return anatomy_texture.attenuation(points, extra, self.sheets[0], self.bodies)

    def _classify(self, points_mm: Array) -> tuple[Array, NDArray[np.int64], NDArray[np.int64]]:
        from simulate import anatomy_texture

        points = np.ascontiguousarray(points_mm, np.float64)
        return anatomy_texture.classify(points, self._shape)

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
        from simulate.optics import Chromophores

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
        from simulate.acoustics import Acoustics

        material = self._classify(points_mm)[1]
        table = np.array([(m.speed, m.density, m.absorption) for m in self.materials])
        return Acoustics(*table[material].T)

    @property
    def landmarks_mm(self) -> Array:
        """World points (L, 3) mm one can find again: of vessels, septa and bodies."""
        return np.concatenate([places_along(self.vessels), self.features_mm])
