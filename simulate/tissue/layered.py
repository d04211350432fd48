"""A limb of few layers without end: skin, fat, fascia, two muscles, and vessels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from simulate.reflectors.reflectors import Reflectors
from simulate.shapes.bodies import body_rows, septum_rows
from simulate.shapes.sheets import SheetPlan, sample_sheets
from simulate.tissue.anatomy import AnatomicalTissue
from simulate.tissue.materials import COMMON, FAT, MUSCLE, SKIN, WALLS
from simulate.tissue.settings import TissueSettings
from simulate.vessels.growth import GrowthSettings, grow_vessels
from simulate.vessels.tree import laid_below

Array = NDArray[np.floating]

# Materials of this kind, after the common six.
(_SKIN, _FAT, _MUSCLE, _DEEP) = range(6, 10)
_MATERIALS = (SKIN, FAT, MUSCLE, MUSCLE)
_LAYERS = ((_SKIN, 0.0), (_FAT, 0.0), (_MUSCLE, 0.45), (_DEEP, 0.45))
_MIRRORS = (0.7, 0.0, 1.0, 0.8)  # strength of the skin and of the tops of deeper layers


def sample_layered(
    rng: np.random.Generator, settings: TissueSettings, key: int
) -> AnatomicalTissue:
    """Draw one subject."""
    sheets = _sample_sheets(rng, settings)
    slopes = (0.0, 0.0, *np.tan(np.deg2rad(rng.uniform((5.0, -12.0), (12.0, -4.0)))))
    levels = np.exp(rng.uniform(-0.15, 0.15, len(_MATERIALS)))
    mine = [
        material._replace(level=material.level * float(level), slope=float(slope))
        for material, level, slope in zip(_MATERIALS, levels, slopes, strict=True)
    ]
    growth = GrowthSettings(
        settings.vessel_radius_mm, settings.vessel_depth_mm, settings.vessel_extent_mm
    )
    tree = grow_vessels(rng, growth, settings.arteries, settings.veins)
    mirrors = tuple(settings.specular * strength for strength in _MIRRORS)
    return AnatomicalTissue(
        key, settings.attenuation_db_cm_mhz, sheets, np.array(_LAYERS), septum_rows([]),
        body_rows([]), (*COMMON, *mine), laid_below(tree, sheets[0]), np.zeros((0, 3)),
        np.array(WALLS), Reflectors(key, settings.coherence, sheets[0], sheets, mirrors),
    )  # fmt: skip


def _sample_sheets(rng: np.random.Generator, settings: TissueSettings) -> Array:
    """Draw the skin and the tops of fat, muscle and deep muscle: (4, T, 4)."""
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
