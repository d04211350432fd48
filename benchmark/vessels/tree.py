"""Vessel trees: nodes with radii joined to their parents; their branches and measures.

A tree of a simulated subject (the truth) and one measured in a volume
(`benchmark.vessels.centreline`) are the same class.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmark.errors import UserError
from benchmark.files import read_json
from benchmark.geometry import path_length


@dataclass(frozen=True)
class VesselTree:
    """Vessels as nodes joined to their parents; between two nodes place and radius are linear.

    points_mm (P, 3) in the world; radius_mm (P,); parent (P,), the index of the node before, -1
    at each root. A node joined to three or more others is a branch point.
    """

    points_mm: np.ndarray
    radius_mm: np.ndarray
    parent: np.ndarray

    def __len__(self) -> int:
        return len(self.parent)

    @property
    def edges(self) -> np.ndarray:
        """Indices (S, 2) of the parent and the child of every segment."""
        child = np.flatnonzero(self.parent >= 0)
        return np.stack([self.parent[child], child], 1)

    @property
    def degree(self) -> np.ndarray:
        """Number (P,) of nodes each node is joined to."""
        return np.bincount(self.edges.ravel(), minlength=len(self))

    @property
    def length_mm(self) -> float:
        """Length of all centrelines together, mm."""
        first, second = self.points_mm[self.edges].swapaxes(0, 1)
        return float(np.linalg.norm(second - first, axis=1).sum())


def read_tree(path: Path | str) -> VesselTree:
    """Return the vessel tree of a subject's truth file.

    Raises
    ------
    UserError : a missing key, lengths that do not fit, a parent that is not there, a loop.
    """
    data = read_json(path)
    try:
        tree = VesselTree(
            np.asarray(data["points_mm"], float).reshape(-1, 3),
            np.asarray(data["radius_mm"], float),
            np.asarray(data["parent"], np.int64).reshape(-1),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise UserError(f"{path}: points_mm, radius_mm, parent: {error!r}") from error
    count = len(tree.points_mm)
    if tree.radius_mm.shape != (count,) or tree.parent.shape != (count,):
        shapes = f"{count} points, {len(tree.radius_mm)} radii, {len(tree.parent)} parents"
        raise UserError(f"{path}: expected one radius and one parent per point, got {shapes}")
    if count and not (tree.parent.min() >= -1 and tree.parent.max() < count):
        raise UserError(f"{path}: parent: expected -1 or the index of one of {count} points")
    ancestor = tree.parent
    for _ in range(count.bit_length()):
        ancestor = np.where(ancestor >= 0, ancestor[ancestor], -1)
    if (ancestor >= 0).any():
        raise UserError(f"{path}: parent: goes round in a loop")
    return tree


def branches(tree: VesselTree) -> list[np.ndarray]:
    """Return the node indices of each branch: from an end or branch point to the next."""
    degree, edges = tree.degree, tree.edges
    neighbours: list[list[int]] = [[] for _ in range(len(tree))]
    for one, other in edges.tolist():
        neighbours[one].append(other)
        neighbours[other].append(one)
    found = []
    for start in np.flatnonzero((degree > 0) & (degree != 2)).tolist():
        for following in neighbours[start]:
            path = [start, following]
            while degree[path[-1]] == 2:
                one, other = neighbours[path[-1]]
                path.append(other if one == path[-2] else one)
            if path[0] < path[-1]:  # each branch is met from both its ends
                found.append(np.array(path))
    return found


@dataclass(frozen=True)
class TreeMeasures:
    """What is read from a tree: lengths and diameters in mm.

    tortuosity: path over chord, mean over branches weighted by length (1 is straight); diameter:
    mean along all centrelines; None where there is no vessel.
    """

    length_mm: float
    tortuosity: float | None
    diameter_mm: float | None
    branch_points: int
    branches: int


def measure(tree: VesselTree) -> TreeMeasures:
    """Return length, tortuosity, diameter and branch points of a tree."""
    paths = branches(tree)
    lengths = np.array([path_length(tree.points_mm[path]) for path in paths])
    chords = np.array([np.linalg.norm(tree.points_mm[p[0]] - tree.points_mm[p[-1]]) for p in paths])
    whole = tree.length_mm
    tortuosity = diameter = None
    if whole > 0:
        tortuosity = float(lengths @ (lengths / np.maximum(chords, 1e-9)) / lengths.sum())
        first, second = tree.edges.T
        steps = np.linalg.norm(tree.points_mm[second] - tree.points_mm[first], axis=1)
        diameter = float(steps @ (tree.radius_mm[first] + tree.radius_mm[second]) / whole)
    return TreeMeasures(whole, tortuosity, diameter, int((tree.degree > 2).sum()), len(paths))


def subdivide(tree: VesselTree, step_mm: float) -> VesselTree:
    """Return the same tree with no segment longer than step_mm; old nodes keep their indices."""
    edges = tree.edges
    first, second = tree.points_mm[edges].swapaxes(0, 1)
    pieces = np.maximum(np.ceil(np.linalg.norm(second - first, axis=1) / step_mm - 1e-9), 1)
    owner = np.repeat(np.arange(len(edges)), (pieces - 1).astype(int))
    start = np.cumsum(pieces - 1) - (pieces - 1)
    number = np.arange(len(owner)) - start[owner] + 1
    share = number / pieces[owner]
    index = len(tree) + np.arange(len(owner))
    parent = tree.parent.copy()
    longer = pieces > 1
    parent[edges[longer, 1]] = (len(tree) + start + pieces - 2)[longer].astype(np.int64)
    new_parent = np.where(number == 1, edges[owner, 0], index - 1)
    radii = tree.radius_mm[edges]
    return VesselTree(
        np.vstack([tree.points_mm, first[owner] + share[:, None] * (second - first)[owner]]),
        np.concatenate([tree.radius_mm, radii[owner, 0] * (1 - share) + radii[owner, 1] * share]),
        np.concatenate([parent, new_parent]),
    )


def keep(tree: VesselTree, wanted: np.ndarray) -> VesselTree:
    """Return the part of a tree whose nodes are wanted (P,); children of other nodes are roots."""
    number = np.where(wanted, np.cumsum(wanted) - 1, -1)
    parent = np.where(tree.parent >= 0, number[tree.parent], -1)
    return VesselTree(tree.points_mm[wanted], tree.radius_mm[wanted], parent[wanted])
