"""Tissue of a subject: what echoes, absorbs light and carries sound at any point of the world.

All that is random is drawn once into a plain record; every answer is a function of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from benchmark.errors import UserError, unknown_name
from simulate.vessels import (
    ARTERY,
    GrowthSettings,
    VesselIndex,
    VesselTree,
    build_index,
    grow_vessels,
)

if TYPE_CHECKING:
    from simulate.acoustics import Acoustics
    from simulate.optics import Chromophores

Array = NDArray[np.floating]

KINDS = ("uniform", "layered")
LANDMARK_SPACING_MM = 4.0
LANDMARK_RADIUS_MM = 0.5  # thinner vessels drown in speckle

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
OXYGENATION = (0.97, 0.70)  # arteries, veins
WAVES = 3  # sinusoids in each sheet
MELANOSOMES = 0.02  # volume fraction in a light epidermis


@dataclass(frozen=True)
class TissueSettings:
    """What subjects are made of; the `tissue` table of a spec. Ranges are drawn per subject.

    Parameters
    ----------
    kind
        "uniform": developed speckle of one brightness, for theory; "layered": a limb with skin,
        fat, fascia, two muscles and vessels.
    attenuation_db_cm_mhz
        One value for the whole limb.
    limb_radius_mm, undulation_mm
        Curvature of the skin across the limb, and the root mean square of its waves.
    skin_mm, fat_mm, muscle_mm
        Thickness of the skin, of the fat below it, and of the upper muscle.
    arteries, veins, vessel_radius_mm, vessel_depth_mm, vessel_extent_mm
        Trunks that enter; thinnest branch and thickest trunk; room below the skin and along z.
    """

    kind: str = "layered"
    attenuation_db_cm_mhz: float = 0.5
    limb_radius_mm: tuple[float, float] = (80.0, 160.0)
    undulation_mm: tuple[float, float] = (0.2, 0.5)
    skin_mm: tuple[float, float] = (1.0, 1.7)
    fat_mm: tuple[float, float] = (2.0, 5.0)
    muscle_mm: tuple[float, float] = (6.0, 10.0)
    arteries: int = 1
    veins: int = 2
    vessel_radius_mm: tuple[float, float] = (0.4, 1.8)
    vessel_depth_mm: tuple[float, float] = (4.0, 15.0)
    vessel_extent_mm: tuple[float, float] = (-15.0, 60.0)

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise unknown_name("tissue.kind: kind", self.kind, KINDS)
        for key in ("arteries", "veins", "attenuation_db_cm_mhz"):
            if getattr(self, key) < 0:
                raise UserError(f"tissue.{key}: expected at least 0, got {getattr(self, key)}")
        may_be_zero = ("undulation_mm", "vessel_depth_mm")
        for key in ("limb_radius_mm", "skin_mm", "fat_mm", "muscle_mm", "vessel_radius_mm",
                    *may_be_zero):  # fmt: skip
            low, high = getattr(self, key)
            if not (low <= high < np.inf and (low > 0 or (low == 0 and key in may_be_zero))):
                raise UserError(
                    f"tissue.{key}: expected two rising positive numbers, got [{low}, {high}]"
                )
        if not self.vessel_extent_mm[0] < self.vessel_extent_mm[1]:
            raise UserError(
                "tissue.vessel_extent_mm: expected two rising numbers, got "
                f"{list(self.vessel_extent_mm)}"
            )


@dataclass(frozen=True)
class UniformTissue:
    """Developed speckle of one brightness below a flat skin at y = 0; no vessels."""

    key: int
    attenuation_db_cm_mhz: float = 0.5
    vessels: VesselTree = VesselTree.empty()  # noqa: RUF009  (immutable)

    def backscatter(self, points_mm: Array) -> Array:
        """Return 1 (M,) below the skin and 0 above it, at world points (M, 3) mm."""
        return (points_mm[:, 1] >= 0.0).astype(np.float64)

    def depth_below_skin_mm(self, points_mm: Array) -> Array:
        """Return the depth (M,) below the skin, negative outside, of world points (M, 3) mm."""
        return points_mm[:, 1]

    def skin_surface(self, x: Array, z: Array) -> tuple[Array, Array]:
        """Return the skin's y (N,) mm and its inward unit normal (N, 3) at (x, z)."""
        normal = np.zeros((*np.shape(x), 3))
        normal[..., 1] = 1.0
        return np.zeros(np.shape(x)), normal

    def chromophores(self, points_mm: Array) -> Chromophores:
        """Return that nothing absorbs at world points (M, 3) mm."""
        from simulate.optics import Chromophores

        nothing = np.zeros(len(points_mm))
        return Chromophores(nothing, nothing, nothing)

    def acoustics(self, points_mm: Array) -> Acoustics:
        """Return muscle below the skin and gel above it, at world points (M, 3) mm."""
        return _acoustics(np.where(points_mm[:, 1] >= 0.0, 4, 0))

    @property
    def landmarks_mm(self) -> Array:
        """There is nothing to recognise: (0, 3)."""
        return np.zeros((0, 3))


