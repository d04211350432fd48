"""The displacement of tissue about arteries that swell, compiled."""

from __future__ import annotations

import numpy as np

from benchmark.machine.kernels import compiled
from simulate.compiled import cached_by_source
from simulate.vessels.index import wall_distance


@cached_by_source
@compiled(nogil=True, error_model="numpy")
def pulsation(points, swell, reach, lookup):
    """Return displacements (M, 3) mm of points (M, 3) mm when every radius is `swell` mm larger.

    The displacement fades out towards `reach` mm outside the lumen; lookup: of the arteries.
    """
    origin, shape, start, entries, segments = lookup
    result = np.zeros((points.shape[0], 3))
    for n in range(points.shape[0]):
        x, y, z = points[n, 0], points[n, 1], points[n, 2]
        gap, owner = wall_distance(x, y, z, origin, shape, start, entries, segments)
        if owner < 0 or gap >= reach:
            continue
        s = segments[owner]
        ax, ay, az = s[3] - s[0], s[4] - s[1], s[5] - s[2]
        share = (x - s[0]) * ax + (y - s[1]) * ay + (z - s[2]) * az
        share = min(max(share / (ax * ax + ay * ay + az * az), 0.0), 1.0)
        dx = x - s[0] - share * ax
        dy = y - s[1] - share * ay
        dz = z - s[2] - share * az
        radius = s[6] + share * (s[7] - s[6])
        distance = radius + gap
        if gap <= 0.0:
            factor = swell / radius
        else:
            fade = min(max(2.0 - 2.0 * gap / reach, 0.0), 1.0)  # 1 in the nearer half
            factor = swell * radius / (distance * distance) * fade * fade * (3.0 - 2.0 * fade)
        result[n, 0], result[n, 1], result[n, 2] = factor * dx, factor * dy, factor * dz
    return result
