"""Volume -> vessel tree: skeleton of the segmented vessels, pruned and smoothed, with radii."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmark.vessels.comparison import sample_mask
from benchmark.vessels.segmentation import VesselSettings, segment
from benchmark.vessels.tree import VesselTree, branches, keep, path_length, subdivide
from benchmark.volume.reconstruction import Volume

SMOOTH_VOXELS, SMOOTH_RADII = 2.0, 0.75  # of the Gaussian along a centreline: the larger counts
WINDOW_RADII = 1.5  # of the Gaussian in which voxels are counted for a radius


def extract(
    volume: Volume, settings: VesselSettings | None = None
) -> tuple[VesselTree, np.ndarray]:
    """Return the vessel tree of a volume, world mm, and the mask (X, Y, Z) it was taken from."""
    settings = settings or VesselSettings()
    mask = segment(volume, settings)
    return tree_of_mask(mask, volume.world_from_voxel, settings, volume.known), mask


def tree_of_mask(
    mask: np.ndarray,
    world_from_voxel: np.ndarray,
    settings: VesselSettings | None = None,
    known: np.ndarray | None = None,
) -> VesselTree:
    """Return the vessel tree (world mm) of a mask (X, Y, Z).

    The skeleton (Lee, Kashyap and Chu 1994) is spanned by a shortest tree, which opens loops;
    spurs are pruned, ends settled at the wall, branches smoothed, and each node gets the radius
    of the cylinder that holds the voxels nearest to it. known (X, Y, Z): where the volume has
    data; a vessel that leaves it is carried on to its edge.
    """
    from scipy import ndimage
    from skimage.morphology import skeletonize

    settings = settings or VesselSettings()
    spacing = np.linalg.norm(world_from_voxel[:3, :3], axis=0)
    index = np.argwhere(skeletonize(mask)) if mask.any() else np.zeros((0, 3), int)
    if not len(index):
        return VesselTree(np.zeros((0, 3)), np.zeros(0), np.zeros(0, np.int64))
    # Distances are to voxel centres outside; the wall lies half a voxel before.
    inside = ndimage.distance_transform_edt(np.pad(mask, 1), sampling=spacing)[1:-1, 1:-1, 1:-1]
    radius = np.maximum(inside[tuple(index.T)] - spacing.mean() / 2, spacing.min() / 2)
    points = index @ world_from_voxel[:3, :3].T + world_from_voxel[:3, 3]
    tree = _pruned(VesselTree(points, radius, _spanning_parents(index, points)), settings)
    lattice = _Lattice(mask, np.ones_like(mask) if known is None else known, world_from_voxel)
    tree = _smoothed(_extended(tree, lattice), lattice.step_mm)
    return _rooted(_with_radii(subdivide(tree, lattice.step_mm), lattice))


@dataclass(frozen=True)
class _Lattice:
    """A mask (X, Y, Z) with its place in the world and where there was anything to be seen."""

    mask: np.ndarray
    known: np.ndarray
    world_from_voxel: np.ndarray

    @property
    def step_mm(self) -> float:
        return float(np.linalg.norm(self.world_from_voxel[:3, :3], axis=0).mean())


def _spanning_parents(index: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Return parents (P,) of the shortest trees that span touching voxels."""
    from scipy.sparse.csgraph import minimum_spanning_tree
    from scipy.spatial import cKDTree

    pairs = cKDTree(index).query_pairs(1.8, output_type="ndarray")  # sqrt(3) and no further
    graph = minimum_spanning_tree(_graph(points, pairs))
    return _parents(graph, np.zeros(len(index)))


def _graph(points: np.ndarray, pairs: np.ndarray) -> Any:
    """Return the sparse matrix of the lengths of pairs (S, 2) of points."""
    from scipy.sparse import coo_matrix

    lengths = np.linalg.norm(points[pairs[:, 0]] - points[pairs[:, 1]], axis=1)
    lengths = np.maximum(lengths, 1e-9)  # a stored zero would be no edge
    return coo_matrix((lengths, tuple(pairs.T)), shape=(len(points),) * 2).tocsr()


def _parents(graph: Any, priority: np.ndarray) -> np.ndarray:
    """Return parents (P,) of a forest given by its sparse graph; each root has highest priority."""
    from scipy.sparse.csgraph import breadth_first_order, connected_components

    parent = np.full(len(priority), -1, np.int64)
    count, label = connected_components(graph, directed=False)
    order = np.lexsort((-priority, label))
    for root in order[np.searchsorted(label[order], np.arange(count))]:
        nodes, before = breadth_first_order(graph, root, directed=False)
        parent[nodes[1:]] = before[nodes[1:]]
    return parent


def _pruned(tree: VesselTree, settings: VesselSettings) -> VesselTree:
    """Return a tree without spurs and without pieces that are too short.

    At each branch point only the shortest spur goes at a time: what remains may be one vessel.
    """
    while True:
        degree = tree.degree
        spurs = []
        for path in branches(tree):
            if degree[path[0]] == 1:
                path = path[::-1]
            if degree[path[-1]] == 1:
                free = degree[path[0]] == 1
                reach = settings.spur_radii * tree.radius_mm[path[0]]
                limit = settings.shortest_mm if free else reach
                spurs.append((path_length(tree.points_mm[path]) / limit, path))
        wanted, joints = degree > 0, set()
        for share, path in sorted(spurs, key=lambda spur: spur[0]):
            if share < 1 and path[0] not in joints:
                joints.add(path[0])
                wanted[path[1:] if degree[path[0]] > 1 else path] = False
        if wanted.all():
            return tree
        tree = keep(tree, wanted)


