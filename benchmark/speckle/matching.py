"""Matching of patches: correlation at integer shifts, and the sub-pixel peak of each patch.

Frames are never resampled: interpolation decorrelates speckle that is sampled near its limit, and
that would look like motion out of the plane. Instead the correlation at whole pixels is fitted
by its known shape, a Gaussian whose widths come from the frame's own autocorrelation.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

LEAST_SEEN, LEAST_LIT = 0.9, 0.5  # shares of a patch's pixels
LEAST_POWER = 0.01  # variance of a patch about its local mean; that of developed speckle is 0.27


def decompress(frames: np.ndarray, dynamic_range_db: float) -> np.ndarray:
    """Return the echo envelope (..., H, W) float32, mean 1 per frame, of log-compressed uint8."""
    table = 10 ** ((np.arange(256) / 255 - 1) * dynamic_range_db / 20)
    envelope = table.astype(np.float32)[np.asarray(frames)]
    return envelope / envelope.mean((-2, -1), keepdims=True)


def flatten(envelope: np.ndarray, pixel_mm: np.ndarray, width_mm: float) -> np.ndarray:
    """Return envelopes (N, H, W) over their local mean: Gaussian of `width_mm`, 0 for none.

    Speckle multiplies brightness. Without this, layers and vessels, which persist when speckle has
    changed, would keep the correlation high.
    """
    from scipy.ndimage import gaussian_filter

    if width_mm <= 0:
        return envelope
    widths = (0.0, width_mm / pixel_mm[1], width_mm / pixel_mm[0])
    return envelope / (gaussian_filter(envelope, widths) + 1e-3)


def joined_px(pixel_mm: np.ndarray, target_mm: float) -> np.ndarray:
    """Return how many pixels (2,) of pixel_mm (2,), across and down, make about `target_mm`."""
    return np.maximum(1, np.rint(target_mm / np.asarray(pixel_mm))).astype(int)


def joined(image: np.ndarray, size: np.ndarray) -> np.ndarray:
    """Return the means (H // n, W // m) over blocks of an image (H, W) of size (m, n) pixels.

    What is left over at the bottom and at the right is cut off.
    """
    across, down = size
    height, width = image.shape[0] // down, image.shape[1] // across
    blocks = image[: height * down, : width * across].reshape(height, down, width, across)
    return blocks.mean((1, 3), dtype=np.float32)


@dataclass(frozen=True)
class PatchGrid:
    """Square patches (in mm) that cover an image; `rows` (ny, H) and `columns` (nx, W) are 0 or 1.

    usable (ny * nx,) bool: patches that show tissue; centre_px (ny * nx, 2): column and row of the
    patch centres; independent: share of patches that count as independent, below 1 since neighbours
    overlap.
    """

    rows: np.ndarray
    columns: np.ndarray
    usable: np.ndarray

    @classmethod
    def of_image(
        cls,
        shape: tuple[int, int],
        pixel_mm: np.ndarray,
        patch_mm: float,
        seen: np.ndarray | None = None,
    ) -> "PatchGrid":
        """Return patches of `patch_mm`, half overlapping, for images (H, W) of pixel_mm (x, y).

        seen (H, W) bool: pixels that show tissue, by default all; a patch with fewer than
        `LEAST_SEEN` of its pixels there is not usable.
        """
        rows, columns = (
            _windows(length, size, patch_mm)
            for length, size in zip(shape, pixel_mm[::-1], strict=True)
        )
        every = cls(rows, columns, np.ones(len(rows) * len(columns), bool))
        if seen is None:
            return every
        return cls(rows, columns, every.mean(seen.astype(np.float32)) >= LEAST_SEEN)

    def lit(self, above: np.ndarray, flat: np.ndarray) -> "PatchGrid":
        """Return the grid without patches that show nothing in a frame.

        above (H, W): share of each pixel that is not black; flat (H, W): the frame over its local
        mean. A patch most of which is black, or of one grey, shows nothing.
        """
        power = self.mean(flat * flat) - self.mean(flat) ** 2
        shows = (self.mean(above) >= LEAST_LIT) & (power >= LEAST_POWER)
        return replace(self, usable=self.usable & shows)

    @property
    def centre_px(self) -> np.ndarray:
        row = (self.rows @ np.arange(self.rows.shape[1])) / self.rows.sum(1)
        column = (self.columns @ np.arange(self.columns.shape[1])) / self.columns.sum(1)
        return np.stack(np.meshgrid(column, row), -1).reshape(-1, 2)

    @property
    def independent(self) -> float:
        return float(1 / (self.rows.sum(0).mean() * self.columns.sum(0).mean()))

    def mean(self, images: np.ndarray) -> np.ndarray:
        """Return the mean (..., ny * nx) over each patch of images (..., H, W)."""
        sums = self.rows @ images @ self.columns.T
        pixels = np.outer(self.rows.sum(1), self.columns.sum(1))
        return (sums / pixels).reshape(*images.shape[:-2], -1)

    def inside(self, shifts_px: np.ndarray) -> np.ndarray:
        """Return (S, ny * nx) bool: patches within the image at shifts (S, 2) (column, row)."""
        across = _stays(self.columns, shifts_px[:, 0])
        down = _stays(self.rows, shifts_px[:, 1])
        return (down[:, :, None] & across[:, None, :]).reshape(len(shifts_px), -1)


def _windows(length: int, pixel_mm: float, patch_mm: float) -> np.ndarray:
    size = int(np.clip(round(patch_mm / pixel_mm), min(6, length), length))
    count = max(1, int(np.ceil(2 * (length - size) / size)) + 1)
    starts = np.linspace(0, length - size, count).round().astype(int)
    index = np.arange(length)
    inside = (index >= starts[:, None]) & (index < starts[:, None] + size)
    return inside.astype(np.float32)


def _stays(windows: np.ndarray, shifts: np.ndarray) -> np.ndarray:
    """Return (S, windows) bool: whether the shifted window is within its axis."""
    first = windows.argmax(1) + shifts[:, None]
    last = windows.shape[1] - 1 - windows[:, ::-1].argmax(1) + shifts[:, None]
    return (first >= 0) & (last < windows.shape[1])


def circular_correlation(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return the sums of products (H, W) of two frames less their means, by shift (row, column)."""
    spectra = np.fft.rfft2(np.stack([one - one.mean(), other - other.mean()]))
    return np.fft.irfft2(spectra[0].conj() * spectra[1], s=one.shape)


def whole_shift(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return the shift (column, row), whole pixels, at which two frames (H, W) correlate best."""
    product = circular_correlation(one, other)
    row, column = np.unravel_index(product.argmax(), product.shape)
    height, width = one.shape
    return np.array(
        [(column + width // 2) % width - width // 2, (row + height // 2) % height - height // 2]
    )


def correlation_maps(
    grid: PatchGrid, one: np.ndarray, other: np.ndarray, shift_px: np.ndarray, reach: int
) -> np.ndarray:
    """Return the correlation (patches, 2 reach + 1, 2 reach + 1) of patches of `one` in `other`.

    Entry [p, j, i] is the normalised cross-correlation of patch p of `one` (H, W) with the pixels
    of `other` that lie (i - reach, j - reach) + shift_px columns and rows further; NaN where these
    leave the image.
    """
    span = 2 * reach + 1
    margin = reach + np.abs(shift_px).max()
    padded = np.pad(other - other.mean(), margin)
    windows = sliding_window_view(padded, one.shape)
    top, left = margin - reach + shift_px[1], margin - reach + shift_px[0]
    moved = np.ascontiguousarray(windows[top : top + span, left : left + span])
    one = one - one.mean()
    mean_one, mean_other = grid.mean(one), grid.mean(moved)
    covariance = grid.mean(one * moved) - mean_one * mean_other
    power = (grid.mean(one * one) - mean_one**2) * (grid.mean(moved * moved) - mean_other**2)
    maps = covariance / np.sqrt(np.maximum(power, 1e-12))
    step = np.arange(-reach, reach + 1)
    shifts = np.stack(np.meshgrid(step, step), -1).reshape(-1, 2) + shift_px
    maps[~grid.inside(shifts).reshape(maps.shape)] = np.nan
    return np.moveaxis(maps, -1, 0).astype(float)


def speckle_shape(grid: PatchGrid, frame: np.ndarray) -> tuple[np.ndarray, float]:
    """Return widths (patches, 2) in px, (column, row), and floor of a frame's autocorrelation.

    The floor is the autocorrelation at lags beyond the speckle (negative if a mean was subtracted).
    The widths are those of a Gaussian above the floor through the correlation at a lag of one
    pixel, the median over each row of patches, since the beam changes with depth, not across.
    """
    lags = np.array([[1, 0], [0, 1]])
    middle = [_row_medians(grid, _self_correlation(grid, frame, lag)) for lag in lags]
    rough = np.sqrt(-0.5 / np.log(np.clip(middle, 0.02, 0.98)))
    floor = _usable_median(grid, structure(grid, frame, rough.T))
    share = np.clip((np.array(middle) - floor) / (1 - floor), 0.02, 0.98)
    return np.sqrt(-0.5 / np.log(share)).T, floor


def _row_medians(grid: PatchGrid, values: np.ndarray) -> np.ndarray:
    rows, usable = (each.reshape(len(grid.rows), -1) for each in (values, grid.usable))
    whole = _usable_median(grid, values)
    medians = [
        np.median(row[kept]) if kept.any() else whole
        for row, kept in zip(rows, usable, strict=True)
    ]
    return np.repeat(medians, rows.shape[1])


def _usable_median(grid: PatchGrid, values: np.ndarray) -> float:
    return float(np.median(values[grid.usable] if grid.usable.any() else values))


def _self_correlation(grid: PatchGrid, frame: np.ndarray, lag: np.ndarray) -> np.ndarray:
    """Return the correlation (patches,) of a frame with itself, mean of shifts by +lag and -lag."""
    sides = [correlation_maps(grid, frame, frame, one, 0)[:, 0, 0] for one in (lag, -lag)]
    known = np.isfinite(sides)
    return np.where(known, sides, 0).sum(0) / np.maximum(known.sum(0), 1)


def structure(grid: PatchGrid, frame: np.ndarray, widths: np.ndarray) -> np.ndarray:
    """Return the correlation (patches,) of a frame with itself beyond the length of its speckle.

    It is the mean over lags of four widths up, down, left and right: 0 up to noise in developed
    speckle of even brightness, and up to 1 for structure that is coherent over the patch.
    """
    across, down = np.ceil(4 * np.median(widths, 0)).astype(int)
    lags = np.array([[across, 0], [0, down]])
    return np.mean([_self_correlation(grid, frame, lag) for lag in lags], 0)


def peaks(maps: np.ndarray, widths: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return position (patches, 2), px from the maps' centre, and height of each patch's peak.

    Least squares fit of height and position of a Gaussian of known widths (patches, 2) to the 3 × 3
    values about the largest one (Gauss-Newton); NaN where the map holds no whole neighbourhood.
    """
    reach = maps.shape[-1] // 2
    inner = np.nan_to_num(maps[:, 1:-1, 1:-1], nan=-np.inf)
    best = inner.reshape(len(maps), -1).argmax(1)
    start = np.stack([best % (2 * reach - 1), best // (2 * reach - 1)], -1) + 1
    values, lags = _neighbourhood(maps, start)
    height, offset = values[:, 4].copy(), np.zeros((len(maps), 2))
    for _ in range(4):
        away = lags[None] - offset[:, None]
        shape = np.exp(-0.5 * (away**2 / widths[:, None] ** 2).sum(-1))
        slope = height[:, None, None] * shape[..., None] * away / widths[:, None] ** 2
        design = np.concatenate([shape[..., None], slope], -1)
        residual = values - height[:, None] * shape
        normal = design.swapaxes(1, 2) @ design + 1e-3 * np.eye(3)
        update = np.linalg.solve(normal, design.swapaxes(1, 2) @ residual[..., None])[..., 0]
        height = np.clip(height + update[:, 0], 0.02, 1.1)
        offset = np.clip(offset + np.clip(update[:, 1:], -0.5, 0.5), -1.0, 1.0)
    bad = np.isnan(values).any(1)
    offset[bad], height[bad] = np.nan, np.nan
    return start - reach + offset, height


def heights_at(maps: np.ndarray, widths: np.ndarray, position: np.ndarray) -> np.ndarray:
    """Return the height (patches,) of peaks whose `position` (patches, 2) px is known.

    Least squares for the height alone: sum(map * shape) / sum(shape^2); NaN outside of the maps.
    """
    reach = maps.shape[-1] // 2
    position = np.nan_to_num(position)
    start = np.clip(np.rint(position).astype(int), 1 - reach, reach - 1) + reach
    values, lags = _neighbourhood(maps, start)
    away = lags[None] - (position - (start - reach))[:, None]
    shape = np.exp(-0.5 * (away**2 / widths[:, None] ** 2).sum(-1))
    height = (values * shape).sum(1) / (shape**2).sum(1)
    return np.where(np.abs(position).max(1) <= reach, height, np.nan)


def _neighbourhood(maps: np.ndarray, start: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the 3 × 3 values (patches, 9) about `start` (column, row) and their lags (9, 2)."""
    step = np.arange(-1, 2)
    lags = np.stack(np.meshgrid(step, step), -1).reshape(-1, 2)
    at = start[:, None] + lags
    return maps[np.arange(len(maps))[:, None], at[..., 1], at[..., 0]], lags.astype(float)
