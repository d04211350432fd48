"""Scan conversion of a curvilinear probe: samples at depths and angles to pixels, compiled."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from simulate.compiled import borrower
from simulate.iq.beam import Grid
from simulate.probe.transducer import Probe

_f = np.float32


@borrower
def scan_convert(polar, rows, columns, out):
    """Write (depth, angle) samples interpolated bilinearly at fractional rows and columns.

    Negative positions are outside of the sector and give 0.
    """
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            row, column = rows[i, j], columns[i, j]
            out[i, j] = _f(0.0)
            if row < 0.0 or column < 0.0:
                continue
            top = min(int(row), polar.shape[0] - 2)
            left = min(int(column), polar.shape[1] - 2)
            down, right = row - _f(top), column - _f(left)
            above = polar[top, left] + right * (polar[top, left + 1] - polar[top, left])
            below = polar[top + 1, left] + right * (polar[top + 1, left + 1] - polar[top + 1, left])
            out[i, j] = above + down * (below - above)


def polar_positions(probe: Probe, grid: Grid) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the fractional row and column (H, W) of each pixel in the (depth, angle) samples.

    These are the samples of `band_limited_envelope`. Pixels outside the sector, above the face or
    deeper than `depth_mm` get -1.
    """
    depth, angle = _polar(probe)
    row = (depth - grid.depths_mm[grid.reduce_rows - 1]) / grid.row_step
    column = (angle - grid.lateral[grid.reduce_columns - 1]) / grid.column_step
    inside = field_of_view(probe)
    return (
        np.where(inside, np.maximum(row, 0.0), -1.0).astype(np.float32),
        np.where(inside, np.maximum(column, 0.0), -1.0).astype(np.float32),
    )


def field_of_view(probe: Probe) -> NDArray[np.bool_]:
    """Return which pixels (H, W) of an image lie in the probe's field: all of a linear array's."""
    if probe.geometry == "linear":
        return np.ones((probe.height_px, probe.width_px), np.bool_)
    depth, angle = _polar(probe)
    half = 0.5 * probe.aperture_mm / probe.radius_mm
    return (np.abs(angle) <= half) & (depth >= 0.0) & (depth <= probe.depth_mm)


def _polar(probe: Probe) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return depth below the face, mm, and angle of each pixel (H, W) of a curvilinear probe."""
    x = np.linspace(-0.5 * probe.width_mm, 0.5 * probe.width_mm, probe.width_px)
    y = probe.row_depths_mm[:, None] + probe.radius_mm
    return np.hypot(x, y) - probe.radius_mm, np.arctan2(x, y)
