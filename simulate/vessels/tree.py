"""Branching vessel trees: exact centreline points and radii."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from benchmark.geometry import norm
from simulate.shapes.sheets import sheet_height

ARTERY, VEIN = 0, 1
KINDS = ("artery", "vein")
STEP_MM = 0.5  # length of a segment of a grown vessel
LANDMARK_SPACING_MM = 4.0  # along a vessel, from a branching or the landmark before
LANDMARK_RADIUS_MM = 0.5  # least radius: thinner vessels are lost in the speckle


@dataclass(frozen=True)
class VesselTree:
    """Vessels as nodes joined to their parents; position and radius are linear between two nodes.

    points_mm (P, 3) world; radius_mm (P,); parent (P,), -1 where a vessel enters; kind (P,) ARTERY
    or VEIN. A node with two children is a branching and keeps the parent vessel's radius.
    """

    points_mm: np.ndarray
    radius_mm: np.ndarray
    parent: np.ndarray
    kind: np.ndarray

    @classmethod
    def empty(cls) -> VesselTree:
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
        """Segments (S, 8), mm: start point (3), end point (3), radius at start and at end."""
        child = np.flatnonzero(self.parent >= 0)
        parent = self.parent[child]
        ends = [self.points_mm[parent], self.points_mm[child]]
        radii = [self.radius_mm[parent, None], self.radius_mm[child, None]]
        return np.hstack(ends + radii)

    @property
    def segment_kind(self) -> np.ndarray:
        """The kind (S,) of each of `segments`."""
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


def laid_below(tree: VesselTree, skin: np.ndarray) -> VesselTree:
    """Return in the world a tree that is given in (x, depth below a skin sheet, z) mm."""
    lift = np.zeros_like(tree.points_mm)
    lift[:, 1] = sheet_height(skin, tree.points_mm[:, 0], tree.points_mm[:, 2])
    return replace(tree, points_mm=tree.points_mm + lift)


def places_along(tree: VesselTree) -> np.ndarray:
    """Return landmarks (L, 3) mm: branchings, and points of the centreline between them.

    Only of vessels thick enough to be seen.
    """
    places = [int(node) for node in tree.branchings]
    travelled = np.zeros(len(tree))
    for node in range(len(tree)):
        parent = int(tree.parent[node])
        if parent < 0:
            continue
        step = float(norm(tree.points_mm[node] - tree.points_mm[parent]))
        travelled[node] = 0.0 if parent in places else travelled[parent] + step
        if travelled[node] >= LANDMARK_SPACING_MM:
            travelled[node] = 0.0
            places.append(node)
    seen = [n for n in sorted(places) if tree.radius_mm[n] >= LANDMARK_RADIUS_MM]
    return tree.points_mm[seen]


def only_arteries(tree: VesselTree) -> VesselTree:
    """Return a tree without its veins; no artery may branch off a vein."""
    kept = tree.kind == ARTERY
    number = np.cumsum(kept) - 1
    parent = np.where(tree.parent[kept] >= 0, number[tree.parent[kept]], -1)
    return VesselTree(tree.points_mm[kept], tree.radius_mm[kept], parent, tree.kind[kept])
