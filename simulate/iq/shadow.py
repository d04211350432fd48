"""Shadows: the loss of echoes along the lines by attenuation that varies in space."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulate.iq.beam import Beam, Grid

LINE_STEP = 4  # columns of the grid from one shadow line to the next; depths are all its rows

Array = NDArray[Any]  # float64


def transmission(
    attenuation: Callable[[Array, float], NDArray[np.floating]],
    beam: Beam,
    world_from_image: Array,
    displacement: Callable[[Array], Array] | None = None,
) -> NDArray[np.float32]:
    """Return the two-way amplitude left at (rows, lines) of the sample grid.

    The lines lie evenly over the whole grid. The amplitude is 10^(-2 ∫ a / 20) along the straight
    line from the face, with a in dB/mm at the centre frequency that an echo from there has in the
    background, and a in proportion to frequency. Attenuation is sampled in the plane only, so a
    shadow has the sharp edges of a thin beam; its effect on the centre frequency is neglected.

    Parameters
    ----------
    attenuation : (points (M, 3) world mm at rest, frequency Hz) -> (M,) dB/mm, one way, beyond the
        background, which may be negative (fluid).
    world_from_image : (L, 4, 4) poses of the lines.
    displacement : None, or (M, 3) points at rest -> (M, 3) mm by which they have moved.
    """
    grid = beam.grid
    depths = grid.first_row + grid.row_step * np.arange(grid.rows)
    edges = np.linspace(0.0, depths[-1], math.ceil(depths[-1] / grid.row_step) + 1)
    middles = 0.5 * (edges[1:] + edges[:-1])
    lateral = line_positions(grid)
    image = _image_points(middles, lateral, grid.radius_mm)
    line = _between_ends(grid, len(world_from_image))
    poses = world_from_image[np.rint(line).astype(np.int64)]
    world = np.einsum("lij,dlj->dli", poses[:, :3, :3], image) + poses[:, :3, 3]
    points = world.reshape(-1, 3)
    if displacement is not None:
        points = points - displacement(points - displacement(points))  # where it was at rest
    shift = 2.0 * beam.carrier[1] * middles / beam.carrier[0]  # relative change of the frequency
    decibel = np.asarray(attenuation(points, beam.frequency_hz), np.float64)
    if decibel.shape != (len(points),) or not np.isfinite(decibel).all():
        raise ValueError(
            f"attenuation_db_per_mm: expected finite ({len(points)},), got {decibel.shape}"
        )
    decibel = decibel.reshape(world.shape[:2]) * (1.0 + shift)[:, None]
    loss = np.zeros((len(edges), len(lateral)))
    np.cumsum(2.0 * decibel * edges[1], axis=0, out=loss[1:])
    place = np.clip(depths / edges[1], 0.0, len(edges) - 1.0)
    above = np.minimum(place.astype(np.int64), len(edges) - 2)
    share = (place - above)[:, None]
    at_depths = (1.0 - share) * loss[above] + share * loss[above + 1]
    return (10.0 ** (-at_depths / 20.0)).astype(np.float32)


def line_positions(grid: Grid) -> Array:
    """Return the lateral positions (lines,) of a shadow's lines, mm, or radians (curvilinear)."""
    columns = np.linspace(0.0, grid.columns - 1.0, math.ceil(grid.columns / LINE_STEP) + 1)
    return grid.first_column + grid.column_step * columns


def contact_at_lines(contact: Array, grid: Grid) -> Array:
    """Return amplitudes (L,), even from the first image line to the last, at a shadow's lines."""
    return np.interp(_between_ends(grid, len(contact)), np.arange(len(contact)), contact)


def _between_ends(grid: Grid, count: int) -> Array:
    """Return the fractional place of a shadow's lines among `count` from image side to side."""
    return np.interp(line_positions(grid), grid.lateral[[0, -1]], [0.0, count - 1.0])


def _image_points(depths: Array, lateral: Array, radius_mm: float) -> Array:
    """Return image points (depths, lines, 3) mm at depths along lines."""
    along, across = np.meshgrid(depths, lateral, indexing="ij")
    if radius_mm > 0.0:
        distance = along + radius_mm
        along, across = distance * np.cos(across) - radius_mm, distance * np.sin(across)
    return np.stack([across, along, np.zeros_like(along)], axis=-1)
