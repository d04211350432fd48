"""The vessel near a point: a spatial index of segments, and the distance to their lumens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from benchmark.machine.kernels import compiled
from simulate.compiled import cached_by_source, pointwise
from simulate.vessels.tree import VesselTree

CELL_MM = 1.0  # side of a cell of the index; `wall_distance` takes it to be 1
MARGIN_MM = 0.6  # outside the lumen, up to where distances are known by default


class Lookup(NamedTuple):
    """The arrays of a `VesselIndex` that `wall_distance` reads, for compiled code."""

    origin_mm: np.ndarray
    shape: np.ndarray
    start: np.ndarray
    entries: np.ndarray
    segments: np.ndarray


@dataclass(frozen=True)
class VesselIndex:
    """The segments near each cell of a regular grid, so that a point meets only a few of them.

    origin_mm (3,) of cell (0, 0, 0); shape (3,); start (cells + 1,) and entries: the segments of
    cell c are entries[start[c]:start[c + 1]]; segments (S, 8); kind (S,).
    """

    origin_mm: np.ndarray
    shape: np.ndarray
    start: np.ndarray
    entries: np.ndarray
    segments: np.ndarray
    kind: np.ndarray

    @property
    def lookup(self) -> Lookup:
        """What compiled code needs to find the vessel near a point."""
        return Lookup(self.origin_mm, self.shape, self.start, self.entries, self.segments)


def build_index(tree: VesselTree, margin_mm: float = MARGIN_MM) -> VesselIndex:
    """Return the spatial index of a tree; distances are exact up to `margin_mm` from a lumen."""
    segments = np.ascontiguousarray(tree.segments)
    kind = tree.segment_kind.astype(np.int64)
    if not len(segments):
        none = np.zeros(0, np.int64)
        return VesselIndex(
            np.zeros(3), np.ones(3, np.int64), np.zeros(2, np.int64), none, segments, kind
        )
    reach = np.maximum(segments[:, 6], segments[:, 7]) + margin_mm
    low = np.minimum(segments[:, :3], segments[:, 3:6]) - reach[:, None]
    high = np.maximum(segments[:, :3], segments[:, 3:6]) + reach[:, None]
    origin = np.floor(low.min(0))
    shape = (np.ceil(high.max(0) - origin) / CELL_MM).astype(np.int64) + 1
    cell, owner = _cells_near(segments, low - origin, high - origin, reach, origin, shape)
    order = np.argsort(cell, kind="stable")
    start = np.searchsorted(cell[order], np.arange(shape.prod() + 1))
    return VesselIndex(origin, shape, start, owner[order], segments, kind)


def _cells_near(
    segments: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
    reach: np.ndarray,
    origin: np.ndarray,
    shape: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Return cells that may lie within `reach` (S,) mm of the centrelines of segments (S, 8).

    low, high (S, 3): corners of the boxes to search, mm from the origin. Returns the flat numbers
    (C,) of cells in a grid of a shape, and of the segment that each belongs to.
    """
    first, last = ((end / CELL_MM).astype(np.int64).tolist() for end in (low, high))
    along = segments[:, 3:6] - segments[:, :3]
    square = np.maximum((along * along).sum(1), 1e-12)
    limit = (reach + 0.5 * np.sqrt(3) * CELL_MM) ** 2
    sides = np.ix_(*map(np.arange, shape))
    i, j, k = (start + (side + 0.5) * CELL_MM for start, side in zip(origin, sides, strict=True))
    rows, columns = sides[0] * (shape[1] * shape[2]), sides[1] * shape[2]
    found = []
    for s, ((a, b, c), (d, e, f)) in enumerate(zip(first, last, strict=True)):
        d, e, f = d + 1, e + 1, f + 1
        x, y = i[a:d] - segments[s, 0], j[:, b:e] - segments[s, 1]
        z, (u, v, w) = k[:, :, c:f] - segments[s, 2], along[s].tolist()
        share = np.minimum(np.maximum((x * u + y * v + z * w) / square[s], 0.0), 1.0)
        distance = (x - share * u) ** 2 + (y - share * v) ** 2 + (z - share * w) ** 2
        cells = rows[a:d] + columns[:, b:e] + sides[2][:, :, c:f]
        found.append(cells[distance <= limit[s]])
    return np.concatenate(found), np.repeat(np.arange(len(segments)), [len(c) for c in found])


@pointwise
def wall_distance(x, y, z, origin, shape, start, entries, segments):
    """Return (signed distance mm to the nearest lumen, its segment) at a point.

    The distance is negative inside the lumen; (inf, -1) where the index knows of no segment nearby.
    The arrays are those of a `Lookup`, one by one: handing over a tuple for every point would count
    references to all its arrays.
    """
    best, owner = np.inf, -1
    i = np.int64(np.floor(x - origin[0]))
    j = np.int64(np.floor(y - origin[1]))
    k = np.int64(np.floor(z - origin[2]))
    if i < 0 or j < 0 or k < 0 or i >= shape[0] or j >= shape[1] or k >= shape[2]:
        return best, owner
    cell = (i * shape[1] + j) * shape[2] + k
    for place in range(start[cell], start[cell + 1]):
        s = segments[entries[place]]
        ax, ay, az = s[3] - s[0], s[4] - s[1], s[5] - s[2]
        px, py, pz = x - s[0], y - s[1], z - s[2]
        # A segment of a vessel is short: first ask whether the middle of it is near enough.
        qx, qy, qz = px - 0.5 * ax, py - 0.5 * ay, pz - 0.5 * az
        reach = best + max(s[6], s[7]) + 0.5 * (abs(ax) + abs(ay) + abs(az))
        if qx * qx + qy * qy + qz * qz > reach * reach:
            continue
        share = (px * ax + py * ay + pz * az) / (ax * ax + ay * ay + az * az)
        share = min(max(share, 0.0), 1.0)
        px, py, pz = px - share * ax, py - share * ay, pz - share * az
        gap = np.sqrt(px * px + py * py + pz * pz) - (s[6] + share * (s[7] - s[6]))
        if gap < best:
            best, owner = gap, entries[place]
    return best, owner


@pointwise
def any_near(x, y, z, origin, shape, start):
    """Return whether the index knows of a segment near any point of a box.

    x, y, z: least and largest coordinate (mm) of the box; the arrays are those of a `Lookup`.
    """
    i, i_end = int(np.floor(x[0] - origin[0])), int(np.floor(x[1] - origin[0]))
    j, j_end = int(np.floor(y[0] - origin[1])), int(np.floor(y[1] - origin[1]))
    k, k_end = int(np.floor(z[0] - origin[2])), int(np.floor(z[1] - origin[2]))
    i, i_end = max(i, 0), min(i_end, int(shape[0]) - 1)
    j, j_end = max(j, 0), min(j_end, int(shape[1]) - 1)
    k, k_end = max(k, 0), min(k_end, int(shape[2]) - 1)
    if k > k_end:
        return False
    for a in range(i, i_end + 1):
        for b in range(j, j_end + 1):
            row = (a * shape[1] + b) * shape[2]
            if start[row + k] < start[row + k_end + 1]:
                return True
    return False


@cached_by_source
@compiled(nogil=True, error_model="numpy")
def distance_to_lumen(points, lookup):
    """Return the signed distance (M,) mm to the nearest lumen at points (M, 3) mm; inf if far."""
    origin, shape, start, entries, segments = lookup
    result = np.empty(points.shape[0])
    for n in range(points.shape[0]):
        x, y, z = points[n, 0], points[n, 1], points[n, 2]
        result[n] = wall_distance(x, y, z, origin, shape, start, entries, segments)[0]
    return result
