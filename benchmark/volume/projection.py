"""Pictures of a volume as arrays: slices, maximum and depth-coded projections."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchmark.errors import UserError
from benchmark.volume.reconstruction import Volume

AXES = "xyz"
# Axes across and down of a picture that looks along an axis; depth (y), where seen, is down.
LOOKING_ALONG = {"x": "zy", "y": "xz", "z": "xy"}


@dataclass(frozen=True)
class Picture:
    """A picture with its coordinates: pixels (H, W), or (H, W, 3) in [0, 1] if coloured.

    across_mm, down_mm (2,): coordinates of the centres of the first and last column and row.
    depth_mm (2,): depths of the first and last colour, if colour is depth.
    """

    pixels: np.ndarray
    across_mm: np.ndarray
    down_mm: np.ndarray
    depth_mm: np.ndarray | None = None

    @property
    def extent(self) -> tuple[float, float, float, float]:
        """Outer edges (left, right, bottom, top) in mm, as matplotlib's imshow takes them."""
        rows, columns = self.pixels.shape[:2]
        x, y = self.across_mm, self.down_mm
        half_x = (x[1] - x[0]) / max(columns - 1, 1) / 2
        half_y = (y[1] - y[0]) / max(rows - 1, 1) / 2
        edges = x[0] - half_x, x[1] + half_x, y[1] + half_y, y[0] - half_y
        left, right, bottom, top = (float(edge) for edge in edges)
        return left, right, bottom, top


def slice_through(
    volume: Volume,
    centre_mm: Sequence[float] | np.ndarray,
    axes: str | np.ndarray = "xy",
    *,
    spacing_mm: float | None = None,
) -> Picture:
    """Return the plane through a point of the world (mm), by trilinear interpolation.

    axes: the directions of columns and rows, as two letters of the volume's axes ("xz": x across,
    z down) or as world vectors (2, 3). The picture covers the whole cut through the volume and is
    zero outside of it. spacing_mm: pixel size, by default the smallest voxel spacing.
    """
    from scipy.ndimage import map_coordinates

    directions = _directions(volume, axes)
    step = float(volume.spacing_mm.min()) if spacing_mm is None else spacing_mm
    centre = np.asarray(centre_mm, float)
    places = (_box_corners(volume) - centre) @ directions.T
    first = np.ceil(places.min(0) / step - 1e-6)
    columns, rows = (
        step * np.arange(a, b + 1)
        for a, b in zip(first, np.floor(places.max(0) / step + 1e-6), strict=True)
    )
    across, down = np.meshgrid(columns, rows)
    points = centre + across[..., None] * directions[0] + down[..., None] * directions[1]
    voxel_from_world = np.linalg.inv(volume.world_from_voxel)
    index = np.moveaxis(points @ voxel_from_world[:3, :3].T + voxel_from_world[:3, 3], -1, 0)
    # Half a voxel around the outermost centres still belongs to the volume.
    last = np.array(volume.values.shape)[:, None, None] - 0.5
    inside = ((index >= -0.5) & (index <= last)).all(0)
    pixels = map_coordinates(volume.values, index, order=1, mode="nearest", output=np.float32)
    offset = directions @ centre
    return Picture(
        np.where(inside, pixels, np.float32(0)),
        offset[0] + columns[[0, -1]],
        offset[1] + rows[[0, -1]],
    )


def maximum_projection(volume: Volume, axis: str = "y") -> Picture:
    """Return the largest value along one of the volume's axes, oriented as `LOOKING_ALONG`."""
    across, down = _looking_along(axis)
    flat = volume.values.max(AXES.index(axis))
    pixels = flat.T if across < down else flat
    return Picture(np.ascontiguousarray(pixels), _ends(volume, across), _ends(volume, down))


def depth_projection(
    volume: Volume, axis: str = "y", *, brightest: float = 99.9, colours: str = "turbo"
) -> Picture:
    """Return a projection (H, W, 3): colour is the depth of the maximum, brightness its value.

    brightest: the percentile of the projected values shown at full brightness; colours: a
    matplotlib colour map, its first colour at the volume's first voxel along the axis.
    """
    import matplotlib

    across, down = _looking_along(axis)
    number = AXES.index(axis)
    flat, place = volume.values.max(number), volume.values.argmax(number)
    bright = np.clip(flat / max(float(np.percentile(flat, brightest)), 1e-30), 0, 1)
    share = place / max(volume.values.shape[number] - 1, 1)
    coloured = matplotlib.colormaps[colours](share)[..., :3] * bright[..., None]
    pixels = coloured.swapaxes(0, 1) if across < down else coloured
    return Picture(
        np.ascontiguousarray(pixels),
        _ends(volume, across),
        _ends(volume, down),
        _ends(volume, number),
    )


def _looking_along(axis: str) -> tuple[int, int]:
    if axis not in LOOKING_ALONG:
        raise UserError(f"axis: expected x, y or z, got '{axis}'")
    letters = LOOKING_ALONG[axis]
    return AXES.index(letters[0]), AXES.index(letters[1])


def _directions(volume: Volume, axes: str | np.ndarray) -> np.ndarray:
    if isinstance(axes, str):
        if len(axes) != 2 or axes[0] == axes[1] or not set(axes) <= set(AXES):
            raise UserError(f"axes: expected two of x, y and z, got '{axes}'")
        return volume.direction.T[[AXES.index(axes[0]), AXES.index(axes[1])]]
    directions = np.asarray(axes, float)
    if directions.shape != (2, 3) or not np.linalg.norm(directions, axis=1).all():
        raise UserError(f"axes: expected two directions, shape (2, 3), got {directions.shape}")
    return directions / np.linalg.norm(directions, axis=1, keepdims=True)


def _box_corners(volume: Volume) -> np.ndarray:
    """Return the centres (8, 3) of the volume's corner voxels in the world, mm."""
    last = np.array(volume.values.shape) - 1
    index = np.array([[i, j, k] for i in (0, 1) for j in (0, 1) for k in (0, 1)]) * last
    return index @ volume.world_from_voxel[:3, :3].T + volume.origin_mm


def _ends(volume: Volume, axis: int) -> np.ndarray:
    """Return the coordinate (2,) of the first and last voxel along an axis' direction, mm."""
    start = volume.direction[:, axis] @ volume.origin_mm
    return start + np.array([0.0, volume.spacing_mm[axis] * (volume.values.shape[axis] - 1)])
