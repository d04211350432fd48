"""The velocity of blood at points of a vessel tree, compiled; see `simulate.doppler.flow`."""

from __future__ import annotations

import numpy as np

from benchmark.machine.kernels import compiled
from simulate.compiled import cached_by_source
from simulate.vessels.index import wall_distance


@cached_by_source
@compiled(nogil=True, error_model="numpy")
def velocity(points, speed, plug, lookup):
    """Return velocities (M, 3) at points (M, 3) from the mean speed (S,) along each segment."""
    origin, shape, start, entries, segments = lookup
    result = np.zeros((points.shape[0], 3))
    for n in range(points.shape[0]):
        x, y, z = points[n, 0], points[n, 1], points[n, 2]
        gap, owner = wall_distance(x, y, z, origin, shape, start, entries, segments)
        if owner < 0 or gap >= 0.0:
            continue
        s = segments[owner]
        ax, ay, az = s[3] - s[0], s[4] - s[1], s[5] - s[2]
        length = np.sqrt(ax * ax + ay * ay + az * az)
        share = (x - s[0]) * ax + (y - s[1]) * ay + (z - s[2]) * az
        share = min(max(share / (length * length), 0.0), 1.0)
        radius = s[6] + share * (s[7] - s[6])
        off = 1.0 + gap / radius  # distance from the centreline over the radius
        value = speed[owner] * (1.0 if plug else 2.0 * (1.0 - off * off)) / length
        result[n, 0], result[n, 1], result[n, 2] = value * ax, value * ay, value * az
    return result
