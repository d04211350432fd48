"""What is where in an anatomy of layers, septa, bodies and vessels, compiled, point by point.

`shape` throughout is the tuple of arrays `AnatomicalTissue._shape`: sheets (S, T, 4), layers (S, 2)
material and thickness of the fascia at its top, septa (Q, 9), bodies (B, 19), walls (2, 4), then
the vessels' look-up of `texture.wall_distance`, their kinds, and how far, in mm, waves lift each
sheet at most (S,).
"""

from __future__ import annotations

import numpy as np
from numba import njit

from simulate.compiled import cached_by_source, pointwise
from simulate.shapes.sheets import height, level_height
from simulate.shapes.texture import fat_texture, muscle_texture, noise, ridge, turned
from simulate.vessels.index import wall_distance

# Materials that every anatomy has, in this order; its own follow.
OUTSIDE, FASCIA, BLOOD, INTIMA, MEDIA, ADVENTITIA = range(6)
# Textures.
PLAIN, LOBULES, FIBRES, TENDON, NERVE, GRAIN = range(6)

SLACK_MM = 1e-6  # by which what is left out for being too far is further than that


@pointwise
def body_reach(body, x, below, z):
    """Return (q, distance mm): q < 1 inside of a body; the distance to its surface to first order.

    A body is an ellipse about a centreline x(z), depth(z), which may close along z (ellipsoid) and
    taper. Columns: x at z = 0, slope, wave amplitude, wave number, phase; the same of the depth but
    for its wave number; three semi-axes mm (the last one inf for a tube), the middle along z, angle
    (rad) of the first axis towards the depth, taper (1/mm), material, shell (mm), its material.
    """
    if abs(z - body[12]) > 1.1 * body[11] + body[16] + 0.1:
        return np.inf, np.inf
    u, v = x - body[0] - body[1] * z, below - body[5] - body[6] * z
    scale = max(1.0 + body[14] * z, 0.2)
    a, b, c = body[9] * scale, body[10] * scale, body[11]
    reach = 1.1 * max(a, b) + body[16] + 0.1
    most = reach + SLACK_MM
    if abs(u) > most + abs(body[2]) or abs(v) > most + abs(body[7]):
        return np.inf, np.inf
    if body[2] != 0.0:
        u -= body[2] * np.sin(body[3] * z + body[4])
    if body[7] != 0.0:
        v -= body[7] * np.sin(body[3] * z + body[8])
    w = (z - body[12]) / c
    if u * u + v * v > reach * reach:
        return np.inf, np.inf
    cosine, sine = np.cos(body[13]), np.sin(body[13])
    p, r = (cosine * u + sine * v) / a, (cosine * v - sine * u) / b
    q = np.sqrt(p * p + r * r + w * w)
    slope = np.sqrt((p / a) ** 2 + (r / b) ** 2 + (w / c) ** 2)
    return q, (q - 1.0) * q / max(slope, 1e-9)


@pointwise
def septum_x(septum, below, z):
    """Return x (mm) of a septum at a depth below the skin and z.

    Columns: layer, x, tilt dx/ddepth, depth where x holds, slope dx/dz, wave amplitude, wave
    number, phase, half thickness (mm).
    """
    wave = septum[5] * np.sin(septum[6] * z + septum[7])
    return septum[1] + septum[2] * (below - septum[3]) + septum[4] * z + wave


@pointwise
def _in_layers(below, x, z, sheets, layers, septa, lift):
    """Return the material at a depth (mm) below the skin, vessels and bodies aside.

    The waves of a sheet are summed only where they decide.
    """
    layer = 0
    top = below
    for s in range(1, sheets.shape[0]):
        past = below - level_height(sheets[s], x, z)
        if past < -lift[s] - SLACK_MM:
            break
        if past < lift[s] + layers[s, 1] + SLACK_MM:
            past = below - height(sheets[s], x, z)
        if past < 0.0:
            break
        layer, top = s, past
    if top < layers[layer, 1]:
        return FASCIA
    for row in range(septa.shape[0]):
        if septa[row, 0] == layer:
            tilt = septa[row, 2]
            off = abs(x - septum_x(septa[row], below, z)) / np.sqrt(1.0 + tilt * tilt)
            if off < septa[row, 8]:
                return FASCIA
    return int(layers[layer, 0])


