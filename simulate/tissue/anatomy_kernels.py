"""Layers, septa, bodies and vessels of a tissue, asked for at many points together, compiled.

What cannot be near any of the points of a call is left out, and what holds all of them is asked
once: a box around the points is compared with bounds of every part. Neither changes an answer.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmark.machine.kernels import compiled
from simulate.compiled import batchwise, cached_by_source, pointwise
from simulate.shapes.bodies import BODY, SEPTUM
from simulate.shapes.sheets import SLACK_MM, level_bounds, sheet_heights, sine
from simulate.shapes.texture import add_texture
from simulate.tissue.materials import ADVENTITIA, BLOOD, FASCIA, INTIMA, MEDIA, OUTSIDE
from simulate.vessels.index import any_near, wall_distance

NEIGHBOURS = 32  # points that follow one another and are compared with a body's bounds together
TOGETHER = 2048  # points that follow one another and echo together: about half a block

Array = NDArray[np.floating]


class Anatomy(NamedTuple):
    """The arrays of an `AnatomicalTissue` that compiled code reads.

    sheets (S, T, 4): the skin, then the tops of the deeper layers; layers (S, 2): material of each
    and thickness (mm) of the fascia at its top; septa (Q, 9) and bodies (B, 19), rows of `Septum`
    and `Body`; walls (2, 4), as `WALLS`; origin_mm to segments: the `Lookup` of the vessels; kind
    (V,): artery or vein, of each segment.
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


class Echoes(NamedTuple):
    """How the materials of a tissue echo, for compiled code.

    levels (K,); terms (R, 15): rows of the textures of all materials one after another, those of
    material k from starts[k] to starts[k + 1]; seeds (K,): 32 bits for the texture of each.
    """

    levels: Array
    terms: Array
    starts: NDArray[np.int64]
    seeds: NDArray[np.uint32]


@pointwise
def _turned(body):
    """Return the cosine and the sine of the angle of a body, a row of `Body`."""
    return np.cos(body[BODY.angle]), np.sin(body[BODY.angle])


@pointwise
def _within(body, turned, x, below, z):
    """Return where a point lies in a body, in semi-axes (p, r, w), and the body's local scale.

    turned: from `_turned`. The squares of p, r and w add to 1 on the surface.
    """
    u = x - body[BODY.x] - body[BODY.x_slope] * z
    v = below - body[BODY.depth] - body[BODY.depth_slope] * z
    u -= body[BODY.x_wave] * sine(body[BODY.wave_number] * z + body[BODY.x_phase])
    v -= body[BODY.depth_wave] * sine(body[BODY.wave_number] * z + body[BODY.depth_phase])
    scale = max(1.0 + body[BODY.taper] * z, 0.2)
    p = (turned[0] * u + turned[1] * v) / (body[BODY.across] * scale)
    r = (turned[0] * v - turned[1] * u) / (body[BODY.high] * scale)
    return p, r, (z - body[BODY.middle]) / body[BODY.half_length], scale


@pointwise
def _reach(body, within):
    """Return (q, distance) as `body_reach` does, of what `_within` returns."""
    p, r, w, scale = within
    q = np.sqrt(p * p + r * r + w * w)
    a, b, c = body[BODY.across] * scale, body[BODY.high] * scale, body[BODY.half_length]
    slope = np.sqrt((p / a) ** 2 + (r / b) ** 2 + (w / c) ** 2)
    return q, (q - 1.0) * q / max(slope, 1e-9)


@cached_by_source
@compiled(nogil=True, error_model="numpy")
def body_reach(body, x, below, z):
    """Return (q, distance) of a point and a body, a row of `Body`.

    q < 1 inside, 1 on the surface; distance (mm) to the surface, negative inside, to first order in
    q - 1.
    """
    return _reach(body, _within(body, _turned(body), x, below, z))


@pointwise
def _span(values):
    """Return the least and the largest of values (M,)."""
    low, high = np.inf, -np.inf
    for n in range(len(values)):
        low, high = min(low, values[n]), max(high, values[n])
    return low, high


@pointwise
def _may_meet(body, x, below, z):
    """Return whether a body may hold a point of the box of spans x, below and z (mm)."""
    half = body[BODY.half_length]
    if z[0] - body[BODY.middle] > half or body[BODY.middle] - z[1] > half:
        return False
    widest = max(1.0 + body[BODY.taper] * z[0], 1.0 + body[BODY.taper] * z[1], 0.2)
    reach = max(body[BODY.across], body[BODY.high]) * widest + SLACK_MM
    first = body[BODY.x] + body[BODY.x_slope] * z[0]
    last = body[BODY.x] + body[BODY.x_slope] * z[1]
    aside = reach + abs(body[BODY.x_wave])
    if x[0] - max(first, last) > aside or min(first, last) - x[1] > aside:
        return False
    first = body[BODY.depth] + body[BODY.depth_slope] * z[0]
    last = body[BODY.depth] + body[BODY.depth_slope] * z[1]
    down = reach + abs(body[BODY.depth_wave])
    return below[0] - max(first, last) <= down and min(first, last) - below[1] <= down


