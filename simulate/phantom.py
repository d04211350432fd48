"""Tissue of a subject: what echoes, absorbs light and carries sound at any point of the world.

All that is random is drawn once into a plain record; every answer is a function of it. A kind of
tissue is one function that draws a subject and one line in `KINDS`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from benchmark.errors import UserError, unknown_name
from simulate.carotid import sample_carotid
from simulate.forearm import sample_forearm
from simulate.inclusions import sample_inclusions
from simulate.layered import LayeredTissue, layer_acoustics, sample_layered
from simulate.reflectors.reflectors import Reflectors
from simulate.tissue_motion import TissueMotionSettings
from simulate.vessels.tree import VesselTree

if TYPE_CHECKING:
    from simulate.acoustics import Acoustics
    from simulate.optics import Chromophores

__all__ = [
    "KINDS", "LayeredTissue", "Tissue", "TissueSettings", "UniformTissue", "sample_tissue",
]  # fmt: skip

Array = NDArray[np.floating]


class Tissue(Protocol):
    """What a tissue answers about world points (M, 3) mm at rest.

    key: of its scatterers; attenuation_db_cm_mhz: of all of it; vessels: the true tree.
    """

    @property
    def key(self) -> int: ...
    @property
    def attenuation_db_cm_mhz(self) -> float: ...
    @property
    def vessels(self) -> VesselTree: ...
    @property
    def blood_level(self) -> float:
        """Echo amplitude of blood; 1 is the reference tissue."""

    def backscatter(self, points_mm: Array) -> NDArray[np.float64]:
        """Return echo amplitudes (M,) >= 0 of independent scatterers; 1 is the reference tissue."""

    def reflectors(
        self, low_mm: Array, high_mm: Array, density_per_mm3: float
    ) -> tuple[Array, Array]:
        """Return what is extended in a box [low, high): points (K, 3) mm, signed amplitudes (K,).

        density_per_mm3: of the unit scatterers that have the reference brightness.
        """

    def attenuation_db_per_mm(self, points_mm: Array, frequency_hz: float) -> Array:
        """Return what is attenuated one way beyond the background, (M,) dB/mm; fluid has less."""

    def in_lumen(self, points_mm: Array) -> NDArray[np.bool_]:
        """Return whether points lie in blood, (M,)."""

    def depth_below_skin_mm(self, points_mm: Array) -> Array:
        """Return the depth (M,) below the skin along y, negative outside."""

    def skin_surface(self, x: Array, z: Array) -> tuple[Array, Array]:
        """Return the skin's y (N,) mm and its inward unit normal (N, 3) at (x, z)."""

    def chromophores(self, points_mm: Array) -> Chromophores:
        """Return what absorbs light."""

    def acoustics(self, points_mm: Array) -> Acoustics:
        """Return sound speed, density and absorption."""

    @property
    def landmarks_mm(self) -> Array:
        """World points (L, 3) mm one can find again."""