@pointwise
def _material(x, y, z, below, shape):
    """Return the material at a point and the vessel segment near it, -1 if there is none."""
    sheets, layers, septa, bodies, walls = shape[0], shape[1], shape[2], shape[3], shape[4]
    if below < 0.0:
        return OUTSIDE, -1
    gap, owner = wall_distance(x, y, z, shape[5], shape[6], shape[7], shape[8], shape[9])
    if gap < 0.0:
        return BLOOD, owner
    if owner >= 0:
        segment = shape[9][owner]
        wall = walls[shape[10][owner]]
        depth = gap / (wall[0] + wall[1] * 0.5 * (segment[6] + segment[7]))
        if depth < 1.0:
            if depth < wall[2]:
                return INTIMA, owner
            return (MEDIA if depth < wall[3] else ADVENTITIA), owner
    for row in range(bodies.shape[0]):
        q, distance = body_reach(bodies[row], x, below, z)
        if q < 1.0:
            return int(bodies[row, 17] if -distance < bodies[row, 16] else bodies[row, 15]), owner
    return _in_layers(below, x, z, sheets, layers, septa, shape[11]), owner


@cached_by_source
@njit(cache=True, nogil=True, error_model="numpy")
def classify(points, shape):
    """Return depth below the skin (M,) mm, material (M,) and nearest segment (M,), -1 if far."""
    count = points.shape[0]
    depth = np.empty(count)
    material, owner = np.empty(count, np.int64), np.empty(count, np.int64)
    for n in range(count):
        x, y, z = points[n, 0], points[n, 1], points[n, 2]
        depth[n] = y - height(shape[0][0], x, z)
        material[n], owner[n] = _material(x, y, z, depth[n], shape)
    return depth, material, owner


@cached_by_source
@njit(cache=True, nogil=True, error_model="numpy")
def backscatter(points, key, materials, shape):
    """Return the echo amplitude (M,): the material's level times its texture.

    materials (K, 3): level, texture, slope dy/dz of its fibres.
    """
    count = points.shape[0]
    result = np.empty(count)
    for n in range(count):
        x, y, z = points[n, 0], points[n, 1], points[n, 2]
        below = y - height(shape[0][0], x, z)
        material, _ = _material(x, y, z, below, shape)
        value = materials[material, 0]
        texture = int(materials[material, 1])
        salted = key + np.uint64(1000 * material)
        if texture == LOBULES:
            value *= fat_texture(salted, x, below, z)
        elif texture == FIBRES:
            value *= muscle_texture(salted, x, below, z, materials[material, 2])
        elif texture == TENDON:
            value *= _tendon(salted, x, below, z)
        elif texture == NERVE:
            value *= _nerve(salted, x, below, z)
        elif texture == GRAIN:
            value *= 0.75 + 0.5 * noise(salted, x / 0.9, below / 0.9, z / 0.9)
        result[n] = value
    return result


@cached_by_source
@njit(cache=True, nogil=True, error_model="numpy")
def attenuation(points, extra, skin, bodies):
    """Return a body's extra attenuation (M,) at points (M, 3), of materials (K,); 0 elsewhere."""
    count = points.shape[0]
    result = np.zeros(count)
    for n in range(count):
        x, z = points[n, 0], points[n, 2]
        below = points[n, 1] - height(skin, x, z)
        for row in range(bodies.shape[0]):
            if body_reach(bodies[row], x, below, z)[0] < 1.0:
                result[n] = extra[int(bodies[row, 15])]
                break
    return result


@pointwise
def _tendon(key, x, below, z):
    """Texture of tendon: fine bright fibrils, very long along the limb."""
    u, v = turned(x / 0.5, below / 0.35)
    return 0.8 + 0.5 * noise(key, u, v, z / 20.0) + 1.3 * ridge(noise(key, v, u, z / 25.0), 0.08)


@pointwise
def _nerve(key, x, below, z):
    """Texture of nerve: dark fascicles in a bright web."""
    u, v = turned(x / 0.8, below / 0.8)
    return 0.45 + 2.2 * ridge(noise(key, u, v, z / 15.0), 0.09)
