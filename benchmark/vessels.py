"""Vessel trees: what a clinician would read from one, and how far it is from the true one.

A tree is the same thing whether it was grown by a simulator (the truth of a subject) or measured
in a volume (`benchmark.centreline`).
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmark.errors import UserError
from benchmark.files import read_json
from benchmark.volume import Volume

STEP_MM = 0.1  # between the points at which centrelines are compared


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


def path_length(points: np.ndarray) -> float:
    """Return the length (mm) of the straight pieces between points (P, 3)."""
    return float(np.linalg.norm(np.diff(points, axis=0), axis=1).sum())


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
    """Return the part of a tree whose nodes are wanted (P,); a child of a lost node is a root."""
    number = np.where(wanted, np.cumsum(wanted) - 1, -1)
    parent = np.where(tree.parent >= 0, number[tree.parent], -1)
    return VesselTree(tree.points_mm[wanted], tree.radius_mm[wanted], parent[wanted])


def clip(tree: VesselTree, seen: Volume, *, min_radius_mm: float = 0.0) -> VesselTree:
    """Return the part of a tree that a volume has seen, cut to half a voxel.

    The volume must be that of the true poses: clipping by a tracker's own volume would reward one
    that sees little. min_radius_mm: thinner vessels are left out of the comparison.
    """
    fine = subdivide(tree, float(seen.spacing_mm.min()) / 2)
    visible = sample_mask(seen.known, seen.world_from_voxel, fine.points_mm)
    return keep(fine, visible & (fine.radius_mm >= min_radius_mm))


def sample_mask(
    mask: np.ndarray, world_from_voxel: np.ndarray, points_mm: np.ndarray
) -> np.ndarray:
    """Return (P,) what a mask (X, Y, Z) says at world points (P, 3); outside it is False."""
    voxel_from_world = np.linalg.inv(world_from_voxel)
    index = np.rint(points_mm @ voxel_from_world[:3, :3].T + voxel_from_world[:3, 3]).astype(int)
    inside = ((index >= 0) & (index < mask.shape)).all(1)
    found = np.zeros(len(points_mm), bool)
    found[inside] = mask[tuple(index[inside].T)]
    return found


def rasterise(tree: VesselTree, world_from_voxel: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Return the voxels (X, Y, Z) whose centre lies within the local radius of a centreline."""
    mask = np.zeros(shape, bool)
    voxel_from_world = np.linalg.inv(world_from_voxel)
    spacing = np.linalg.norm(world_from_voxel[:3, :3], axis=0)
    for one, other in tree.edges:
        ends, radii = tree.points_mm[[one, other]], tree.radius_mm[[one, other]]
        index = ends @ voxel_from_world[:3, :3].T + voxel_from_world[:3, 3]
        margin = radii.max() / spacing
        low = np.maximum(np.floor(index.min(0) - margin), 0).astype(int)
        high = np.minimum(np.ceil(index.max(0) + margin) + 1, shape).astype(int)
        if (low >= high).any():
            continue
        spans = [np.arange(a, b) for a, b in zip(low, high, strict=True)]
        voxels = np.stack(np.meshgrid(*spans, indexing="ij"), -1)
        points = voxels @ world_from_voxel[:3, :3].T + world_from_voxel[:3, 3]
        along = ends[1] - ends[0]
        share = np.clip((points - ends[0]) @ along / max(along @ along, 1e-12), 0, 1)
        distance = np.linalg.norm(points - ends[0] - share[..., None] * along, axis=-1)
        box = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
        mask[box] |= distance <= radii[0] + share * (radii[1] - radii[0])
    return mask


