"""Comparison of measured vessels with the true ones: overlap, distances, errors of measures."""

import numpy as np

from benchmark.vessels.tree import VesselTree, keep, measure, subdivide
from benchmark.volume.reconstruction import Volume

STEP_MM = 0.1  # between the points at which centrelines are compared


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
    """Return the values (P,) of a mask (X, Y, Z) at world points (P, 3), False outside it."""
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
    got, wanted = measure(measured), measure(true)
    length_error = got.length_mm - wanted.length_mm
    diameter_error = None
    if got.diameter_mm is not None and wanted.diameter_mm is not None:
        diameter_error = got.diameter_mm - wanted.diameter_mm
    return {
        "vessel_dice": dice(mask, volume, true),
        **_centreline_errors(measured, true),
        "vessel_length_error_mm": length_error,
        "vessel_length_error_percent": (
            100 * length_error / wanted.length_mm if wanted.length_mm else None
        ),
        "vessel_diameter_error_mm": diameter_error,
        "vessel_branch_point_error": float(got.branch_points - wanted.branch_points),
    }


def _centreline_errors(measured: VesselTree, true: VesselTree) -> dict[str, float | None]:
    """Return the errors of `compare` that are distances of centrelines; None without vessels."""
    names = (
        *(f"vessel_centreline_{part}_mm" for part in ("mean", "p95", "hausdorff")),
        *("vessel_missed_mm", "vessel_spurious_mm"),
    )
    if not (len(measured) and len(true)):
        return dict.fromkeys(names)
    spurious, missed = centreline_distances(measured, true)
    values = (
        (spurious.mean() + missed.mean()) / 2,
        max(np.percentile(spurious, 95), np.percentile(missed, 95)),
        max(spurious.max(), missed.max()),
        missed.mean(),
        spurious.mean(),
    )
    return {name: float(value) for name, value in zip(names, values, strict=True)}
