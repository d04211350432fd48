"""A limb of few layers: skin, fat with septa, fascia, two muscles with fibres, and vessels."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from simulate.reflectors.reflectors import Reflectors
from simulate.shapes.sheets import SheetPlan, depths_below, sample_sheets, sheet_height, surface
from simulate.tissue import layered_kernels as kernels
from simulate.tissue.answers import Acoustics, Chromophores
from simulate.tissue.blood import MELANOSOMES, oxygenation
from simulate.tissue.settings import TissueSettings
from simulate.vessels.growth import GrowthSettings, grow_vessels
from simulate.vessels.index import VesselIndex, build_index
from simulate.vessels.tree import VesselTree, laid_below, places_along

Array = NDArray[np.floating]

# Echo amplitudes by layer (outside, skin, fat, fascia, muscle, deep muscle, vessel wall, blood);
# muscle with its texture is about 1.
LEVELS = (0.0, 1.6, 0.45, 3.2, 0.8, 0.8, 2.0, 0.03)
# Sound speed (m/s), density (kg/m3), absorption (dB/cm/MHz) by layer, typical values of
# F. A. Duck, Physical Properties of Tissue (1990); outside is coupling gel, like water.
SOUND = (
    (1500.0, 1610.0, 1450.0, 1613.0, 1580.0, 1580.0, 1570.0, 1570.0),
    (1000.0, 1100.0, 950.0, 1120.0, 1050.0, 1050.0, 1060.0, 1060.0),
    (0.002, 1.2, 0.5, 1.2, 0.6, 0.6, 0.5, 0.15),
)
MIRRORS = (0.7, 0.0, 1.0, 0.8)  # strength of skin, its lower side, superficial, deep fascia


@dataclass(frozen=True)
class LayeredTissue:
    """A limb: skin, fat with septa, fascia, two muscles with fibres, and a branching vessel tree.

    sheets (4, T, 4): skin (world mm), then skin thickness, superficial and deep fascia (mm below
    the skin), each as `simulate.shapes.sheets` describes; fibre (2,): slopes dy/dz of the two
    muscles' fibres; levels (8,): echo amplitudes by layer; extended: fibres and mirrors.
    """

    key: int
    attenuation_db_cm_mhz: float
    sheets: Array
    fibre: Array
    levels: Array
    vessels: VesselTree
    extended: Reflectors = Reflectors(0)  # noqa: RUF009  (immutable)

    @cached_property
    def _index(self) -> VesselIndex:
        return build_index(self.vessels)

    @property
    def blood_level(self) -> float:
        """Echo amplitude of blood."""
        return float(self.levels[-1])

    def backscatter(self, points_mm: Array) -> NDArray[np.float64]:
        """Return echo amplitudes (M,) at world points (M, 3) mm; 0 outside the body.

        They are those of the independent scatterers, without the share of the fibres.
        """
        points = np.ascontiguousarray(points_mm, np.float64)
        echo = self._echo(points, depths_below(self.sheets[0], points))
        diffuse = self.extended.diffuse_amplitude
        return echo if diffuse == 1.0 else diffuse * echo

    def _echo(self, points_mm: Array, depth_mm: Array) -> NDArray[np.float64]:
        return kernels.backscatter(
            points_mm, depth_mm, np.uint64(self.key), self.sheets, self.fibre, self.levels,
            self._index.lookup,
        )  # fmt: skip

    def reflectors(
        self, low_mm: Array, high_mm: Array, density_per_mm3: float
    ) -> tuple[Array, Array]:
        """Return extended reflectors in a box: points (K, 3) mm and signed amplitudes (K,)."""
        return self.extended.scatterers(
            low_mm, high_mm, density_per_mm3, self._echo, self._in_layers
        )

    def _in_layers(self, points_mm: Array) -> NDArray[np.bool_]:
        return self._classify(points_mm)[1] < kernels.WALL

    def attenuation_db_per_mm(self, points_mm: Array, frequency_hz: float) -> Array:
        """Return zeros (M,) dB/mm: the whole limb attenuates alike."""
        return np.zeros(len(points_mm))

    def in_lumen(self, points_mm: Array) -> NDArray[np.bool_]:
        """Return whether world points (M, 3) mm lie in blood, (M,)."""
        return self._classify(points_mm)[1] == kernels.BLOOD

    def depth_below_skin_mm(self, points_mm: Array) -> Array:
        """Return the depth (M,) below the skin along y, negative outside, of points (M, 3) mm."""
        points = np.asarray(points_mm, np.float64)
        return points[:, 1] - sheet_height(self.sheets[0], points[:, 0], points[:, 2])

    def skin_surface(self, x: Array, z: Array) -> tuple[Array, Array]:
        """Return the skin's y (N,) mm and its inward unit normal (N, 3) at (x, z)."""
        return surface(self.sheets[0], x, z)

    def _classify(self, points_mm: Array) -> tuple[Array, NDArray[np.int64], NDArray[np.int64]]:
        points = np.ascontiguousarray(points_mm, np.float64)
        return kernels.classify(points, self.sheets, self._index.lookup)

    def chromophores(self, points_mm: Array) -> Chromophores:
        """Return blood in the vessels and melanin in the epidermis, at world points (M, 3) mm."""
        depth, layer, owner = self._classify(points_mm)
        blood = (layer == kernels.BLOOD).astype(np.float64)
        epidermis = (layer == kernels.SKIN) & (depth < kernels.EPIDERMIS_MM)
        return Chromophores(
            blood, oxygenation(owner, self._index), np.where(epidermis, MELANOSOMES, 0.0)
        )

    def acoustics(self, points_mm: Array) -> Acoustics:
        """Return sound speed, density and absorption at world points (M, 3) mm."""
        return layer_acoustics(self._classify(points_mm)[1])

    @property
    def landmarks_mm(self) -> Array:
        """World points (L, 3) mm that one can find again: branchings, and centres between them."""
        return places_along(self.vessels)