@pointwise
def _put_body(body, turned, x, below, z, square, material):
    """Write the material of a body to those of a few points (M,) that it holds; square: scratch."""
    core, rim, shell = int(body[BODY.material]), int(body[BODY.shell_material]), body[BODY.shell]
    least, ends = min(body[BODY.across], body[BODY.high]), _span(z)
    scale = max(min(1.0 + body[BODY.taper] * ends[0], 1.0 + body[BODY.taper] * ends[1]), 0.2)
    core_q = max(1.0 - shell / min(least * scale, body[BODY.half_length]), 0.0)
    for n in range(len(x)):
        p, r, w, _ = _within(body, turned, x[n], below[n], z[n])
        square[n] = p * p + r * r + w * w
    for n in range(len(x)):
        if square[n] < 1.0:
            material[n] = core
            if square[n] >= core_q * core_q:  # nearer to the centre no point is in the shell
                place = _within(body, turned, x[n], below[n], z[n])
                material[n] = rim if -_reach(body, place)[1] < shell else core


@cached_by_source
@compiled(nogil=True, error_model="numpy")
def put_bodies(bodies, x, below, z, material):
    """Write the material of bodies, rows of `Body`, to those of points (M,) that they hold.

    Where two overlap the first one counts.
    """
    spans = _span(x), _span(below), _span(z)
    square = np.empty(NEIGHBOURS)
    for row in range(bodies.shape[0] - 1, -1, -1):
        body = bodies[row]
        if not _may_meet(body, spans[0], spans[1], spans[2]):
            continue
        turned = _turned(body)
        for first in range(0, len(x), NEIGHBOURS):
            last = first + NEIGHBOURS
            u, v, w = x[first:last], below[first:last], z[first:last]
            if _may_meet(body, _span(u), _span(v), _span(w)):
                _put_body(body, turned, u, v, w, square, material[first:last])


@batchwise
def put_layers(anatomy, x, below, z, material):
    """Write the material of layers, fasciae and septa to all points (M,)."""
    sheets, layers, septa = anatomy.sheets, anatomy.layers, anatomy.septa
    x_span, below_span, z_span = _span(x), _span(below), _span(z)
    layer = np.zeros(len(x), np.int64)
    top = below.copy()
    deepest = 0
    for s in range(1, sheets.shape[0]):
        low, high = level_bounds(sheets[s], x_span[0], x_span[1], z_span[0], z_span[1])
        if below_span[1] < low:
            break
        deepest = s
        if below_span[0] > high + layers[s, 1]:  # all points are past this sheet and its fascia
            for n in range(len(x)):
                passed = layer[n] == s - 1
                layer[n] = s if passed else layer[n]
                top[n] = np.inf if passed else top[n]
            continue
        heights = sheet_heights(sheets[s], x, z)
        for n in range(len(x)):
            past = below[n] - heights[n]
            passed = layer[n] == s - 1 and past >= 0.0
            layer[n] = s if passed else layer[n]
            top[n] = past if passed else top[n]
    last = sheets.shape[0] - 1
    if int(layers[last, 0]) == OUTSIDE:  # the far side, also where thin layers cross beside it
        low, _ = level_bounds(sheets[last], x_span[0], x_span[1], z_span[0], z_span[1])
        if below_span[1] >= low:
            heights = sheet_heights(sheets[last], x, z)
            for n in range(len(x)):
                layer[n] = last if below[n] >= heights[n] else layer[n]
    for n in range(len(x)):
        here = int(layers[layer[n], 0])
        material[n] = FASCIA if top[n] < layers[layer[n], 1] else here
    for row in range(septa.shape[0]):
        if septa[row, SEPTUM.layer] <= deepest:
            _put_septum(septa[row], x, below, z, (x_span, below_span, z_span), layer, material)
    for n in range(len(x)):
        material[n] = OUTSIDE if below[n] < 0.0 else material[n]


@pointwise
def _put_septum(septum, x, below, z, spans, layer, material):
    """Write fascia to the points (M,) of a septum, a row of `Septum`."""
    tilt, slope, wave = septum[SEPTUM.tilt], septum[SEPTUM.slope], septum[SEPTUM.wave]
    reach = septum[SEPTUM.half_thickness] * np.sqrt(1.0 + tilt * tilt)
    down = tilt * (spans[1][0] - septum[SEPTUM.depth]), tilt * (spans[1][1] - septum[SEPTUM.depth])
    along = slope * spans[2][0], slope * spans[2][1]
    low = septum[SEPTUM.x] + min(down[0], down[1]) + min(along[0], along[1])
    high = septum[SEPTUM.x] + max(down[0], down[1]) + max(along[0], along[1])
    slack = abs(wave) + reach + SLACK_MM
    if spans[0][0] > high + slack or spans[0][1] < low - slack:
        return
    for n in range(len(x)):
        here = septum[SEPTUM.x] + tilt * (below[n] - septum[SEPTUM.depth]) + slope * z[n]
        here += wave * sine(septum[SEPTUM.wave_number] * z[n] + septum[SEPTUM.phase])
        if layer[n] == septum[SEPTUM.layer] and abs(x[n] - here) < reach:
            material[n] = FASCIA


