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
    cells, owners = [], []
    for number in range(len(segments)):
        near = _cells_near(segments[number], low[number], high[number], reach[number], origin)
        cells.append(np.ravel_multi_index(tuple(near.T), tuple(shape)))
        owners.append(np.full(len(near), number))
    cell, owner = np.concatenate(cells), np.concatenate(owners)
    order = np.argsort(cell, kind="stable")
    start = np.searchsorted(cell[order], np.arange(shape.prod() + 1))
    return VesselIndex(origin, shape, start, owner[order], segments, kind)


def _cells_near(
    segment: np.ndarray, low: np.ndarray, high: np.ndarray, reach: float, origin: np.ndarray
) -> np.ndarray:
    """Return the cells (C, 3) that may lie within `reach` mm of a segment's centreline.

    low, high (3,): of the box to search, mm.
    """
    first = ((low - origin) / CELL_MM).astype(int)
    last = ((high - origin) / CELL_MM).astype(int)
    spans = [np.arange(a, b + 1) for a, b in zip(first, last, strict=True)]
    cells = np.stack(np.meshgrid(*spans, indexing="ij"), -1).reshape(-1, 3)
    centre = origin + (cells + 0.5) * CELL_MM
    along = segment[3:6] - segment[:3]
    share = np.clip((centre - segment[:3]) @ along / max(along @ along, 1e-12), 0, 1)
    distance = np.linalg.norm(centre - segment[:3] - share[:, None] * along, axis=1)
    return cells[distance <= reach + 0.5 * np.sqrt(3) * CELL_MM]


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
        share = (px * ax + py * ay + pz * az) / (ax * ax + ay * ay + az * az)
        share = min(max(share, 0.0), 1.0)
        px, py, pz = px - share * ax, py - share * ay, pz - share * az
        gap = np.sqrt(px * px + py * py + pz * pz) - (s[6] + share * (s[7] - s[6]))
        if gap < best:
            best, owner = gap, entries[place]
    return best, owner


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
