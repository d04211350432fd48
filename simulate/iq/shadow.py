"""Shadows: the loss of echoes by attenuation that varies in space, seen past by an aperture."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulate.compiled import borrower, inlined, kernel
from simulate.iq.beam import Beam, Grid

LINE_STEP = 4  # columns of the grid from one shadow line to the next; depths are all its rows
RAYS = 9  # from places of the aperture to a point
OUTSIDE = 1e-6  # weight of a ray from beyond the array's end: it counts where there is no other

Array = NDArray[Any]  # float64


def transmission(
    attenuation: Callable[[Array, float], NDArray[np.floating]],
    beam: Beam,
    world_from_image: Array,
    displacement: Callable[[Array], Array] | None = None,
) -> NDArray[np.float32]:
    """Return the two-way amplitude left at (rows, lines) of the sample grid.

    The lines lie evenly over the whole grid. Sound reaches a point along the rays from all places
    of the aperture that is open for its depth, by `Beam.aperture`, and returns along them: the
    amplitude is the square of the mean, over these rays, of 10^(-∫ a / 20), with a in dB/mm at the
    centre frequency that an echo from there has in the background, and a in proportion to
    frequency. So a shadow has a penumbra as wide as the aperture at the obstacle. Rays count as
    long as the line, those of a curved array bend as logarithmic spirals; attenuation is sampled in
    the plane only, transmission opens as reception does, and the effect on the centre frequency is
    neglected.

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
    points: Array = np.empty((image.shape[0] * image.shape[1], 3))
    _to_world(image, world_from_image, np.rint(line).astype(np.int64), points)
    if displacement is not None:
        points = points - displacement(points - displacement(points))  # where it was at rest
    shift = 2.0 * beam.carrier[1] * middles / beam.carrier[0]  # relative change of the frequency
    decibel = np.asarray(attenuation(points, beam.frequency_hz), np.float64)
    if decibel.shape != (len(points),) or not np.isfinite(decibel).all():
        raise ValueError(
            f"attenuation_db_per_mm: expected finite ({len(points)},), got {decibel.shape}"
        )
    decibel = decibel.reshape(image.shape[:2]) * (edges[1] * (1.0 + shift))[:, None]
    amplitude = np.ones((len(edges), len(lateral)))
    if decibel.any():
        spread, half = beam.aperture
        ends = _spread(edges, grid.radius_mm) * spread, _spread(middles, grid.radius_mm) * spread
        _see_past(decibel, *ends, lateral[0], lateral[1] - lateral[0], half, amplitude)
    place = np.clip(depths / edges[1], 0.0, len(edges) - 1.0)
    above = np.minimum(place.astype(np.int64), len(edges) - 2)
    share = (place - above)[:, None]
    at_depths = (1.0 - share) * amplitude[above] + share * amplitude[above + 1]
    return at_depths.astype(np.float32)


def _spread(depths: Array, radius_mm: float) -> Array:
    """Return how far a ray that leaves its line at 45 degrees has come at depths: mm or radians."""
    return np.log1p(depths / radius_mm) if radius_mm > 0.0 else depths


@kernel
def _see_past(decibel, at_edges, at_middles, first, step, half, amplitude):
    """Write the two-way amplitude at the edges of layers, (rows + 1, lines).

    Parameters
    ----------
    decibel : (rows, lines) loss in each layer on each line, one way.
    at_edges, at_middles : half width of the aperture that is open for the edges (rows + 1,) and the
        middles (rows,) of the layers, in the unit of lateral positions.
    first, step : lateral position of the first line, and from line to line.
    half : lateral position of the array's end.
    """
    rows, lines = decibel.shape
    lossy = 0  # the first layer with a loss: all rays are alike before
    while lossy < rows and not decibel[lossy].any():
        lossy += 1
    pad = int(at_edges[rows] / step) + 2
    weight, beside = _with_sides(decibel, first, step, half, pad)
    passed, weights = np.zeros((rows + 1, lines)), np.zeros((rows + 1, lines))
    for ray in range(RAYS):
        lean = (2.0 * ray + 1.0) / RAYS - 1.0
        loss = np.zeros(len(weight))  # so far on the rays that begin at places of the face
        for row in range(lossy, rows):
            # The ray from a place of the face meets this layer beside it, by the shift.
            shift = lean * at_middles[row] / step + pad
            begin = int(np.floor(shift))
            share = shift - begin
            left = beside[row, 2 * pad - begin - 1 :][: len(loss)]
            right = beside[row, 2 * pad - begin :][: len(loss)]
            for c in range(np.uint64(len(loss))):
                loss[c] += share * left[c] + (1.0 - share) * right[c]
            # A point x below it is met by the ray from x + shift.
            shift = lean * at_edges[row + 1] / step + pad
            begin = int(np.floor(shift))
            share = shift - begin
            near, far = loss[begin:][:lines], loss[begin + 1 :][:lines]
            own, other = weight[begin:][:lines], weight[begin + 1 :][:lines]
            through, total = passed[row + 1], weights[row + 1]
            for j in range(np.uint64(lines)):
                here = (1.0 - share) * own[j] + share * other[j]
                total[j] += here
                through[j] += here * _left_of((1.0 - share) * near[j] + share * far[j])
    for row in range(lossy + 1, rows + 1):
        for j in range(lines):
            mean = passed[row, j] / weights[row, j]
            amplitude[row, j] = mean * mean


@inlined
def _left_of(decibel):
    """Return the amplitude 10^(-decibel / 20), from that of a 64th of it, by series.

    It is exact to 3e-5 of itself up to 330 dB, where it ends.
    """
    u = min(decibel * (-0.11512925464970229 / 64.0), 0.6)
    u = max(u, -0.6)
    series = 1.0 + u * (1.0 / 5.0) * (1.0 + u * (1.0 / 6.0) * (1.0 + u * (1.0 / 7.0)))
    series = 1.0 + u * (1.0 / 3.0) * (1.0 + u * (1.0 / 4.0) * series)
    series = 1.0 + u * (1.0 + u * 0.5 * series)
    for _ in range(6):
        series *= series
    return series


@kernel
def _with_sides(decibel, first, step, half, pad):
    """Return the weights of rays by where they begin, and layers that go on beyond the last lines.

    Parameters as in `_see_past`; pad: lines on either side from which rays come.
    """
    rows, lines = decibel.shape
    weight = np.empty(lines + 2 * pad)
    for c in range(len(weight)):
        weight[c] = 1.0 if abs(first + (c - pad) * step) <= half else OUTSIDE
    beside = np.empty((rows, lines + 4 * pad))
    for row in range(rows):
        for c in range(beside.shape[1]):
            beside[row, c] = decibel[row, min(max(c - 2 * pad, 0), lines - 1)]
    return weight, beside


@borrower
def _to_world(image, world_from_image, pose, points):
    """Write the world points (depths * lines, 3) mm of image points (depths, lines, 3) without z.

    pose (lines,): which of `world_from_image` (L, 4, 4) is that of each line.
    """
    rows, lines = image.shape[:2]
    for row in range(rows):
        for line in range(lines):
            matrix = world_from_image[pose[line]]
            x, y = image[row, line, 0], image[row, line, 1]
            for axis in range(3):
                place = matrix[axis, 0] * x + matrix[axis, 1] * y + matrix[axis, 3]
                points[row * lines + line, axis] = place


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