@batchwise
def put_vessels(anatomy, x, y, z, below, material, owner):
    """Write blood and walls to those of points (M,) that lie in them; owner (M,): the segment near.

    Points above the skin, below < 0, stay as they are. Owners of points far from all segments do.
    """
    origin, shape, start = anatomy.origin_mm, anatomy.shape, anatomy.start
    entries, segments, walls = anatomy.entries, anatomy.segments, anatomy.walls
    if len(segments) == 0 or not any_near(_span(x), _span(y), _span(z), origin, shape, start):
        return
    for n in range(len(x)):
        gap, near = wall_distance(x[n], y[n], z[n], origin, shape, start, entries, segments)
        if near < 0 or below[n] < 0.0:
            continue
        owner[n] = near
        if gap < 0.0:
            material[n] = BLOOD
            continue
        wall = walls[anatomy.kind[near]]
        depth = gap / (wall[0] + wall[1] * 0.5 * (segments[near, 6] + segments[near, 7]))
        if depth < wall[2]:
            material[n] = INTIMA
        elif depth < 1.0:
            material[n] = MEDIA if depth < wall[3] else ADVENTITIA


@cached_by_source
@compiled(nogil=True, error_model="numpy")
def classify(anatomy, x, y, z, below):
    """Return the material (M,) at points and the nearest vessel segment (M,), -1 if far.

    x, y, z (M,): world mm; below (M,): depth below the skin, mm. A vessel goes before a body and a
    body before the layers.
    """
    material, owner = np.empty(len(x), np.int64), np.full(len(x), -1)
    put_layers(anatomy, x, below, z, material)
    if anatomy.bodies.shape[0]:
        put_bodies(anatomy.bodies, x, below, z, material)
        for n in range(len(x)):
            material[n] = OUTSIDE if below[n] < 0.0 else material[n]
    put_vessels(anatomy, x, y, z, below, material, owner)
    return material, owner


@cached_by_source
@compiled(nogil=True, error_model="numpy")
def deepest_echo(anatomy, low, high):
    """Return the depth below the skin, mm, from which on all of a box is outside of the body.

    low, high (3,): corners of the box, world mm. Infinity where the body has no far side or
    something else may reach beyond it.
    """
    sheets, last = anatomy.sheets, anatomy.sheets.shape[0] - 1
    if int(anatomy.layers[last, 0]) != OUTSIDE or last == 0:
        return np.inf
    x, z = (low[0], high[0]), (low[2], high[2])
    far = level_bounds(sheets[last], x[0], x[1], z[0], z[1])[1]
    for row in range(anatomy.bodies.shape[0]):
        if _may_meet(anatomy.bodies[row], x, (far, np.inf), z):
            return np.inf
    y = level_bounds(sheets[0], x[0], x[1], z[0], z[1])[0] + far, high[1]
    vessels = len(anatomy.segments) > 0 and y[0] <= y[1]
    if vessels and any_near(x, y, z, anatomy.origin_mm, anatomy.shape, anatomy.start):
        return np.inf
    return far


@batchwise
def _echo(anatomy, echoes, x, y, z, below, result):
    """Write the echo amplitude (M,) of points near one another to `result`."""
    count = len(x)
    material, _ = classify(anatomy, x, y, z, below)
    held = np.zeros(len(echoes.levels), np.int64)
    for n in range(count):
        result[n] = echoes.levels[material[n]]
        held[material[n]] += 1
    places = np.empty((3, count), np.float32)
    value, chosen = np.empty(count, np.float32), np.empty(count, np.int64)
    for kind in range(len(held)):
        first, last = echoes.starts[kind], echoes.starts[kind + 1]
        if held[kind] == 0 or first == last:
            continue
        found = 0
        for n in range(count):
            if material[n] == kind:
                chosen[found] = n
                places[0, found], places[1, found], places[2, found] = x[n], below[n], z[n]
                value[found] = result[n]
                found += 1
        own = value[:found]
        across, down, along = places[0, :found], places[1, :found], places[2, :found]
        add_texture(echoes.seeds[kind], echoes.terms[first:last], across, down, along, own)
        for n in range(found):
            result[chosen[n]] = own[n]


@cached_by_source
@compiled(nogil=True, error_model="numpy")
def backscatter(anatomy, echoes, x, y, z, below):
    """Return the echo amplitude (M,): the material's level times its texture.

    Parameters as in `classify`.
    """
    result = np.empty(len(x))
    for first in range(0, len(x), TOGETHER):
        last = first + TOGETHER
        run = x[first:last], y[first:last], z[first:last], below[first:last]
        _echo(anatomy, echoes, run[0], run[1], run[2], run[3], result[first:last])
    return result
