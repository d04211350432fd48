"""Reconstruction with default choices of voxel size, method, axes and hole filling.

volume = place(sweep.bmode, sweep.bmode.world_from_image, Placing())
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from benchmark.sweep import Images
from benchmark.volume.grid import crop_window, image_corners
from benchmark.volume.reconstruction import Compounding, Method, Volume, one_by_one, reconstruct

MOST_VOXELS = 256**3
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

    Of several sweeps, given as lists, the middle frame is the first one's.

    Raises
    ------
    UserError : as `reconstruct`.
    """
    sweeps = one_by_one(images, world_from_image)
    axes = volume_axes(sweeps[0][1], placing.axes)
    corners = [corners_of(*sweep, placing.border_px) for sweep in sweeps]
    pixel = max(pixel_mm(one) for one, _ in sweeps)
    spacing = placing.spacing_mm or default_spacing(pixel, np.concatenate(corners), axes)
    gap = placing.fill_holes_mm
    apart = max(frame_distance(one) for one in corners)
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
    crop = crop_window(images.frames.shape, border_px)
    return image_corners(images.mm_from_pixel, poses, crop)


def pixel_mm(images: Images) -> float:
    """Return the longer side of a pixel, mm."""
    return float(np.linalg.norm(images.mm_from_pixel[:3, :2], axis=0).max())


def default_spacing(pixel: float, corners: np.ndarray, axes: np.ndarray) -> float:
    """Return the pixel size, or the coarser voxel at which 256^3 fill the box of all corners."""
    extent = np.maximum(np.ptp(corners.reshape(-1, 3) @ axes, axis=0), pixel)
    spacing = max(pixel, float(np.prod(extent) / MOST_VOXELS) ** (1 / 3))
    digits = 2 - int(np.floor(np.log10(spacing)))
    return round(spacing, digits)


def frame_distance(corners: np.ndarray) -> float:
    """Return the 90th percentile of the distance (mm) of neighbouring frames.

    corners (N, 4, 3): the distance of two frames is the largest of their four corners' distances.
    """
    if len(corners) < 2:
        return 0.0
    steps = np.linalg.norm(np.diff(corners, axis=0), axis=2).max(1)
    return float(np.percentile(steps, 90))
