"""Pictures of a volume as arrays: maximum and depth-coded projections."""

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


def _ends(volume: Volume, axis: int) -> np.ndarray:
    """Return the coordinate (2,) of the first and last voxel along an axis' direction, mm."""
    start = volume.direction[:, axis] @ volume.origin_mm
    return start + np.array([0.0, volume.spacing_mm[axis] * (volume.values.shape[axis] - 1)])
