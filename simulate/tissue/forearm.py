"""A forearm: skin, fat with septa, muscles in compartments, tendons, a nerve, bones, a far side."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from simulate.reflectors.reflectors import Reflectors
from simulate.reflectors.surfaces import mirror_points
from simulate.shapes.bodies import Body, Septum, body_rows, septum_rows
from simulate.shapes.septa import septa_crossings
from simulate.shapes.sheets import SheetPlan, sample_sheets
from simulate.tissue.anatomy import AnatomicalTissue
from simulate.tissue.materials import (
    BONE,
    COMMON,
    CORTEX,
    FAT,
    MUSCLE,
    NERVE,
    OUTSIDE,
    SKIN,
    TENDON,
    WALLS,
    Material,
)
from simulate.tissue.settings import TissueSettings
from simulate.vessels.growth import GrowthSettings, grow_vessels
from simulate.vessels.tree import VesselTree, laid_below

Array = NDArray[np.floating]

# Materials of this anatomy, after the common six.
(_SKIN, _FAT, _SUPERFICIAL, _MIDDLE, _DEEP, _BACK, _TENDON, _NERVE, _BONE, _CORTEX) = range(6, 16)
_MATERIALS = (SKIN, FAT, MUSCLE, MUSCLE, MUSCLE, MUSCLE, TENDON, NERVE, BONE, CORTEX)
# From the skin to the far side: flexors, the membrane between the bones, extensors, fat, skin, air.
_LAYERS = (
    (_SKIN, 0.0), (_FAT, 0.0), (_SUPERFICIAL, 0.45), (_MIDDLE, 0.35), (_DEEP, 0.4), (_BACK, 0.4),
    (_BACK, 0.4), (_FAT, 0.45), (_SKIN, 0.0), (OUTSIDE, 0.0),
)  # fmt: skip
# Strength of the skin and of the tops of deeper layers; air returns all there is.
_MIRRORS = (0.7, 0.0, 1.0, 0.8, 0.7, 0.9, 0.7, 1.0, 0.0, 6.0)
_HALF_WIDTH_MM = 16.0
_GAP_MM = 0.6  # between a tendon and what is beside it


def sample_forearm(
    rng: np.random.Generator, settings: TissueSettings, key: int
) -> AnatomicalTissue:
    """Draw one subject."""
    sheets = _sample_sheets(rng, settings)
    levels = np.exp(rng.uniform(-0.15, 0.15, len(_MATERIALS)))
    degrees = rng.uniform((1.0, -8.0, 3.0, -8.0), (6.0, -2.0, 9.0, 8.0))
    slopes = np.tan(np.deg2rad(degrees))
    materials = _varied(levels, slopes)
    septa = _sample_septa(rng, sheets, settings)
    bones = _sample_bones(rng, settings)
    roof = min(_top(bone, settings.vessel_extent_mm) for bone in bones) - 1.0
    low, high = settings.vessel_depth_mm
    room = GrowthSettings(
        settings.vessel_radius_mm, (min(low, roof - 2.0), min(high, roof)),
        settings.vessel_extent_mm,
    )  # fmt: skip
    tree = grow_vessels(rng, room, settings.arteries, settings.veins)
    bodies = [*bones, *_sample_tendons(rng, sheets, tree, roof)]
    laid = laid_below(tree, sheets[0])
    surfaces = mirror_points(
        rng, settings.specular, sheets[0], settings.vessel_extent_mm, bodies, laid,
        np.array(WALLS), (1.2, 0.7),
    )  # fmt: skip
    extended = Reflectors(
        key, settings.coherence, sheets[0], sheets,
        tuple(settings.specular * strength for strength in _MIRRORS), surfaces,
    )  # fmt: skip
    return AnatomicalTissue(
        key, settings.attenuation_db_cm_mhz, sheets, np.array(_LAYERS),
        septum_rows(septa), body_rows(bodies), materials, laid,
        septa_crossings(septa, sheets, settings.vessel_extent_mm, _HALF_WIDTH_MM),
        np.array(WALLS), extended,
    )  # fmt: skip


def _varied(levels: Array, slopes: Array) -> tuple[Material, ...]:
    """Return the materials of one subject.

    levels (K,): factors of the echo amplitudes; slopes (4,): dy/dz of the four muscles' fibres.
    """
    mine = [
        material._replace(level=material.level * float(level))
        for material, level in zip(_MATERIALS, levels, strict=True)
    ]
    for number, slope in zip((_SUPERFICIAL, _MIDDLE, _DEEP, _BACK), slopes, strict=True):
        mine[number - len(COMMON)] = mine[number - len(COMMON)]._replace(slope=float(slope))
    return (*COMMON, *mine)


def _sample_sheets(rng: np.random.Generator, settings: TissueSettings) -> Array:
    """Draw the skin and the tops of all layers down to the air behind the limb: (10, T, 4).

    The limb is a lens: all depths below the skin go to zero at the same distance to each side.
    """
    bend = 1.0 / rng.uniform(*settings.limb_radius_mm)
    undulation = rng.uniform(*settings.undulation_mm)
    skin, fat, upper, middle = (
        rng.uniform(*span)
        for span in (
            settings.skin_mm, settings.fat_mm, settings.muscle_mm, settings.muscle_mm,
        )
    )  # fmt: skip
    middle *= 0.8
    first, second, third = skin + fat, skin + fat + upper, skin + fat + upper + middle
    air, edge = rng.uniform(*settings.limb_thickness_mm), rng.uniform(52.0, 64.0)
    membrane = max(third + 2.5, rng.uniform(*settings.bone_depth_mm) + 5.0)
    far_fat = max(air - skin - rng.uniform(*settings.fat_mm), membrane + 4.0)
    extensors = membrane + rng.uniform(0.4, 0.6) * (far_fat - membrane)
    air = max(air, far_fat + skin + 1.0)

    def below(level: float, slope: float, waves: float, lengths: tuple[float, float]) -> SheetPlan:
        return SheetPlan(level, -2.0 * level / edge**2, slope, waves, lengths)

    plans = (
        SheetPlan(0.0, bend, 0.01, undulation, (40.0, 90.0)),
        below(skin, 0.0, 0.06 * skin, (10.0, 30.0)),
        below(first, 0.03, 0.10 * fat, (24.0, 60.0)),
        below(second, 0.06, 0.08 * upper, (20.0, 60.0)),
        below(third, 0.06, 0.08 * middle, (18.0, 50.0)),
        below(membrane, 0.03, 0.3, (18.0, 50.0)),
        below(extensors, 0.10, 0.8, (14.0, 40.0)),
        below(far_fat, 0.03, 0.4, (15.0, 40.0)),
        below(air - skin, 0.01, 0.3, (40.0, 90.0)),
        below(air, 0.01, 0.3, (40.0, 90.0)),
    )
    sheets = sample_sheets(rng, plans)
    sheets[9] = sheets[8]  # the far skin has one thickness
    sheets[9, 0, :2] += skin, -2.0 * skin / edge**2
    return sheets


def _sample_septa(
    rng: np.random.Generator, sheets: Array, settings: TissueSettings
) -> list[Septum]:
    """Draw oblique septa in the fat, and two that divide each muscle layer but the deep flexors."""
    low, high = settings.vessel_extent_mm
    septa = []
    top, bottom = float(sheets[1, 0, 0]), float(sheets[2, 0, 0])
    for start in np.arange(low, high, 14.0) + rng.uniform(0, 6):
        slope = float(rng.choice((-1.0, 1.0)) * rng.uniform(0.4, 1.0))
        septa.append(
            Septum(
                1, float(rng.uniform(-8, 8) - slope * start), float(rng.uniform(-1.2, 1.2)),
                0.5 * (top + bottom), slope, float(rng.uniform(0.2, 0.8)),
                2 * math.pi / float(rng.uniform(8, 20)), float(rng.uniform(0, 2 * math.pi)),
                float(rng.uniform(0.05, 0.10)),
            )
        )  # fmt: skip
    septa.extend(
        Septum(
            layer, float(side * rng.uniform(2.5, 7.0)), float(rng.uniform(-0.9, 0.9)),
            float(sheets[layer, 0, 0]), float(rng.uniform(-0.08, 0.08)),
            float(rng.uniform(0.5, 1.5)), 2 * math.pi / float(rng.uniform(25, 60)),
            float(rng.uniform(0, 2 * math.pi)), float(rng.uniform(0.12, 0.2)),
        )
        for layer in (2, 3, 5, 6)
        for side in (-1.0, 1.0)
    )  # fmt: skip
    return septa


def _sample_bones(rng: np.random.Generator, settings: TissueSettings) -> list[Body]:
    """Draw radius and ulna, one to each side."""
    bones = []
    for side in (-1.0, 1.0):
        across, high = rng.uniform((4.5, 4.0), (6.5, 5.5))
        bones.append(
            Body(
                x=float(side * rng.uniform(8.0, 11.0)),
                depth=float(rng.uniform(*settings.bone_depth_mm) + high),
                across=float(across), high=float(high), material=_BONE,
                x_slope=float(rng.uniform(-0.04, 0.04)), x_wave=float(rng.uniform(0, 0.5)),
                wave_number=2 * math.pi / float(rng.uniform(60, 120)),
                x_phase=float(rng.uniform(0, 2 * math.pi)),
                depth_slope=float(rng.uniform(-0.03, 0.03)),
                angle=float(rng.uniform(-0.5, 0.5)), taper=float(rng.uniform(-0.003, 0.003)),
                shell=0.7, shell_material=_CORTEX, mirror=6.0,
            )
        )  # fmt: skip
    return bones


def _top(bone: Body, extent_mm: tuple[float, float]) -> float:
    """Return the least depth below the skin (mm) of a bone's surface between two z (mm)."""
    z = np.linspace(*extent_mm, 50)
    half = math.hypot(bone.across * math.sin(bone.angle), bone.high * math.cos(bone.angle))
    return float((bone.depth + bone.depth_slope * z - half * (1.0 + bone.taper * z)).min())