def sample_layered(rng: np.random.Generator, settings: TissueSettings, key: int) -> LayeredTissue:
    """Draw one subject."""
    sheets = _sample_sheets(rng, settings)
    fibre = np.tan(np.deg2rad(rng.uniform((5.0, -12.0), (12.0, -4.0))))
    levels = np.asarray(LEVELS) * np.exp(rng.uniform(-0.15, 0.15, len(LEVELS)))
    growth = GrowthSettings(
        settings.vessel_radius_mm, settings.vessel_depth_mm, settings.vessel_extent_mm
    )
    tree = grow_vessels(rng, growth, settings.arteries, settings.veins)
    extended = Reflectors(
        key, settings.coherent_fraction, settings.coherent_length_mm, sheets[0], sheets,
        tuple(settings.specular * strength for strength in MIRRORS),
    )  # fmt: skip
    return LayeredTissue(
        key, settings.attenuation_db_cm_mhz, sheets, fibre, levels,
        laid_below(tree, sheets[0]), extended,
    )  # fmt: skip


def _sample_sheets(rng: np.random.Generator, settings: TissueSettings) -> Array:
    """Draw skin, skin thickness, superficial and deep fascia: (4, 4, 4)."""
    bend = 1.0 / rng.uniform(*settings.limb_radius_mm)
    skin, fat, muscle = (
        rng.uniform(*r) for r in (settings.skin_mm, settings.fat_mm, settings.muscle_mm)
    )
    undulation = rng.uniform(*settings.undulation_mm)
    plans = (
        SheetPlan(0.0, bend, 0.01, undulation, (40.0, 90.0)),
        SheetPlan(skin, 0.0, 0.0, 0.06 * skin, (10.0, 30.0)),
        SheetPlan(skin + fat, 0.0, 0.04, 0.14 * fat, (12.0, 40.0)),
        SheetPlan(skin + fat + muscle, 0.0, 0.10, 0.10 * muscle, (14.0, 40.0)),
    )
    return sample_sheets(rng, plans)


def layer_acoustics(layer: NDArray[np.int64]) -> Acoustics:
    """Return sound speed, density and absorption of layers (M,), numbers of `layered_kernels`."""
    return Acoustics(*(np.asarray(values)[layer] for values in SOUND))
