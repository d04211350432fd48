"""Reconstruction with default choices of voxel size, method, axes and hole filling.

volume = place(sweep.bmode, sweep.bmode.world_from_image, Placing())
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from benchmark.errors import UserError
from benchmark.sweep import Images
from benchmark.volume.grid import crop_window, image_corners
from benchmark.volume.jumps import Jumps, find_jumps
from benchmark.volume.reconstruction import Compounding, Method, Volume, one_by_one, reconstruct

MOST_VOXELS = 256**3
FAR = 4  # times the voxels of the tissue seen: a large volume that is mostly empty
FILLING_STEPS = 1.5  # default of the widest filled gap, in distances of neighbouring frames
SPARSE_VOXELS = 3  # voxels between frames beyond which splats of pixels leave holes


@dataclass(frozen=True)
class Placing:
    """How frames are compounded into a volume."""

    spacing_mm: float | None = None
    """Voxel size; by default that of a pixel, or the coarser one at which 256^3 voxels suffice."""
    method: Method | None = None
    """nearest and trilinear go from pixels to voxels, backward from voxels to frames; by default
    backward where frames are more than three voxels apart, else trilinear."""
    compounding: Compounding = "mean"
    """Value of a voxel that several pixels reach; max and latest take each frame's weighted mean,
    max-pixel, with trilinear, the brightest pixel, as PLUS's MAXIMUM does."""
    axes: Literal["image", "world"] = "image"
    """Axes of the volume: of the middle frame (x lateral, y depth, z elevational), or world."""
    fill_holes_mm: float | None = None
    """Widest gap that is filled; by default 1.5 times the distance of frames, 0 for none."""
    border_px: tuple[int, int, int, int] = (0, 0, 0, 0)
    """Pixels cropped at the frames' left, right, top and bottom edges."""
    threads: int | None = None
    """Threads; by default as many as there are cores."""


def place(
    images: Images | Sequence[Images],
    world_from_image: np.ndarray | Sequence[np.ndarray],
    placing: Placing,
) -> Volume:
    """Return the volume of frames at poses (N, 4, 4), in the coordinates of their world.

    Voxel size and gaps are chosen by the pieces of path that hang together (`jumps.find_jumps`).
    Of several sweeps, given as lists, the middle frame is the first one's.

    Raises
    ------
    UserError : outliers or pieces so far apart that the volume is large and empty, and as
        `reconstruct`.
    """
    sweeps = one_by_one(images, world_from_image)
    axes = volume_axes(sweeps[0][1], placing.axes)
    corners = [corners_of(*sweep, placing.border_px) for sweep in sweeps]
    jumps = [find_jumps(c, one.timestamps) for c, (one, _) in zip(corners, sweeps, strict=True)]
    pieces = [c[p] for c, jump in zip(corners, jumps, strict=True) for p in jump.pieces]
    whole = _extent(np.concatenate(corners), axes)
    boxes = np.array([_extent(piece, axes) for piece in pieces])
    spacing = placing.spacing_mm
    if spacing is None:
        spacing = default_spacing(max(pixel_mm(one) for one, _ in sweeps), whole, boxes)
    if spacing > 0:
        _refuse_empty(whole, boxes, spacing, jumps)
    gap = placing.fill_holes_mm
    apart = max(map(frame_distance, corners, jumps))
    if gap is None:
        gap = max(FILLING_STEPS * apart, 2 * spacing)
    sparse = apart > SPARSE_VOXELS * spacing
    return reconstruct(
        images,
        world_from_image,
        spacing_mm=spacing,
        method=placing.method or ("backward" if sparse else "trilinear"),
        compounding=placing.compounding,
        orientation=axes,
        border_px=placing.border_px,
        fill_holes_mm=gap,
        threads=placing.threads,
    )


def volume_axes(world_from_image: np.ndarray, axes: str) -> np.ndarray:
    """Return the volume's axes (3, 3) in the world, as columns."""
    if axes == "world":
        return np.eye(3)
    rotation = world_from_image[len(world_from_image) // 2, :3, :3]
    u, _, v = np.linalg.svd(rotation)
    return u @ v


def corners_of(
    images: Images, poses: np.ndarray, border_px: Sequence[int] = (0,) * 4
) -> np.ndarray:
    """Return the centres (N, 4, 3) of the cropped frames' corner pixels under poses, mm."""
    crop = crop_window(images.frames.shape, border_px, images.mask)
    return image_corners(images.mm_from_pixel, poses, crop)


def pixel_mm(images: Images) -> float:
    """Return the longer side of a pixel, mm."""
    return float(images.pixel_mm.max())


def default_spacing(pixel: float, whole: np.ndarray, boxes: np.ndarray) -> float:
    """Return the pixel size, or the coarser voxel at which 256^3 fill the tissue seen, mm.

    whole (3,), boxes (P, 3): sides in mm of the volume and of the boxes of the path's pieces, which
    may overlap.
    """
    seen = min(np.maximum(whole, pixel).prod(), np.maximum(boxes, pixel).prod(1).sum())
    spacing = max(pixel, float(seen / MOST_VOXELS) ** (1 / 3))
    digits = 2 - int(np.floor(np.log10(spacing)))
    return round(spacing, digits)


def frame_distance(corners: np.ndarray, jumps: Jumps | None = None) -> float:
    """Return the 90th percentile of the distance (mm) of neighbouring frames.

    corners (N, 4, 3): the distance of two frames is the largest of their four corners' distances.
    jumps: steps from and to outliers and across breaks are no distance of frames.
    """
    steps = np.linalg.norm(np.diff(corners, axis=0), axis=2).max(1, initial=0)
    if jumps is not None:
        near = ~(jumps.outliers[1:] | jumps.outliers[:-1])
        near[[before for before, after in jumps.breaks if after == before + 1]] = False
        steps = steps[near]
    return float(np.percentile(steps, 90)) if len(steps) else 0.0


def _extent(corners: np.ndarray, axes: np.ndarray) -> np.ndarray:
    """Return the sides (3,) mm of the box of all corners (N, 4, 3) along the volume's axes."""
    return np.ptp(corners.reshape(-1, 3) @ axes, axis=0)


def _refuse_empty(
    whole: np.ndarray, boxes: np.ndarray, spacing: float, jumps: Sequence[Jumps]
) -> None:
    """Refuse a volume that jumps of the paths, or sweeps far apart, make large and empty.

    whole (3,), boxes (P, 3): sides in mm of the volume and of the boxes of the path's pieces.
    """
    volume, seen = (float((sides / spacing + 1).prod(-1).sum()) for sides in (whole, boxes))
    if volume > max(MOST_VOXELS, FAR * seen):
        many = len(jumps) > 1
        told = [f"sweep {n}: {j}" if many else str(j) for n, j in enumerate(jumps, 1) if str(j)]
        raise UserError(
            f"poses: {'; '.join(told) or 'the sweeps lie far apart'}; the volume would be "
            f"{volume / seen:,.0f} times as large as the tissue seen; leave outliers out by "
            "--drop-outliers, or give a coarser --spacing-mm"
        )