@dataclass(frozen=True)
class LayeredTissue:
    """A limb: skin, fat with septa, fascia, two muscles with fibres, and a branching vessel tree.

    sheets (4, T, 4): skin (world mm), then skin thickness, superficial and deep fascia (mm below
    the skin), each as `texture.height` reads them; fibre (2,): slopes dy/dz of the two muscles'
    fibres; levels (8,): echo amplitudes by layer.
    """

    key: int
    attenuation_db_cm_mhz: float
    sheets: Array
    fibre: Array
    levels: Array
    vessels: VesselTree

    @cached_property
    def _index(self) -> VesselIndex:
        return build_index(self.vessels)

    @cached_property
    def _lookup(self) -> tuple[Any, ...]:
        index = self._index
        return (index.origin_mm, index.shape, index.start, index.entries, index.segments)

    def backscatter(self, points_mm: Array) -> Array:
        """Return echo amplitudes (M,) at world points (M, 3) mm; 0 outside the body."""
        from simulate import texture

        points = np.ascontiguousarray(points_mm, np.float64)
        key = np.uint64(self.key)
        return texture.backscatter(points, key, self.sheets, self.fibre, self.levels, *self._lookup)

    def depth_below_skin_mm(self, points_mm: Array) -> Array:
        """Return the depth (M,) below the skin along y, negative outside, of points (M, 3) mm."""
        points = np.asarray(points_mm, np.float64)
        return points[:, 1] - _height(self.sheets[0], points[:, 0], points[:, 2])

    def skin_surface(self, x: Array, z: Array) -> tuple[Array, Array]:
        """Return the skin's y (N,) mm and its inward unit normal (N, 3) at (x, z)."""
        along_x, along_z = _slope(self.sheets[0], x, z)
        normal = np.stack([-along_x, np.ones_like(along_x), -along_z], -1)
        normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
        return _height(self.sheets[0], x, z), normal

    def _classify(self, points_mm: Array) -> tuple[Array, NDArray[np.int64], NDArray[np.int64]]:
        from simulate import texture

        points = np.ascontiguousarray(points_mm, np.float64)
        return texture.classify(points, self.sheets, *self._lookup)

    def chromophores(self, points_mm: Array) -> Chromophores:
        """Return blood in the vessels and melanin in the epidermis, at world points (M, 3) mm."""
        from simulate import texture
        from simulate.optics import Chromophores

        depth, layer, owner = self._classify(points_mm)
        blood = (layer == texture.BLOOD).astype(np.float64)
        oxygenation = np.full(len(depth), OXYGENATION[1])
        if len(self._index.kind):
            arterial = (owner >= 0) & (self._index.kind[np.maximum(owner, 0)] == ARTERY)
            oxygenation[arterial] = OXYGENATION[0]
        epidermis = (layer == texture.SKIN) & (depth < texture.EPIDERMIS_MM)
        return Chromophores(blood, oxygenation, np.where(epidermis, MELANOSOMES, 0.0))

    def acoustics(self, points_mm: Array) -> Acoustics:
        """Return sound speed, density and absorption at world points (M, 3) mm."""
        return _acoustics(self._classify(points_mm)[1])

    @property
    def landmarks_mm(self) -> Array:
        """World points (L, 3) mm one can find again: branchings, and vessel centres between.

        Only of vessels that are thick enough to be seen.
        """
        tree = self.vessels
        places = [int(node) for node in tree.branchings]
        travelled = np.zeros(len(tree))
        for node in range(len(tree)):
            parent = int(tree.parent[node])
            if parent < 0:
                continue
            step = float(np.linalg.norm(tree.points_mm[node] - tree.points_mm[parent]))
            travelled[node] = 0.0 if parent in places else travelled[parent] + step
            if travelled[node] >= LANDMARK_SPACING_MM:
                travelled[node] = 0.0
                places.append(node)
        seen = [n for n in sorted(places) if tree.radius_mm[n] >= LANDMARK_RADIUS_MM]
        return tree.points_mm[seen]