def _sample_tendons(
    rng: np.random.Generator, sheets: Array, tree: VesselTree, roof: float
) -> list[Body]:
    """Draw tendons in the muscles, thicker along the limb, and the median nerve between two layers.

    tree: in (x, depth, z) mm; roof: depth (mm) above which tendons stay.
    """
    first, second = float(sheets[2, 0, 0]), float(sheets[3, 0, 0])
    third = max(second + 2.0, min(float(sheets[4, 0, 0]), roof))
    radius = float(rng.uniform(1.6, 2.4))
    x = _clear(rng, tree, [], second, radius)
    nerve = Body(
        x, second + 0.3, radius, 0.6 * radius, _NERVE, x_slope=float(rng.uniform(-0.03, 0.03)),
        x_wave=0.4, wave_number=2 * math.pi / float(rng.uniform(50, 90)), mirror=0.5,
    )  # fmt: skip
    found = [nerve]
    for number in range(int(rng.integers(3, 7))):
        top, bottom = (first, second) if number % 2 == 0 else (second, third)
        across = float(rng.uniform(0.8, 2.2))
        depth = float(rng.uniform(0.65 * top + 0.35 * bottom, 0.25 * top + 0.75 * bottom))
        found.append(
            Body(
                _clear(rng, tree, found, depth, across), depth, across,
                across * float(rng.uniform(0.45, 0.7)), _TENDON,
                x_slope=float(rng.uniform(-0.03, 0.03)), x_wave=float(rng.uniform(0, 0.5)),
                wave_number=2 * math.pi / float(rng.uniform(40, 80)),
                x_phase=float(rng.uniform(0, 2 * math.pi)),
                depth_slope=float(rng.uniform(-0.01, 0.01)),
                angle=float(rng.uniform(-0.4, 0.4)), taper=float(rng.uniform(0.002, 0.010)),
                mirror=0.6,
            )
        )  # fmt: skip
    return found


def _clear(
    rng: np.random.Generator, tree: VesselTree, others: list[Body], depth: float, radius: float
) -> float:
    """Return an x (mm) for a body of this radius clear of vessels (x, depth, z) and other bodies.

    It is the first of thirty tries with a gap of `_GAP_MM`, or else the one with the widest gap.
    """
    tries = rng.uniform(-_HALF_WIDTH_MM + 4, _HALF_WIDTH_MM - 4, 30)
    beside = np.array([(body.x, body.depth, body.across) for body in others]).reshape(-1, 3)
    x = np.concatenate([tree.points_mm[:, 0], beside[:, 0]])
    y = np.concatenate([tree.points_mm[:, 1], beside[:, 1]])
    reach = np.concatenate([tree.radius_mm, beside[:, 2]]) + radius
    gap = np.hypot(tries[:, None] - x, depth - y) - reach
    least = gap.min(1, initial=np.inf)
    free = np.flatnonzero(least > _GAP_MM)
    return float(tries[free[0] if len(free) else least.argmax()])