@dataclass(frozen=True)
class TissueSettings:
    """What subjects are made of; the `tissue` table of a spec. Ranges are drawn per subject.

    Parameters
    ----------
    kind
        "uniform": developed speckle of one brightness, for theory; "layered": a limb with skin,
        fat, fascia, two muscles and vessels; "forearm": the same with muscles in compartments,
        tendons, a nerve and two bones; "carotid": a neck with the bifurcation and the jugular vein;
        "inclusions": cysts and solid balls in uniform tissue.
    attenuation_db_cm_mhz
        One value for the whole body but bone and fluid.
    limb_radius_mm, undulation_mm
        Curvature of the skin across the limb, and the root mean square of its waves.
    skin_mm, fat_mm, muscle_mm
        Thickness of the skin, of the fat below it, and of the upper muscle.
    arteries, veins, vessel_radius_mm, vessel_depth_mm, vessel_extent_mm
        Trunks that enter a limb; thinnest branch and thickest trunk; room below the skin and along
        z. The extent along z holds for every kind.
    bone_depth_mm
        How far below the skin the bones of a forearm begin.
    carotid_radius_mm, carotid_depth_mm
        Of the common carotid artery, and of its centre below the skin.
    inclusions, inclusion_radius_mm, inclusion_depth_mm
        How many there are, their mean radius, and the depth of their centres.
    coherent_fraction, coherent_length_mm
        Share (0 to 1) of the echo's power that comes from fibres along the limb, in pieces of this
        length; see `simulate.reflectors.coherence`.
    specular
        How much brighter than the tissue fascia, walls and bone are where the beam meets them
        straight on, as amplitude; 0 for no mirrors.
    motion
        How tissue moves under the probe, with the breath and with the pulse.
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
    bone_depth_mm: tuple[float, float] = (13.0, 17.0)
    carotid_radius_mm: tuple[float, float] = (2.8, 3.5)
    carotid_depth_mm: tuple[float, float] = (15.0, 19.0)
    inclusions: int = 36
    inclusion_radius_mm: tuple[float, float] = (1.5, 4.5)
    inclusion_depth_mm: tuple[float, float] = (6.0, 32.0)
    coherent_fraction: float = 0.0
    coherent_length_mm: float = 4.0
    specular: float = 0.0
    motion: TissueMotionSettings = field(default_factory=TissueMotionSettings)

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise unknown_name("tissue.kind: kind", self.kind, sorted(KINDS))
        for key in ("arteries", "veins", "inclusions", "attenuation_db_cm_mhz", "specular"):
            if getattr(self, key) < 0:
                raise UserError(f"tissue.{key}: expected at least 0, got {getattr(self, key)}")
        if not 0.0 <= self.coherent_fraction <= 1.0:
            raise UserError(
                f"tissue.coherent_fraction: expected 0 to 1, got {self.coherent_fraction}"
            )
        if not 0.1 <= self.coherent_length_mm < np.inf:
            raise UserError(
                f"tissue.coherent_length_mm: expected 0.1 or more, got {self.coherent_length_mm}"
            )
        self._refuse_falling_ranges()

    def _refuse_falling_ranges(self) -> None:
        may_be_zero = ("undulation_mm", "vessel_depth_mm")
        for key in ("limb_radius_mm", "skin_mm", "fat_mm", "muscle_mm", "vessel_radius_mm",
                    "bone_depth_mm", "carotid_radius_mm", "carotid_depth_mm",
                    "inclusion_radius_mm", "inclusion_depth_mm", *may_be_zero):  # fmt: skip
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
    extended: Reflectors = Reflectors(0)  # noqa: RUF009  (immutable)
    blood_level: float = 0.0

    def backscatter(self, points_mm: Array) -> NDArray[np.float64]:
        """Return 1 (M,) below the skin and 0 above it, at world points (M, 3) mm; see `extended`.

        Those of the independent scatterers: what the fibres have is taken off.
        """
        return self.extended.diffuse_amplitude * _below(points_mm)

    def reflectors(
        self, low_mm: Array, high_mm: Array, density_per_mm3: float
    ) -> tuple[Array, Array]:
        """Return fibres in a box: points (K, 3) mm and signed amplitudes (K,)."""
        return self.extended.scatterers(
            low_mm, high_mm, density_per_mm3, _below, lambda points: points[:, 1] >= 0.0
        )

    def attenuation_db_per_mm(self, points_mm: Array, frequency_hz: float) -> Array:
        """Return that nothing attenuates more than the rest, (M,) dB/mm."""
        return np.zeros(len(points_mm))

    def in_lumen(self, points_mm: Array) -> NDArray[np.bool_]:
        """Return that there is no blood, (M,)."""
        return np.zeros(len(points_mm), bool)

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
        return layer_acoustics(np.where(points_mm[:, 1] >= 0.0, 4, 0))

    @property
    def landmarks_mm(self) -> Array:
        """There is nothing to recognise: (0, 3)."""
        return np.zeros((0, 3))


def _below(points_mm: Array) -> NDArray[np.float64]:
    return (points_mm[:, 1] >= 0.0).astype(np.float64)


def _sample_uniform(rng: np.random.Generator, settings: TissueSettings, key: int) -> UniformTissue:
    fibres = Reflectors(key, settings.coherent_fraction, settings.coherent_length_mm)
    return UniformTissue(key, settings.attenuation_db_cm_mhz, extended=fibres)


KINDS: dict[str, Callable[[np.random.Generator, TissueSettings, int], Tissue]] = {
    "uniform": _sample_uniform,
    "layered": sample_layered,
    "forearm": sample_forearm,
    "carotid": sample_carotid,
    "inclusions": sample_inclusions,
}


def sample_tissue(rng: np.random.Generator, settings: TissueSettings) -> Tissue:
    """Draw one subject."""
    key = int(rng.integers(2**63))
    return KINDS[settings.kind](rng, settings, key)