Tissue = UniformTissue | LayeredTissue


def sample_tissue(rng: np.random.Generator, settings: TissueSettings) -> Tissue:
    """Draw one subject."""
    key = int(rng.integers(2**63))
    attenuation = settings.attenuation_db_cm_mhz
    if settings.kind == "uniform":
        return UniformTissue(key, attenuation)
    sheets = _sample_sheets(rng, settings)
    fibre = np.tan(np.deg2rad(rng.uniform((5.0, -12.0), (12.0, -4.0))))
    levels = np.asarray(LEVELS) * np.exp(rng.uniform(-0.15, 0.15, len(LEVELS)))
    growth = GrowthSettings(
        settings.vessel_radius_mm, settings.vessel_depth_mm, settings.vessel_extent_mm
    )
    tree = grow_vessels(rng, growth, settings.arteries, settings.veins)
    lift = np.zeros_like(tree.points_mm)
    lift[:, 1] = _height(sheets[0], tree.points_mm[:, 0], tree.points_mm[:, 2])
    laid = VesselTree(tree.points_mm + lift, tree.radius_mm, tree.parent, tree.kind)
    return LayeredTissue(key, attenuation, sheets, fibre, levels, laid)


def _sample_sheets(rng: np.random.Generator, settings: TissueSettings) -> Array:
    """Draw skin, skin thickness, superficial and deep fascia: (4, 4, 4)."""
    bend = 1.0 / rng.uniform(*settings.limb_radius_mm)
    skin, fat, muscle = (
        rng.uniform(*r) for r in (settings.skin_mm, settings.fat_mm, settings.muscle_mm)
    )
    undulation = rng.uniform(*settings.undulation_mm)
    sheets = np.zeros((4, 4, 4))
    # What the sheet's level is, how it slopes, how large its waves are and how short (mm).
    plans = (
        (0.0, bend, 0.01, undulation, (40.0, 90.0)),
        (skin, 0.0, 0.0, 0.06 * skin, (10.0, 30.0)),
        (skin + fat, 0.0, 0.04, 0.14 * fat, (12.0, 40.0)),
        (skin + fat + muscle, 0.0, 0.10, 0.10 * muscle, (14.0, 40.0)),
    )
    for sheet, (level, curvature, slope, deviation, wavelengths) in zip(sheets, plans, strict=True):
        sheet[0] = level, curvature, *rng.uniform(-slope, slope, 2)
        wave_number = 2 * np.pi / rng.uniform(*wavelengths, WAVES)
        direction = rng.uniform(0, 2 * np.pi, WAVES)
        sheet[1:, 0] = deviation * np.sqrt(2 / WAVES)
        sheet[1:, 1] = wave_number * np.sin(direction)
        sheet[1:, 2] = wave_number * np.cos(direction)
        sheet[1:, 3] = rng.uniform(0, 2 * np.pi, WAVES)
    return sheets


def _height(sheet: Array, x: Array, z: Array) -> Array:
    """Return `texture.height` for arrays."""
    phase = np.multiply.outer(x, sheet[1:, 1]) + np.multiply.outer(z, sheet[1:, 2]) + sheet[1:, 3]
    level, bend, slope_x, slope_z = sheet[0]
    plane = level + 0.5 * bend * np.square(x) + slope_x * x + slope_z * z
    return plane + np.sin(phase) @ sheet[1:, 0]


def _slope(sheet: Array, x: Array, z: Array) -> tuple[Array, Array]:
    """Return the derivatives of a sheet's height along x and z."""
    phase = np.multiply.outer(x, sheet[1:, 1]) + np.multiply.outer(z, sheet[1:, 2]) + sheet[1:, 3]
    waves = np.cos(phase) * sheet[1:, 0]
    _, bend, slope_x, slope_z = sheet[0]
    return bend * x + slope_x + waves @ sheet[1:, 1], slope_z + waves @ sheet[1:, 2]


def _acoustics(layer: NDArray[np.int64]) -> Acoustics:
    from simulate.acoustics import Acoustics

    return Acoustics(*(np.asarray(values)[layer] for values in SOUND))
