"""Uniform tissue with cysts and solid balls, brighter and darker, none touching another."""

from __future__ import annotations

import math

import numpy as np

from benchmark.errors import UserError
from simulate.reflectors.reflectors import Reflectors
from simulate.reflectors.surfaces import mirror_points
from simulate.shapes.bodies import Body, body_rows, septum_rows
from simulate.shapes.sheets import SheetPlan, sample_sheets, sheet_height
from simulate.shapes.texture import GRAINS, PLAIN
from simulate.tissue.anatomy import AnatomicalTissue
from simulate.tissue.materials import COMMON, WALLS, Material
from simulate.tissue.settings import TissueSettings
from simulate.vessels.tree import VesselTree

# Materials of this anatomy, after the common six.
_TISSUE, _CYST, _BRIGHT, _DARK = range(6, 10)
_GAP_MM = 1.0  # between any two bodies
_HALF_WIDTH_MM = 17.0
_TRIES = 2000  # to place all of them


def sample_inclusions(
    rng: np.random.Generator, settings: TissueSettings, key: int
) -> AnatomicalTissue:
    """Draw one subject."""
    undulation = rng.uniform(*settings.undulation_mm)
    bend = 1.0 / rng.uniform(*settings.limb_radius_mm)
    sheets = sample_sheets(rng, (SheetPlan(0.0, bend, 0.01, undulation, (40.0, 90.0)),))
    fluid = -settings.attenuation_db_cm_mhz  # no loss in fluid: a bright band behind a cyst
    materials = (
        *COMMON,
        Material(1.0, GRAINS, 1560.0, 1040.0, 0.5),
        Material(0.01, PLAIN, 1500.0, 1000.0, 0.002, extra_db_cm_mhz=fluid),
        Material(float(rng.uniform(2.2, 3.2)), GRAINS, 1600.0, 1080.0, 0.8),
        Material(float(rng.uniform(0.28, 0.45)), GRAINS, 1540.0, 1030.0, 0.4),
    )
    bodies = _sample_balls(rng, settings)
    surfaces = mirror_points(
        rng, settings.specular, sheets[0], settings.vessel_extent_mm, bodies,
        VesselTree.empty(), np.array(WALLS), (0.0, 0.0),
    )  # fmt: skip
    extended = Reflectors(
        key, settings.coherence, sheets[0], sheets,
        (0.0,), surfaces,
    )  # fmt: skip
    centres = np.array([(b.x, b.depth, b.middle) for b in bodies]).reshape(-1, 3)
    centres[:, 1] += sheet_height(sheets[0], centres[:, 0], centres[:, 2])
    return AnatomicalTissue(
        key, settings.attenuation_db_cm_mhz, sheets, np.array([(_TISSUE, 0.0)]),
        septum_rows([]), body_rows(bodies), materials,
        VesselTree.empty(), centres, np.array(WALLS), extended,
    )  # fmt: skip


def _sample_balls(rng: np.random.Generator, settings: TissueSettings) -> list[Body]:
    """Draw ellipsoids of the three kinds in turn, none touching another.

    Raises
    ------
    UserError : there is no room for so many.
    """
    bodies: list[Body] = []
    low, high = settings.vessel_extent_mm
    for _ in range(_TRIES):
        if len(bodies) == settings.inclusions:
            break
        radius = float(rng.uniform(*settings.inclusion_radius_mm))
        across, tall, half = radius * rng.uniform(0.75, 1.3, 3)
        reach = max(across, tall, half)
        x = float(rng.uniform(-_HALF_WIDTH_MM, _HALF_WIDTH_MM))
        depth = float(rng.uniform(*settings.inclusion_depth_mm))
        middle = float(rng.uniform(low, high))
        apart = all(
            math.dist((x, depth, middle), (b.x, b.depth, b.middle))
            > reach + max(b.across, b.high, b.half_length) + _GAP_MM
            for b in bodies
        )
        if not apart or depth < tall + _GAP_MM:
            continue
        bodies.append(
            Body(
                x, depth, float(across), float(tall), (_CYST, _BRIGHT, _DARK)[len(bodies) % 3],
                half_length=float(half), middle=middle, angle=float(rng.uniform(-0.5, 0.5)),
                mirror=1.0 if len(bodies) % 3 == 0 else 0.0,
            )
        )  # fmt: skip
    if len(bodies) < settings.inclusions:
        raise UserError(
            f"tissue.inclusions: expected as many as fit apart from one another, got "
            f"{settings.inclusions}; {len(bodies)} did"
        )
    return bodies
