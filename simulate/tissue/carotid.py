"""A neck: the common carotid artery with its bifurcation, the jugular vein, muscles and trachea."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmark.geometry import norm
from simulate.elementary import exp
from simulate.reflectors.reflectors import Reflectors
from simulate.reflectors.surfaces import mirror_points
from simulate.shapes.bodies import Body, body_rows, septum_rows
from simulate.shapes.sheets import SheetPlan, sample_sheets, sheet_height
from simulate.shapes.texture import GRAINS, LOOSE, PLAIN
from simulate.tissue.anatomy import AnatomicalTissue
from simulate.tissue.materials import BONE, COMMON, CORTEX, FAT, MUSCLE, SKIN, Material
from simulate.tissue.settings import TissueSettings
from simulate.vessels.growth import murray_angles, murray_radii
from simulate.vessels.tree import ARTERY, STEP_MM, VEIN, VesselTree, laid_below

Array = NDArray[np.floating]

# Materials of this anatomy, after the common six.
(_SKIN, _FAT, _MUSCLE, _LOOSE, _DEEP, _THYROID, _BONE, _CORTEX, _AIR, _CARTILAGE) = range(6, 16)
_MATERIALS = (
    SKIN, FAT, MUSCLE,
    Material(0.7, LOOSE, 1540.0, 1020.0, 0.5),
    MUSCLE,
    Material(2.3, GRAINS, 1570.0, 1050.0, 0.6),
    BONE, CORTEX,
    Material(0.0, PLAIN, 343.0, 1.2, 6.0, extra_db_cm_mhz=30.0),
    Material(0.5, PLAIN, 1640.0, 1100.0, 1.0),
)  # fmt: skip
_LAYERS = ((_SKIN, 0.0), (_FAT, 0.0), (_MUSCLE, 0.4), (_LOOSE, 0.4), (_DEEP, 0.5))
_MIRRORS = (0.7, 0.0, 0.8, 0.9, 0.8)  # strength of the skin and of the tops of deeper layers
# As `materials.WALLS`: an elastic artery has a thick wall, 0.15 mm and a fifth of the radius.
_WALLS = ((0.15, 0.22, 0.18, 0.66), (0.10, 0.05, 0.40, 0.40))
_BULB = 0.12  # relative widening of the internal carotid at its bulb
_FAR_MM = 1.6  # between the lumens of artery and vein, room for both walls


class _Course(NamedTuple):
    """One vessel without branchings: nodes (N, 3) (x, depth, z) mm and radii (N,) mm."""

    points: Array
    radius: Array


def sample_carotid(
    rng: np.random.Generator, settings: TissueSettings, key: int
) -> AnatomicalTissue:
    """Draw one subject."""
    tree, common = _sample_vessels(rng, settings)
    sheets = _sample_sheets(rng, settings, common)
    levels = np.exp(rng.uniform(-0.15, 0.15, len(_MATERIALS)))
    mine = [m._replace(level=m.level * float(f)) for m, f in zip(_MATERIALS, levels, strict=True)]
    for number, slope in ((_MUSCLE, rng.uniform(3, 9)), (_DEEP, rng.uniform(-6, -2))):
        where = number - len(COMMON)
        mine[where] = mine[where]._replace(slope=math.tan(math.radians(slope)))
    bodies = _sample_bodies(rng, common)
    laid = laid_below(tree, sheets[0])
    walls = np.array(_WALLS)
    surfaces = mirror_points(
        rng, settings.specular, sheets[0], settings.vessel_extent_mm, bodies, laid,
        walls, (1.5, 0.8),
    )  # fmt: skip
    extended = Reflectors(
        key, settings.coherence, sheets[0], sheets,
        tuple(settings.specular * strength for strength in _MIRRORS), surfaces,
    )  # fmt: skip
    return AnatomicalTissue(
        key, settings.attenuation_db_cm_mhz, sheets, np.array(_LAYERS), septum_rows([]),
        body_rows(bodies), (*COMMON, *mine), laid,
        _features(bodies, sheets[0]), walls, extended,
    )  # fmt: skip


def _sample_vessels(
    rng: np.random.Generator, settings: TissueSettings
) -> tuple[VesselTree, _Course]:
    """Draw common, internal and external carotid and the jugular vein, (x, depth, z) mm.

    Returns the tree of all four, and the common carotid.
    """
    low, high = settings.vessel_extent_mm
    fork = low + (high - low) * rng.uniform(0.45, 0.65)
    radius = float(rng.uniform(*settings.carotid_radius_mm))
    start = np.array([rng.uniform(-2, 2), rng.uniform(*settings.carotid_depth_mm), low])
    drift = np.array([rng.uniform(-0.04, 0.04), rng.uniform(-0.05, 0.0), 1.0])
    common = _course(rng, start, drift / norm(drift), fork - low, radius, 0.4)
    internal, external = _fork(rng, common, high)
    vein = _sample_jugular(rng, [common, internal, external], settings)
    parts = [(common, -1, ARTERY)]
    ends = len(common.radius)
    parts += [(internal, ends - 1, ARTERY), (external, ends - 1, ARTERY), (vein, -1, VEIN)]
    points: list[Array] = []
    radii: list[Array] = []
    parent: list[Array] = []
    kind: list[Array] = []
    first = 0
    for course, origin, what in parts:
        count = len(course.radius)
        points.append(course.points)
        radii.append(course.radius)
        parent.append(np.r_[origin, np.arange(first, first + count - 1)])
        kind.append(np.full(count, what))
        first += count
    tree = VesselTree(
        np.concatenate(points), np.concatenate(radii),
        np.concatenate(parent).astype(np.int64), np.concatenate(kind).astype(np.int64),
    )  # fmt: skip
    return tree, common


def _course(
    rng: np.random.Generator, start: Array, ahead: Array, length: float, radius: float, sway: float
) -> _Course:
    """Return a nearly straight vessel of constant radius, with waves of `sway` mm across it."""
    steps = max(int(length / STEP_MM), 2)
    s = STEP_MM * np.arange(steps + 1)
    wave = 2 * np.pi / rng.uniform(40, 80, 2)
    phase = rng.uniform(0, 2 * np.pi, 2)
    points = start + s[:, None] * ahead
    points[:, :2] += sway * (np.sin(np.outer(s, wave) + phase) - np.sin(phase))
    return _Course(points, np.full(steps + 1, radius))


def _fork(rng: np.random.Generator, common: _Course, high: float) -> tuple[_Course, _Course]:
    """Return the internal and the external carotid, up to z = `high` mm.

    They begin with Murray's radii and angles and soon turn to run along the neck. The internal one
    has its bulb three radii of the common carotid past the origin.
    """
    radius = float(common.radius[-1])
    ratio = float(rng.uniform(0.72, 0.92))
    radii = murray_radii(radius, ratio)
    angles = murray_angles(radius, *radii)
    ahead = common.points[-1] - common.points[-2]
    ahead /= norm(ahead)
    turn = rng.uniform(-0.5, 0.5)
    side = np.array([math.cos(turn), math.sin(turn), 0.0])
    side -= (side * ahead).sum() * ahead
    side /= norm(side)
    courses = []
    for child, angle, sign in zip(radii, angles, (1.0, -1.0), strict=True):
        direction = math.cos(angle) * ahead + sign * math.sin(angle) * side
        point, points = common.points[-1], []
        apart = 0.16 * sign * side + np.array([0.0, 0.0, 1.0])
        apart /= norm(apart)
        while point[2] < high - STEP_MM:
            point = point + STEP_MM * direction
            points.append(point)
            direction = direction + 0.06 * (apart - direction)
            direction /= norm(direction)
        s = STEP_MM * np.arange(len(points))
        bulb = (sign > 0) * _BULB * exp(-0.5 * np.square((s - 3 * radius) / radius))
        bulb[0] = 0.0
        courses.append(_Course(np.array(points), child * (1.0 + bulb)))
    return courses[0], courses[1]


def _sample_jugular(
    rng: np.random.Generator, arteries: list[_Course], settings: TissueSettings
) -> _Course:
    """Return a vein in front of the arteries and beside them, nowhere nearer than `_FAR_MM`."""
    common, high = arteries[0], settings.vessel_extent_mm[1]
    radius = float(rng.uniform(3.2, 4.6))
    distance = radius + common.radius[0] + _FAR_MM
    angle = rng.uniform(math.radians(25), math.radians(60))
    start = common.points[0] + distance * np.array([math.cos(angle), -math.sin(angle), 0.0])
    start[1] = max(start[1], radius + 5.0)
    span = common.points[-1] - common.points[0]
    ahead = np.array([max(span[0], 0.0) / span[2] + 0.05, -0.02, 1.0])
    vein = _course(rng, start, ahead / norm(ahead), high - start[2], radius, 0.3)
    points = np.concatenate([course.points for course in arteries])
    reach = np.concatenate([course.radius for course in arteries]) + radius + _FAR_MM
    while (_nearest(points, vein.points) < reach).any():
        vein = vein._replace(points=vein.points + np.array([0.25, 0.0, 0.0]))
    return vein


def _nearest(points: Array, others: Array) -> Array:
    """Return the distance (N,) from points (N, 3) to the nearest of others (M, 3)."""
    return np.sqrt(((points[:, None] - others) ** 2).sum(-1)).min(1)


def _sample_sheets(rng: np.random.Generator, settings: TissueSettings, common: _Course) -> Array:
    """Draw the skin and the tops of fat, muscle, the carotid's sheath and the deep muscles."""
    bend = 1.0 / rng.uniform(*settings.limb_radius_mm)
    undulation = rng.uniform(*settings.undulation_mm)
    skin, fat = rng.uniform(*settings.skin_mm), rng.uniform(*settings.fat_mm)
    muscle = rng.uniform(4.0, 6.5)
    deep = float(common.points[:, 1].max() + 1.4 * common.radius[0] + rng.uniform(3.0, 5.0))
    plans = (
        SheetPlan(0.0, bend, 0.01, undulation, (40.0, 90.0)),
        SheetPlan(skin, 0.0, 0.0, 0.06 * skin, (10.0, 30.0)),
        SheetPlan(skin + fat, 0.0, 0.04, 0.10 * fat, (12.0, 40.0)),
        SheetPlan(skin + fat + muscle, 0.0, 0.10, 0.10 * muscle, (14.0, 40.0)),
        SheetPlan(deep, 0.0, 0.05, 0.5, (18.0, 50.0)),
    )
    return sample_sheets(rng, plans)


