"""Lateral and axial correlation lengths of speckle as the frames themselves show them."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmark import geometry
from benchmark.speckle.probe import depth_at
from benchmark.sweep import Images

DYNAMIC_RANGE_DB = 60.0  # of the log compression, where it is not known
BANDS = 8  # of rows that are looked at
FLAT_MM = 2.0  # width of the local mean that brightness is divided by
FARTHEST_MM = 3.0  # lag up to which a length is looked for
LEAST_PIXELS = 400  # in a band

Array = NDArray[Any]  # float64


def seen_widths(
    probe: Mapping[str, Any], images: Images, depth_mm: Array, frames: int = 1
) -> tuple[Array, Array]:
    """Return the lateral and axial lengths (K,) mm at depths (K,) mm that the frames show.

    From the autocorrelation of intensity along rows and columns, log compression undone, in bands
    of rows; a straight line over depth through the bands' lengths. For a curved face these are the
    lengths about its middle line. Two pixels where the frames show nothing.

    frames: how many are looked at, spread over all; by default the first alone, so that what a
    causal tracker answers for a frame depends on no later one.
    """
    decibels = float(probe.get("dynamic_range_db", DYNAMIC_RANGE_DB))
    pixel_mm = images.pixel_mm
    height, width = images.frames.shape[1:]
    edges = np.linspace(0, height, BANDS + 1).round().astype(int)
    middle = np.stack([np.full(BANDS, (width - 1) / 2), (edges[1:] + edges[:-1] - 1) / 2], 1)
    places = geometry.apply(images.mm_from_pixel, np.pad(middle, ((0, 0), (0, 1))))
    numbers = np.unique(np.linspace(0, len(images.frames) - 1, frames).astype(int))
    found = np.full((len(numbers), BANDS, 2), np.nan)
    for number, index in enumerate(numbers):
        flat, seen = _flattened(np.asarray(images.frames[int(index)]), images, decibels)
        for band, (low, high) in enumerate(pairwise(edges)):
            for axis in (0, 1):
                length = _length_px(flat[low:high], seen[low:high], 1 - axis, pixel_mm[axis])
                found[number, band, axis] = length * pixel_mm[axis]
    depth = depth_at(probe, places)
    lateral, axial = (
        _line(depth, found[:, :, axis], depth_mm, 2.0 * pixel_mm[axis]) for axis in (0, 1)
    )
    return lateral, axial


def _flattened(frame: Array, images: Images, decibels: float) -> tuple[Array, Array]:
    """Return intensity over its local mean, less 1 (H, W), and which pixels (H, W) show tissue."""
    from scipy.ndimage import gaussian_filter

    seen = frame > 0 if images.mask is None else (frame > 0) & images.mask
    intensity = np.where(seen, 10.0 ** ((frame / 255.0 - 1.0) * decibels / 10.0), 0.0)
    sigma = FLAT_MM / images.pixel_mm[::-1]
    share = gaussian_filter(seen.astype(float), sigma)
    mean = gaussian_filter(intensity, sigma) / np.maximum(share, 1e-6)
    return np.where(seen, intensity / np.maximum(mean, 1e-30) - 1.0, 0.0), seen


def _length_px(flat: Array, seen: Array, axis: int, pixel_mm: float) -> float:
    """Return the s, px, of exp(-lag² / 2 s²) at its half height; NaN where it cannot be told.

    Above the level that remains beyond the speckle, which is that of larger structure.
    """
    values, known = np.moveaxis(flat, axis, 0), np.moveaxis(seen, axis, 0)
    lags = np.arange(1, min(len(values) - 1, int(FARTHEST_MM / pixel_mm) + 2) + 1)
    if seen.sum() < LEAST_PIXELS or len(lags) < 2 or not values.any():
        return float("nan")
    products = [float((values[lag:] * values[:-lag]).sum()) for lag in lags]
    pairs = np.array([max(int((known[lag:] & known[:-lag]).sum()), 1) for lag in lags])
    correlation = np.array(products) / pairs / float((values**2).sum() / known.sum())
    floor = min(float(np.median(correlation[len(lags) // 2 :])), 0.9)
    height = np.array([1.0, *((correlation - floor) / (1.0 - floor))])
    below = int(np.argmax(height < 0.5))
    if not below:
        return float("nan")
    # The logarithm of a Gaussian is straight in lag².
    heights = -2.0 * np.log(np.maximum(height[below - 1 : below + 1], 0.02))
    square = np.interp(2.0 * np.log(2.0), heights, [(below - 1.0) ** 2, float(below) ** 2])
    return float(np.sqrt(square / (2.0 * np.log(2.0))))


def _line(depth: Array, found: Array, depth_mm: Array, usual: float) -> Array:
    """Return a straight line over depth through the bands' medians of lengths (F, BANDS)."""
    known = np.isfinite(found).any(axis=0)
    if not known.any():
        return np.full(depth_mm.shape, usual)
    bands = np.array([np.nanmedian(column) for column in found[:, known].T])
    if known.sum() < 3:
        return np.full(depth_mm.shape, float(np.median(bands)))
    slope, start = np.polyfit(depth[known], bands, 1)
    return np.clip(start + slope * depth_mm, bands.min(), bands.max())
