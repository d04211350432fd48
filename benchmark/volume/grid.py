"""The grid of voxels, and the geometry of frames on it: crop, corners, planes, reach."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmark import geometry
from benchmark.errors import UserError

BYTES_PER_VOXEL = 8  # a float32 value and a float32 weight


@dataclass(frozen=True)
class Grid:
    """A regular grid: world_from_voxel (4, 4) mm, size (3,) voxels along x, y, z."""

    world_from_voxel: np.ndarray
    size: np.ndarray

    @property
    def spacing_mm(self) -> np.ndarray:
        """Distance (3,) between voxel centres along the three axes, mm."""
        return np.linalg.norm(self.world_from_voxel[:3, :3], axis=0)


def make_grid(
    corners: np.ndarray,
    spacing_mm: float | Sequence[float],
    region: Any,
    orientation: np.ndarray | None,
    max_bytes: int,
) -> Grid:
    """Return the grid over a region (2, 3) along its axes, or over all image corners (N, 4, 3).

    Raises
    ------
    UserError : a spacing or region that is not finite and in order, a volume above max_bytes.
    """
    spacing = np.broadcast_to(np.asarray(spacing_mm, float), (3,))
    if not (np.isfinite(spacing).all() and (spacing > 0).all()):
        raise UserError(f"spacing_mm: expected positive, got {spacing_mm}")
    axes = np.eye(3) if orientation is None else np.asarray(orientation, float)
    points = corners.reshape(-1, 3) @ axes
    low, high = (points.min(0), points.max(0)) if region is None else np.asarray(region, float)
    if not (np.isfinite(low).all() and np.isfinite(high).all() and (low <= high).all()):
        raise UserError(f"region: expected lowest and highest corner in mm, got {region}")
    size = np.ceil((high - low) / spacing - 1e-6).astype(np.int64) + 1
    needed = float(np.prod(size.astype(float))) * BYTES_PER_VOXEL
    if needed > max_bytes:
        fitting = float(spacing.max() * (needed / max_bytes) ** (1 / 3))
        raise UserError(
            f"spacing_mm: {spacing_mm} makes {' x '.join(map(str, size))} voxels, "
            f"{needed / 2**30:.1f} GB where {max_bytes / 2**30:.1f} GB are allowed; "
            f"about {fitting:.2g} mm fit"
        )
    world_from_voxel = np.eye(4)
    world_from_voxel[:3, :3] = axes * spacing
    world_from_voxel[:3, 3] = axes @ low
    return Grid(world_from_voxel, size)


def crop_window(
    shape: tuple[int, ...], border_px: int | Sequence[int], mask: np.ndarray | None = None
) -> np.ndarray:
    """Return (first row, row after the last, first column, column after the last) of a crop.

    Of a mask (H, W), it is the smallest window that holds the field of view within the borders.
    Pixels keep their indices, so the calibration `mm_from_pixel` stays true.
    """
    borders = [border_px] * 4 if isinstance(border_px, int | np.integer) else list(border_px)
    if len(borders) != 4 or min(borders) < 0:
        raise UserError(f"border_px: expected 0 or more, one number or four, got {border_px}")
    left, right, top, bottom = borders
    window = np.array([top, shape[1] - bottom, left, shape[2] - right], np.int64)
    if window[0] >= window[1] or window[2] >= window[3]:
        raise UserError(f"border_px: {border_px} leaves nothing of a {shape[1]} x {shape[2]} image")
    return window if mask is None else _seen_window(window, mask)


def _seen_window(window: np.ndarray, mask: np.ndarray) -> np.ndarray:
    top, bottom, left, right = window
    seen = mask[top:bottom, left:right]
    rows, columns = np.flatnonzero(seen.any(1)), np.flatnonzero(seen.any(0))
    if not len(rows):
        raise UserError("border_px: leaves nothing of the images' field of view (mask)")
    ends = [top + rows[0], top + rows[-1] + 1, left + columns[0], left + columns[-1] + 1]
    return np.array(ends, np.int64)


def image_corners(mm_from_pixel: np.ndarray, poses: np.ndarray, crop: np.ndarray) -> np.ndarray:
    """Return the centres (N, 4, 3) of the cropped images' corner pixels in the world, mm."""
    rows, columns = (crop[0], crop[1] - 1), (crop[2], crop[3] - 1)
    pixels = np.array([[column, row, 0.0] for row in rows for column in columns])
    return geometry.apply(poses, geometry.apply(mm_from_pixel, pixels))


def plane_frame(mm_from_pixel: np.ndarray, poses: np.ndarray) -> np.ndarray:
    """Return (N, 4, 4): (column, row, mm along the image's normal) -> world.

    The normal is made here because calibrations leave the third column of `mm_from_pixel` free.
    """
    frame = np.array(mm_from_pixel, float)
    normal = np.cross(frame[:3, 0], frame[:3, 1])
    frame[:3, 2] = normal / np.linalg.norm(normal)
    return poses @ frame


def reach_mm(
    mm_from_pixel: np.ndarray,
    world_from_image: np.ndarray,
    crop: np.ndarray,
    low: float,
    high: float,
) -> np.ndarray:
    """Return the distance (N,) mm from each frame's plane up to which voxels take its pixels.

    It is the largest distance of its two neighbours' corners from its plane, within [low, high]:
    between parallel frames the weights 1 - distance / reach are then those of linear interpolation.
    """
    corners = image_corners(mm_from_pixel, world_from_image, crop)
    image_from_world = np.linalg.inv(plane_frame(mm_from_pixel, world_from_image))
    reach = np.zeros(len(corners))
    for step in (-1, 1):
        mine = slice(1, None) if step < 0 else slice(None, -1)
        others = slice(None, -1) if step < 0 else slice(1, None)
        if len(corners) > 1:
            distance = np.abs(geometry.apply(image_from_world[mine], corners[others])[..., 2])
            reach[mine] = np.maximum(reach[mine], distance.max(-1))
    return np.clip(reach, low, max(low, high))