def _sample_bodies(rng: np.random.Generator, common: _Course) -> list[Body]:
    """Draw trachea (air in a shell of cartilage), thyroid and spine around the artery."""
    x, depth, _ = common.points[0]
    radius = float(common.radius[0])
    lobe = float(rng.uniform(5.0, 7.0))
    beside = x - 1.25 * radius - lobe - 0.6
    low = float(common.points[0, 2])
    return [
        Body(
            beside - 0.9 * lobe - 8.0, depth + 1.0, 8.0, 7.0, _AIR, shell=1.2,
            shell_material=_CARTILAGE, mirror=3.0,
        ),
        Body(
            beside, depth - 1.0, lobe, float(rng.uniform(5.0, 7.0)), _THYROID,
            half_length=float(rng.uniform(20, 27)), middle=low + float(rng.uniform(28, 44)),
            angle=float(rng.uniform(-0.3, 0.3)), mirror=0.4,
        ),
        Body(
            x + float(rng.uniform(-6, 2)), depth + radius + float(rng.uniform(19, 23)), 14.0, 10.0,
            _BONE, depth_wave=0.8, wave_number=2 * math.pi / float(rng.uniform(14, 18)),
            depth_phase=float(rng.uniform(0, 2 * math.pi)), shell=0.8, shell_material=_CORTEX,
            mirror=6.0,
        ),
    ]  # fmt: skip


def _features(bodies: list[Body], skin: Array) -> Array:
    """Return the poles (F, 3) mm of the thyroid along the neck, in the world."""
    lobe = next(body for body in bodies if math.isfinite(body.half_length))
    z = lobe.middle + lobe.half_length * np.array([-1.0, 1.0])
    x = np.full(2, lobe.x)
    return np.column_stack([x, lobe.depth + sheet_height(skin, x, z), z])