def _extended(tree: VesselTree, lattice: _Lattice) -> VesselTree:
    """Return a tree whose ends are a radius before the wall, or at the edge of what is known.

    A vessel that ends in the volume ends round, the centre of its cap being its last node.
    """
    degree, points, radii, parents = tree.degree, [], [], []
    for path in branches(tree):
        for ordered in (path, path[::-1]):
            end = ordered[-1]
            if degree[end] != 1:
                continue
            radius, line = tree.radius_mm[end], tree.points_mm[ordered]
            away = np.linalg.norm(line - line[-1], axis=1)
            back = line[np.flatnonzero(away >= min(away.max(), 3 * radius + lattice.step_mm))[-1]]
            direction = (line[-1] - back) / np.linalg.norm(line[-1] - back)
            way = np.arange(0, 4 * radius + 3 * lattice.step_mm, lattice.step_mm / 8)
            ahead = line[-1] + way[:, None] * direction
            leaves = int(np.argmin(np.append(_at(lattice.mask, lattice, ahead), False)))
            beyond = ahead[min(leaves, len(way) - 1)]
            stays = bool(_at(lattice.known, lattice, beyond[None])[0])
            length = way[max(leaves - 1, 0)] - (radius if stays else 0)
            if length > 0:
                points.append(line[-1] + length * direction)
                radii.append(radius)
                parents.append(end)
    return VesselTree(
        np.vstack([tree.points_mm, *points]),
        np.append(tree.radius_mm, radii),
        np.append(tree.parent, parents).astype(np.int64),
    )


def _at(mask: np.ndarray, lattice: _Lattice, points_mm: np.ndarray) -> np.ndarray:
    return sample_mask(mask, lattice.world_from_voxel, points_mm)


def _smoothed(tree: VesselTree, step_mm: float) -> VesselTree:
    """Return a tree whose branches have lost the staircase of the voxels; their ends stay."""
    from scipy.ndimage import gaussian_filter1d

    points = tree.points_mm.copy()
    for path in branches(tree):
        line = tree.points_mm[path]
        sigma = max(SMOOTH_VOXELS, SMOOTH_RADII * tree.radius_mm[path].mean() / step_mm)
        width = min(int(3 * sigma), len(path) - 1)
        before, after = 2 * line[0] - line[width:0:-1], 2 * line[-1] - line[-2 : -2 - width : -1]
        smooth = gaussian_filter1d(np.vstack([before, line, after]), sigma, axis=0, truncate=3)
        points[path[1:-1]] = smooth[width + 1 : width + len(path) - 1]
    return VesselTree(points, tree.radius_mm, tree.parent)


def _with_radii(tree: VesselTree, lattice: _Lattice) -> VesselTree:
    """Return a tree with radius sqrt(V / (pi L)), of the voxels nearest to a stretch of centreline.

    Counting voxels is not biased by their size, as distances to the wall are. The stretch is a
    Gaussian window of a few radii along the branch.
    """
    from scipy.ndimage import gaussian_filter1d
    from scipy.spatial import cKDTree

    if not len(tree):
        return tree
    voxels = np.argwhere(lattice.mask) @ lattice.world_from_voxel[:3, :3].T
    voxels += lattice.world_from_voxel[:3, 3]
    owner = cKDTree(tree.points_mm).query(voxels)[1]
    owner = owner[~_beyond_ends(tree, voxels, owner)]
    volume = np.bincount(owner, minlength=len(tree)).astype(float)
    volume *= abs(np.linalg.det(lattice.world_from_voxel[:3, :3]))
    length = np.zeros(len(tree))
    first, second = tree.edges.T
    steps = np.linalg.norm(tree.points_mm[first] - tree.points_mm[second], axis=1)
    np.add.at(length, first, steps / 2)
    np.add.at(length, second, steps / 2)
    radius = np.zeros(len(tree))
    for path in branches(tree):
        sigma = max(SMOOTH_VOXELS, WINDOW_RADII * tree.radius_mm[path].mean() / lattice.step_mm)
        inner = path[1:-1] if len(path) > 4 else path
        around = [gaussian_filter1d(a[inner], sigma, mode="nearest") for a in (volume, length)]
        found = np.sqrt(around[0] / (np.pi * np.maximum(around[1], 1e-9)))
        radius[inner] = np.maximum(radius[inner], found)
        radius[path[[0, -1]]] = np.maximum(radius[path[[0, -1]]], found[[0, -1]])
    return VesselTree(tree.points_mm, radius, tree.parent)


def _beyond_ends(tree: VesselTree, points: np.ndarray, owner: np.ndarray) -> np.ndarray:
    """Return which points (Q,), owned by nodes (Q,), lie past a free end (in its round cap)."""
    outward = np.zeros((len(tree), 3))
    ends = tree.degree == 1
    for one, other in (tree.edges.T, tree.edges.T[::-1]):
        free = ends[one]
        outward[one[free]] = tree.points_mm[one[free]] - tree.points_mm[other[free]]
    return ((points - tree.points_mm[owner]) * outward[owner]).sum(1) > 0


def _rooted(tree: VesselTree) -> VesselTree:
    """Return the same tree, each piece rooted at its thickest end."""
    if not len(tree):
        return tree
    priority = np.where(tree.degree == 1, tree.radius_mm, -1)
    parent = _parents(_graph(tree.points_mm, tree.edges), priority)
    return VesselTree(tree.points_mm, tree.radius_mm, parent)
