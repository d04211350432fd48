"""Scatterers on the surfaces of vessel walls and bodies, listed once per tissue."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from simulate.reflectors.reflectors import SurfacePoints
from simulate.shapes.bodies import Body
from simulate.shapes.sheets import sheet_height
from simulate.vessels.index import build_index, distance_to_lumen
from simulate.vessels.tree import VesselTree

Array = NDArray[np.floating]

AROUND_MM, ALONG_MM = 0.15, 0.4  # sides of the patch that holds one scatterer


def wall_points(
    rng: np.random.Generator,
    tree: VesselTree,
    walls: Array,
    strengths: tuple[float, float],
) -> SurfacePoints:
    """Return the inner and the outer face of the vessels' walls.

    walls (2, 4): as `simulate.tissue.materials.WALLS`; strengths: of the inner face of arteries and
    of veins; the outer one is 1.5 times as strong. Points inside any lumen are left out.
    """
    lookup = build_index(tree, 0.1).lookup
    segments, kind = tree.segments, tree.segment_kind
    if not len(segments):
        return SurfacePoints.empty()
    parts = []
    thickness = walls[kind, 0] + walls[kind, 1] * segments[:, 6:].mean(1)
    for offset, share in ((np.zeros(len(segments)), 1.0), (thickness, 1.5)):
        points, area, number = _rings(rng, segments, offset)
        parts.append((points, share * np.array(strengths)[kind[number]], area))
    points, strength, area = (np.concatenate(p) for p in zip(*parts, strict=True))
    outside = distance_to_lumen(points, lookup) > -0.02
    return SurfacePoints(points[outside], strength[outside], area[outside])


def _rings(
    rng: np.random.Generator, segments: Array, offset: Array
) -> tuple[Array, Array, NDArray[np.int64]]:
    """Return points (K, 3) around segments (S, 8), `offset` (S,) mm outside their lumens.

    Also the area (K,) mm² that each stands for, and the number (K,) of its segment.
    """
    start, along = segments[:, :3], segments[:, 3:6] - segments[:, :3]
    length = np.sqrt((along**2).sum(1))
    ahead = along / length[:, None]
    first = np.cross(ahead, np.eye(3)[np.abs(ahead).argmin(1)])
    first /= np.sqrt((first**2).sum(1))[:, None]
    second = np.cross(ahead, first)
    around = 2 * math.pi * (segments[:, 6:].mean(1) + offset)
    count = np.ceil(around / AROUND_MM).astype(np.int64)
    number = np.repeat(np.arange(len(segments)), count)
    turn = np.arange(len(number)) - np.repeat(np.cumsum(count) - count, count)
    angle = 2 * math.pi * (turn + rng.random(len(number))) / count[number]
    share = rng.random(len(number))
    low, high = segments[number, 6], segments[number, 7]
    radius = low + share * (high - low) + offset[number]
    normal = np.cos(angle)[:, None] * first[number] + np.sin(angle)[:, None] * second[number]
    points = start[number] + share[:, None] * along[number] + radius[:, None] * normal
    return points, (around * length / count)[number], number


def body_points(
    rng: np.random.Generator, body: Body, skin: Array, extent_mm: tuple[float, float]
) -> SurfacePoints:
    """Return the surface of a body between two z (mm); skin (T, 4): the sheet it lies below."""
    low, high = extent_mm
    if math.isfinite(body.half_length):
        low = max(low, body.middle - body.half_length)
        high = min(high, body.middle + body.half_length)
    if high <= low or body.mirror == 0.0:
        return SurfacePoints.empty()
    rows = math.ceil((high - low) / ALONG_MM)
    columns = math.ceil(2 * math.pi * max(body.across, body.high) / AROUND_MM)
    row, column = np.meshgrid(np.arange(rows), np.arange(columns), indexing="ij")
    z = (low + (row + rng.random(row.shape)) * (high - low) / rows).ravel()
    angle = (2 * math.pi * (column + rng.random(column.shape)) / columns).ravel()
    scale = np.maximum(1.0 + body.taper * z, 0.2)
    share = np.sqrt(np.maximum(1.0 - ((z - body.middle) / body.half_length) ** 2, 0.0))
    p, r = body.across * scale * share * np.cos(angle), body.high * scale * share * np.sin(angle)
    cosine, sine = math.cos(body.angle), math.sin(body.angle)
    x = body.x + body.x_slope * z + body.x_wave * np.sin(body.wave_number * z + body.x_phase)
    depth = body.depth + body.depth_slope * z
    depth = depth + body.depth_wave * np.sin(body.wave_number * z + body.depth_phase)
    x, depth = x + cosine * p - sine * r, depth + sine * p + cosine * r
    edge = np.hypot(body.across * np.sin(angle), body.high * np.cos(angle)) * scale * share
    area = edge * (2 * math.pi / columns) * (high - low) / rows
    points = np.column_stack([x, depth + sheet_height(skin, x, z), z])
    return SurfacePoints(points, np.full(len(points), body.mirror), area)


def mirror_points(
    rng: np.random.Generator,
    specular: float,
    skin: Array,
    extent_mm: tuple[float, float],
    bodies: Sequence[Body],
    vessels: VesselTree,
    walls: Array,
    strengths: tuple[float, float],
) -> SurfacePoints:
    """Return the surfaces of a tissue's vessel walls and bodies; none where `specular` is 0.

    specular: factor on all strengths; skin, extent_mm: as in `body_points`; vessels, walls,
    strengths: as in `wall_points`.
    """
    if specular == 0.0:
        return SurfacePoints.empty()
    arteries, veins = strengths
    faces = wall_points(rng, vessels, walls, (arteries * specular, veins * specular))
    shining = [body._replace(mirror=body.mirror * specular) for body in bodies]
    return joined([faces, *(body_points(rng, body, skin, extent_mm) for body in shining)])


def joined(parts: list[SurfacePoints]) -> SurfacePoints:
    """Return all points of several surfaces in one record."""
    return SurfacePoints(
        np.concatenate([part.points_mm for part in parts]),
        np.concatenate([part.strength for part in parts]),
        np.concatenate([part.area_mm2 for part in parts]),
    )