def dice(mask: np.ndarray, volume: Volume, true: VesselTree) -> float | None:
    """Return 2 |A and B| / (|A| + |B|) of a mask on a volume's grid and the true vessels.

    The grid is carried on beyond the volume, so that true vessels outside it count as missed.
    None where neither has a vessel.
    """
    voxel_from_world = np.linalg.inv(volume.world_from_voxel)
    low, high = np.zeros(3, int), np.array(mask.shape)
    if len(true):
        index = true.points_mm @ voxel_from_world[:3, :3].T + voxel_from_world[:3, 3]
        margin = true.radius_mm[:, None] / volume.spacing_mm
        low = np.minimum(low, np.floor((index - margin).min(0)).astype(int))
        high = np.maximum(high, np.ceil((index + margin).max(0)).astype(int) + 1)
    world_from_wide = volume.world_from_voxel.copy()
    world_from_wide[:3, 3] += volume.world_from_voxel[:3, :3] @ low
    truth = rasterise(true, world_from_wide, tuple(high - low))
    box = tuple(slice(-a, -a + n) for a, n in zip(low, mask.shape, strict=True))
    whole = int(mask.sum()) + int(truth.sum())
    return 2 * int((truth[box] & mask).sum()) / whole if whole else None


def centreline_distances(one: VesselTree, other: VesselTree) -> tuple[np.ndarray, np.ndarray]:
    """Return the distances (mm) of each tree's centreline points from the other's centreline.

    Points lie STEP_MM apart and each carries the same length of vessel.
    """
    from scipy.spatial import cKDTree

    points = [_even_points(tree) for tree in (one, other)]
    there, back = cKDTree(points[1]).query(points[0])[0], cKDTree(points[0]).query(points[1])[0]
    return there, back


def _even_points(tree: VesselTree) -> np.ndarray:
    """Return the middles of the pieces of a finely cut tree (or its nodes, if it has no length)."""
    fine = subdivide(tree, STEP_MM)
    return fine.points_mm[fine.edges].mean(1) if len(fine.edges) else fine.points_mm


def compare(
    measured: VesselTree, mask: np.ndarray, volume: Volume, true: VesselTree
) -> dict[str, float | None]:
    """Return how far measured vessels are from the true ones (those that were seen: `clip`).

    Parameters
    ----------
    measured : the tree extracted from the mask, world mm.
    mask : (X, Y, Z) the vessels' voxels on the grid of `volume`.

    Returns
    -------
    vessel_dice; vessel_centreline_{mean,p95,hausdorff}_mm: symmetric (mean: of both directions'
    means; others: the larger); vessel_missed_mm, vessel_spurious_mm: mean distance of the true
    centreline from the measured one, and the other way; vessel_{length,diameter}_error_mm and
    vessel_length_error_percent: measured - true; vessel_branch_point_error. None where undefined.
    """
    errors: dict[str, float | None] = {"vessel_dice": dice(mask, volume, true)}
    names = ("centreline_mean_mm", "centreline_p95_mm", "centreline_hausdorff_mm")
    errors |= {f"vessel_{name}": None for name in (*names, "missed_mm", "spurious_mm")}
    if len(measured) and len(true):
        spurious, missed = centreline_distances(measured, true)
        errors["vessel_centreline_mean_mm"] = float((spurious.mean() + missed.mean()) / 2)
        errors["vessel_centreline_p95_mm"] = float(
            max(np.percentile(spurious, 95), np.percentile(missed, 95))
        )
        errors["vessel_centreline_hausdorff_mm"] = float(max(spurious.max(), missed.max()))
        errors["vessel_missed_mm"], errors["vessel_spurious_mm"] = (
            float(missed.mean()),
            float(spurious.mean()),
        )
    got, wanted = measure(measured), measure(true)
    length_error = got.length_mm - wanted.length_mm
    errors["vessel_length_error_mm"] = length_error
    errors["vessel_length_error_percent"] = (
        100 * length_error / wanted.length_mm if wanted.length_mm else None
    )
    errors["vessel_diameter_error_mm"] = (
        None
        if got.diameter_mm is None or wanted.diameter_mm is None
        else got.diameter_mm - wanted.diameter_mm
    )
    errors["vessel_branch_point_error"] = float(got.branch_points - wanted.branch_points)
    return errors
