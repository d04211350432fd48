"""Branching vessel trees: exact centreline points and radii, and the distance to their walls."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from simulate.sheets import sheet_height

ARTERY, VEIN = 0, 1
KINDS = ("artery", "vein")
STEP_MM = 0.5
CELL_MM = 1.0  # of the spatial index
MARGIN_MM = 0.6  # outside the lumen, up to where distances are known
LANDMARK_SPACING_MM = 4.0
LANDMARK_RADIUS_MM = 0.5  # thinner vessels drown in speckle


@dataclass(frozen=True)
class VesselTree:
    """Vessels as nodes joined to their parents; between two nodes place and radius are linear.

    points_mm (P, 3) world; radius_mm (P,); parent (P,), -1 where a vessel enters; kind (P,) ARTERY
    or VEIN. A node with two children is a branching and keeps the parent vessel's radius.
    """

    points_mm: np.ndarray
    radius_mm: np.ndarray
    parent: np.ndarray
    kind: np.ndarray

    @classmethod
    def empty(cls) -> "VesselTree":
        """Return a tree without vessels."""
        none = np.zeros(0, np.int64)
        return cls(np.zeros((0, 3)), np.zeros(0), none, none)

    def __len__(self) -> int:
        return len(self.radius_mm)

    @property
    def branchings(self) -> np.ndarray:
        """Indices (B,) of the nodes with more than one child."""
        children = np.bincount(self.parent[self.parent >= 0], minlength=len(self))
        return np.flatnonzero(children > 1)

    @property
    def segments(self) -> np.ndarray:
        """Return (S, 8): two end points (mm) and the two radii (mm) of every segment."""
        child = np.flatnonzero(self.parent >= 0)
        parent = self.parent[child]
        ends = [self.points_mm[parent], self.points_mm[child]]
        radii = [self.radius_mm[parent, None], self.radius_mm[child, None]]
        return np.hstack(ends + radii)

    @property
    def segment_kind(self) -> np.ndarray:
        """Return (S,) the kind of each of `segments`."""
        return self.kind[self.parent >= 0]

    def to_json(self) -> dict[str, Any]:
        """Return what goes into the truth file of a subject: plain lists, lengths in mm."""
        return {
            "frame": "world",
            "points_mm": np.round(self.points_mm, 6).tolist(),
            "radius_mm": np.round(self.radius_mm, 9).tolist(),
            "parent": self.parent.tolist(),
            "kind": [KINDS[k] for k in self.kind],
        }


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


def build_index(tree: VesselTree, margin_mm: float = MARGIN_MM) -> VesselIndex:
    """Return the spatial index of a tree: exact for points up to a margin outside a lumen."""
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
    """Return the cells (C, 3) that a capsule may touch."""
    first = ((low - origin) / CELL_MM).astype(int)
    last = ((high - origin) / CELL_MM).astype(int)
    spans = [np.arange(a, b + 1) for a, b in zip(first, last, strict=True)]
    cells = np.stack(np.meshgrid(*spans, indexing="ij"), -1).reshape(-1, 3)
    centre = origin + (cells + 0.5) * CELL_MM
    along = segment[3:6] - segment[:3]
    share = np.clip((centre - segment[:3]) @ along / max(along @ along, 1e-12), 0, 1)
    distance = np.linalg.norm(centre - segment[:3] - share[:, None] * along, axis=1)
    return cells[distance <= reach + 0.5 * np.sqrt(3) * CELL_MM]


def laid_below(tree: VesselTree, skin: np.ndarray) -> VesselTree:
    """Return a tree in (x, depth below a skin sheet, z) mm in the world."""
    lift = np.zeros_like(tree.points_mm)
    lift[:, 1] = sheet_height(skin, tree.points_mm[:, 0], tree.points_mm[:, 2])
    return replace(tree, points_mm=tree.points_mm + lift)


def places_along(tree: VesselTree) -> np.ndarray:
    """Points (L, 3) mm one can find again: branchings, and vessel centres between.

    Only of vessels that are thick enough to be seen.
    """
    places = [int(node) for node in tree.branchings]
    travelled = np.zeros(len(tree))
    for node in range(len(tree)):
        parent = int(tree.parent[node])
        if parent < 0:
            continue
        step = float(np.linalg.norm(tree.points_mm[node] - tree.points_mm[parent]))
        travelled[node] = 0.0 if parent in places else travelled[parent] + step
        if travelled[node] >= LANDMARK_SPACING_MM:
            travelled[node] = 0.0
            places.append(node)
    seen = [n for n in sorted(places) if tree.radius_mm[n] >= LANDMARK_RADIUS_MM]
    return tree.points_mm[seen]
