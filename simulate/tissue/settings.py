"""The tables `tissue` and `tissue.motion` of a spec."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from benchmark.errors import UserError, unknown_name
from simulate.reflectors.coherence import Coherence

KINDS = ("carotid", "forearm", "inclusions", "layered", "uniform")  # see `simulate.tissue.kinds`


@dataclass(frozen=True)
class TissueMotionSettings:
    """How strongly tissue moves; the `tissue.motion` table of a spec. Ranges are drawn per sweep.

    Parameters
    ----------
    strain
        Largest axial compression under the probe, at the skin; from 0 to 0.3.
    strain_depth_mm
        Depth at which the compression has fallen to 1 / e.
    strain_change_hz
        Frequency band in which the pressure of the hand changes.
    bulge_share
        Share of the compressed volume that bulges sideways in the image plane; the rest bulges out
        of the plane.
    breath_mm, breath_hz
        Largest shift along the limb with the breath, and its frequency.
    pulse_mm, pulse_hz
        Largest outward motion of an artery's wall, and the heart's frequency.
    """

    strain: tuple[float, float] = (0.0, 0.0)
    strain_depth_mm: tuple[float, float] = (10.0, 20.0)
    strain_change_hz: tuple[float, float] = (0.05, 0.4)
    bulge_share: tuple[float, float] = (0.4, 0.7)
    breath_mm: tuple[float, float] = (0.0, 0.0)
    breath_hz: tuple[float, float] = (0.2, 0.3)
    pulse_mm: tuple[float, float] = (0.0, 0.0)
    pulse_hz: tuple[float, float] = (0.9, 1.3)

    def __post_init__(self) -> None:
        most = {"strain": 0.3, "bulge_share": 1.0}
        positive = ("strain_depth_mm", "strain_change_hz", "breath_hz", "pulse_hz")
        for key in self.__dataclass_fields__:
            low, high = getattr(self, key)
            fits = 0.0 <= low <= high <= most.get(key, math.inf) and math.isfinite(high)
            if not fits or (key in positive and low == 0.0):
                limit = f", at most {most[key]:g}" if key in most else ""
                raise UserError(
                    f"tissue.motion.{key}: expected two rising positive numbers{limit}, got "
                    f"[{low}, {high}]"
                )

    @property
    def still(self) -> bool:
        """Whether nothing moves."""
        return self.strain[1] == self.breath_mm[1] == self.pulse_mm[1] == 0.0


@dataclass(frozen=True)
class TissueSettings:
    """What subjects are made of; the `tissue` table of a spec. Ranges are drawn per subject.

    Parameters
    ----------
    kind
        "uniform": developed speckle of one brightness, for theory; "layered": a limb with skin,
        fat, fascia, two muscles and vessels; "forearm": a whole limb with muscles in compartments,
        tendons, a nerve, two bones and a far side; "carotid": a neck with the bifurcation and the
        jugular vein; "inclusions": cysts and solid balls in uniform tissue.
    attenuation_db_cm_mhz
        Of the whole body except bone and fluid.
    limb_radius_mm, undulation_mm
        Curvature of the skin across the limb, and the root mean square of its waves.
    skin_mm, fat_mm, muscle_mm
        Thickness of the skin, of the fat below it, and of the upper muscle.
    arteries, veins, vessel_radius_mm, vessel_depth_mm, vessel_extent_mm
        Number of trunks that enter a limb; radii of the thinnest branch and the thickest trunk;
        depths below the skin and z between which vessels run. The extent along z holds for every
        kind.
    bone_depth_mm, limb_thickness_mm
        Depth below the skin at which the bones of a forearm begin, and at which air begins behind
        its far side.
    carotid_radius_mm, carotid_depth_mm
        Radius of the common carotid artery, and depth of its centre below the skin.
    inclusions, inclusion_radius_mm, inclusion_depth_mm
        Their number, mean radius, and depth of their centres.
    coherent_fraction, coherent_length_mm
        Share (0 to 1) of the echo's power that comes from fibres along the limb, in pieces of this
        length; see `simulate.reflectors.coherence`.
    coherent_depth_mm
        D of the coherent fraction's fall with the depth below the skin, exp(-(depth / D)²); inf for
        the same at all depths.
    sheet_fraction
        Share (0 to 1) of the fibres that lie in plates along the skin, as sheets of connective
        tissue do; the others are single.
    specular
        Echo amplitude of fascia, walls and bone at right angles to the beam, relative to the
        tissue; 0 for no mirrors.
    motion
        Motion of tissue under the probe, with the breath and with the pulse.
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
    limb_thickness_mm: tuple[float, float] = (50.0, 70.0)
    carotid_radius_mm: tuple[float, float] = (2.8, 3.5)
    carotid_depth_mm: tuple[float, float] = (15.0, 19.0)
    inclusions: int = 36
    inclusion_radius_mm: tuple[float, float] = (1.5, 4.5)
    inclusion_depth_mm: tuple[float, float] = (6.0, 32.0)
    coherent_fraction: float = 0.0
    coherent_length_mm: float = 4.0
    coherent_depth_mm: float = math.inf
    sheet_fraction: float = 0.0
    specular: float = 0.0
    motion: TissueMotionSettings = field(default_factory=TissueMotionSettings)

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise unknown_name("tissue.kind: kind", self.kind, KINDS)
        for key in ("arteries", "veins", "inclusions", "attenuation_db_cm_mhz", "specular"):
            if getattr(self, key) < 0:
                raise UserError(f"tissue.{key}: expected at least 0, got {getattr(self, key)}")
        for key in ("coherent_fraction", "sheet_fraction"):
            if not 0.0 <= getattr(self, key) <= 1.0:
                raise UserError(f"tissue.{key}: expected 0 to 1, got {getattr(self, key)}")
        if not self.coherent_depth_mm > 0.0:
            raise UserError(
                f"tissue.coherent_depth_mm: expected more than 0, got {self.coherent_depth_mm}"
            )
        if not 0.1 <= self.coherent_length_mm < np.inf:
            raise UserError(
                f"tissue.coherent_length_mm: expected 0.1 or more, got {self.coherent_length_mm}"
            )
        self._refuse_falling_ranges()

    @property
    def coherence(self) -> Coherence:
        """What of the echo is coherent out of the plane."""
        return Coherence(
            self.coherent_fraction, self.coherent_length_mm, self.coherent_depth_mm,
            self.sheet_fraction,
        )  # fmt: skip

    def _refuse_falling_ranges(self) -> None:
        may_be_zero = ("undulation_mm", "vessel_depth_mm")
        for key in ("limb_radius_mm", "skin_mm", "fat_mm", "muscle_mm", "vessel_radius_mm",
                    "bone_depth_mm", "limb_thickness_mm", "carotid_radius_mm", "carotid_depth_mm",
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
