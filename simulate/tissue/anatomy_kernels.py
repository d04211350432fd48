"""Layers, septa, bodies and vessels of an anatomy, asked for at points, compiled."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmark.machine.kernels import compiled
from simulate.compiled import cached_by_source, pointwise
from simulate.shapes.bodies import BODY, SEPTUM
from simulate.shapes.sheets import SLACK_MM, height, level_height, wave_bound
from simulate.shapes.texture import (
    FIBRES,
    GRAIN,
    LOBULES,
    NERVE,
    TENDON,
    fat_texture,
    grain_texture,
    muscle_texture,
    nerve_texture,
    tendon_texture,
)
from simulate.tissue.materials import ADVENTITIA, BLOOD, FASCIA, INTIMA, MEDIA, OUTSIDE
from simulate.vessels.index import wall_distance

Array = NDArray[np.floating]


class Anatomy(NamedTuple):
    """The arrays of an `AnatomicalTissue` that compiled code reads.

    sheets (S, T, 4): the skin, then the tops of the deeper layers; layers (S, 2): material of each
    and thickness (mm) of the fascia at its top; septa (Q, 9) and bodies (B, 19), rows of `Septum`
    and `Body`; walls (2, 4), as `WALLS`; origin_mm to segments: the `Lookup` of the vessels; kind
    (V,): artery or vein, of each segment; waves_mm (S,): bound on the height of each sheet's waves.
    """

    sheets: Array
    layers: Array
    septa: Array
    bodies: Array
    walls: Array
    origin_mm: Array
    shape: NDArray[np.int64]
    start: NDArray[np.int64]
    entries: NDArray[np.int64]
    segments: Array
    kind: NDArray[np.int64]
    waves_mm: Array


@pointwise
def body_reach(body, x, below, z):
    """Return (q, distance) of a point and a body, a row of `Body`.

    q < 1 inside, 1 on the surface; distance (mm) to the surface, negative inside, to first order in
    q - 1. Both are infinite farther away than about a tenth of the body's radius.
    """
    w_mm, c = z - body[BODY.middle], body[BODY.half_length]
    if abs(w_mm) > 1.1 * c + body[BODY.shell] + 0.1:
        return np.inf, np.inf
    u = x - body[BODY.x] - body[BODY.x_slope] * z
    v = below - body[BODY.depth] - body[BODY.depth_slope] * z
    scale = max(1.0 + body[BODY.taper] * z, 0.2)
    a, b = body[BODY.across] * scale, body[BODY.high] * scale
    reach = 1.1 * max(a, b) + body[BODY.shell] + 0.1
    most = reach + SLACK_MM
    x_wave, depth_wave = body[BODY.x_wave], body[BODY.depth_wave]
    # The waves of the centreline need a sine each: first ask whether they could matter.
    if abs(u) > most + abs(x_wave) or abs(v) > most + abs(depth_wave):
        return np.inf, np.inf
    if x_wave != 0.0:
        u -= x_wave * np.sin(body[BODY.wave_number] * z + body[BODY.x_phase])
    if depth_wave != 0.0:
        v -= depth_wave * np.sin(body[BODY.wave_number] * z + body[BODY.depth_phase])
    w = w_mm / c
    if u * u + v * v > reach * reach:
        return np.inf, np.inf
    cosine, sine = np.cos(body[BODY.angle]), np.sin(body[BODY.angle])
    p, r = (cosine * u + sine * v) / a, (cosine * v - sine * u) / b
    q = np.sqrt(p * p + r * r + w * w)
    slope = np.sqrt((p / a) ** 2 + (r / b) ** 2 + (w / c) ** 2)
    return q, (q - 1.0) * q / max(slope, 1e-9)


@pointwise
def _body_bound(body, scale):
    """Return a distance (mm) across a body from its centreline beyond which `body_reach` is inf."""
    widest = 1.1 * max(body[BODY.across], body[BODY.high]) * scale
    return widest + body[BODY.shell] + 0.1 + SLACK_MM


@cached_by_source
@compiled(nogil=True, error_model="numpy")
def bodies_near(bodies, points, depth):
    """Return those bodies, in their order, for which `body_reach` may be finite at a point.

    depth (M,): of points (M, 3), below the skin, mm.
    """
    low, high = np.full(3, np.inf), np.full(3, -np.inf)
    for n in range(points.shape[0]):
        place = points[n, 0], depth[n], points[n, 2]
        for axis in range(3):
            low[axis], high[axis] = min(low[axis], place[axis]), max(high[axis], place[axis])
    near = np.empty_like(bodies)
    count = 0
    for row in range(bodies.shape[0]):
        body = bodies[row]
        along = 1.1 * body[BODY.half_length] + body[BODY.shell] + 0.1
        if low[2] - body[BODY.middle] > along or body[BODY.middle] - high[2] > along:
            continue
        first, last = 1.0 + body[BODY.taper] * low[2], 1.0 + body[BODY.taper] * high[2]
        bound = _body_bound(body, max(max(first, last), 0.2))
        aside, down = bound + abs(body[BODY.x_wave]), bound + abs(body[BODY.depth_wave])
        x = body[BODY.x] + body[BODY.x_slope] * low[2], body[BODY.x] + body[BODY.x_slope] * high[2]
        y = (
            body[BODY.depth] + body[BODY.depth_slope] * low[2],
            body[BODY.depth] + body[BODY.depth_slope] * high[2],
        )
        if low[0] - max(x[0], x[1]) > aside or min(x[0], x[1]) - high[0] > aside:
            continue
        if low[1] - max(y[0], y[1]) > down or min(y[0], y[1]) - high[1] > down:
            continue
        near[count] = body
        count += 1
    return near[:count]


@pointwise
def _may_hold(body, x, level, z, waves):
    """Return whether a body may hold a point; False is never wrong.

    level: depth (mm) of the point below the skin without its waves, which are at most `waves` mm.
    """
    u = x - body[BODY.x] - body[BODY.x_slope] * z
    v = level - body[BODY.depth] - body[BODY.depth_slope] * z
    bound = _body_bound(body, max(1.0 + body[BODY.taper] * z, 0.2))
    aside, down = bound + abs(body[BODY.x_wave]), bound + abs(body[BODY.depth_wave]) + waves
    return abs(u) <= aside and abs(v) <= down


@pointwise
def flat_septum_x(septum, below, z):
    """Return x (mm) of a septum, a row of `Septum`, without its wave; see `septum_x`."""
    tilted = septum[SEPTUM.x] + septum[SEPTUM.tilt] * (below - septum[SEPTUM.depth])
    return tilted + septum[SEPTUM.slope] * z


@pointwise
def septum_x(septum, below, z):
    """Return x (mm) of a septum, a row of `Septum`, at a depth below the skin and z (mm)."""
    wave = septum[SEPTUM.wave] * np.sin(septum[SEPTUM.wave_number] * z + septum[SEPTUM.phase])
    return flat_septum_x(septum, below, z) + wave


@pointwise
def _in_layers(below, x, z, sheets, layers, septa, waves_mm):
    """Return the material of layers, fasciae and septa at a depth (mm) below the skin.

    Sheets are flat but for their waves, which take several sines each: they are summed only for
    points so near a sheet that the waves decide on which side of it a point lies.
    """
    layer = 0
    top = below
    for s in range(1, sheets.shape[0]):
        past = below - level_height(sheets[s], x, z)
        if past < -waves_mm[s] - SLACK_MM:
            break
        if past < waves_mm[s] + layers[s, 1] + SLACK_MM:
            past = below - height(sheets[s], x, z)
        if past < 0.0:
            break
        layer, top = s, past
    if top < layers[layer, 1]:
        return FASCIA
    for row in range(septa.shape[0]):
        if septa[row, SEPTUM.layer] == layer:
            tilt = septa[row, SEPTUM.tilt]
            # The wave needs a sine: first ask whether it could bring the septum here.
            flat = abs(x - flat_septum_x(septa[row], below, z)) - abs(septa[row, SEPTUM.wave])
            if flat > (1.0 + abs(tilt)) * septa[row, SEPTUM.half_thickness] + SLACK_MM:
                continue
            off = abs(x - septum_x(septa[row], below, z)) / np.sqrt(1.0 + tilt * tilt)
            if off < septa[row, SEPTUM.half_thickness]:
                return FASCIA
    return int(layers[layer, 0])


@pointwise
def _material(x, y, z, below, anatomy, bodies):
    """Return the material at a point and the vessel segment near it, -1 if there is none.

    A vessel goes before a body and a body before the layers; of `bodies`, at least all those that
    may hold the point, the first one that does counts.
    """
    sheets, layers, septa = anatomy.sheets, anatomy.layers, anatomy.septa
    if below < 0.0:
        return OUTSIDE, -1
    start, entries, segments = anatomy.start, anatomy.entries, anatomy.segments
    gap, owner = wall_distance(x, y, z, anatomy.origin_mm, anatomy.shape, start, entries, segments)
    if gap < 0.0:
        return BLOOD, owner
    if owner >= 0:
        segment = segments[owner]
        wall = anatomy.walls[anatomy.kind[owner]]
        depth = gap / (wall[0] + wall[1] * 0.5 * (segment[6] + segment[7]))
        if depth < 1.0:
            if depth < wall[2]:
                return INTIMA, owner
            return (MEDIA if depth < wall[3] else ADVENTITIA), owner
    for row in range(bodies.shape[0]):
        body = bodies[row]
        q, distance = body_reach(body, x, below, z)
        if q < 1.0:
            in_shell = -distance < body[BODY.shell]
            return int(body[BODY.shell_material] if in_shell else body[BODY.material]), owner
    return _in_layers(below, x, z, sheets, layers, septa, anatomy.waves_mm), owner


@cached_by_source
@compiled(nogil=True, error_model="numpy")
def classify(points, anatomy):
    """Return depth below the skin (M,) mm, material (M,) and nearest segment (M,), -1 if far."""
    count = points.shape[0]
    depth = np.empty(count)
    material, owner = np.empty(count, np.int64), np.empty(count, np.int64)
    for n in range(count):
        x, y, z = points[n, 0], points[n, 1], points[n, 2]
        depth[n] = y - height(anatomy.sheets[0], x, z)
        material[n], owner[n] = _material(x, y, z, depth[n], anatomy, anatomy.bodies)
    return depth, material, owner


@cached_by_source
@compiled(nogil=True, error_model="numpy")
def backscatter(points, depth, key, materials, anatomy):
    """Return the echo amplitude (M,): the material's level times its texture.

    depth (M,): below the skin, mm; materials (K, 3): level, texture, slope dy/dz of its fibres.
    """
    count = points.shape[0]
    result = np.empty(count)
    bodies = bodies_near(anatomy.bodies, points, depth)
    for n in range(count):
        x, y, z, below = points[n, 0], points[n, 1], points[n, 2], depth[n]
        material, _ = _material(x, y, z, below, anatomy, bodies)
        value = materials[material, 0]
        texture = int(materials[material, 1])
        salted = key + np.uint64(1000 * material)
        if texture == LOBULES:
            value *= fat_texture(salted, x, below, z)
        elif texture == FIBRES:
            value *= muscle_texture(salted, x, below, z, materials[material, 2])
        elif texture == TENDON:
            value *= tendon_texture(salted, x, below, z)
        elif texture == NERVE:
            value *= nerve_texture(salted, x, below, z)
        elif texture == GRAIN:
            value *= grain_texture(salted, x, below, z)
        result[n] = value
    return result


@cached_by_source
@compiled(nogil=True, error_model="numpy")
def attenuation(points, extra, skin, bodies):
    """Return the extra attenuation (M,) of the body at each point (M, 3); 0 outside bodies.

    extra (K,): of each material, in the unit of the result.
    """
    count = points.shape[0]
    result = np.zeros(count)
    waves = wave_bound(skin)
    for n in range(count):
        x, y, z = points[n, 0], points[n, 1], points[n, 2]
        level = y - level_height(skin, x, z)
        for row in range(bodies.shape[0]):
            if not _may_hold(bodies[row], x, level, z, waves):
                continue
            below = y - height(skin, x, z)
            if body_reach(bodies[row], x, below, z)[0] < 1.0:
                result[n] = extra[int(bodies[row, BODY.material])]
                break
    return result
