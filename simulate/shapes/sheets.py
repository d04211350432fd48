"""Curved sheets over (x, z): skin, fascia and the other boundaries of layers, as plain numbers.

A sheet is an array (T, 4). Row 0 is level (mm), bend (1/mm), slope along x, slope along z; every
other row is one wave: amplitude (mm), wave numbers along x and z (rad/mm), phase (rad). Its height
(mm) is

    level + bend x² / 2 + slope_x x + slope_z z + sum of amplitude sin(k_x x + k_z z + phase)

`sheet_height` computes it for arrays, `height` in compiled code for one point.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmark.machine.kernels import compiled
from simulate.compiled import cached_by_source, pointwise

Array = NDArray[np.floating]

WAVES = 3  # sinusoids in each sheet
SLACK_MM = 1e-6  # of bounds on heights, far above rounding errors
FLAT = np.zeros((1, 4))  # the sheet of height 0 everywhere


class SheetPlan(NamedTuple):
    """What a sheet is drawn from: level (mm), bend (1/mm), largest slope, and its waves.

    deviation_mm: root mean square height of the waves; wavelengths_mm: shortest and longest.
    """

    level_mm: float
    bend: float
    slope: float
    deviation_mm: float
    wavelengths_mm: tuple[float, float]


def sample_sheets(rng: np.random.Generator, plans: tuple[SheetPlan, ...]) -> Array:
    """Draw one sheet per plan: (S, 1 + WAVES, 4)."""
    sheets = np.zeros((len(plans), 1 + WAVES, 4))
    for sheet, plan in zip(sheets, plans, strict=True):
        sheet[0] = plan.level_mm, plan.bend, *rng.uniform(-plan.slope, plan.slope, 2)
        wave_number = 2 * np.pi / rng.uniform(*plan.wavelengths_mm, WAVES)
        direction = rng.uniform(0, 2 * np.pi, WAVES)
        sheet[1:, 0] = plan.deviation_mm * np.sqrt(2 / WAVES)
        sheet[1:, 1] = wave_number * np.sin(direction)
        sheet[1:, 2] = wave_number * np.cos(direction)
        sheet[1:, 3] = rng.uniform(0, 2 * np.pi, WAVES)
    return sheets


def sheet_height(sheet: Array, x: Array, z: Array) -> Array:
    """Return the height (mm) of a sheet (T, 4) at x and z, two arrays of one shape."""
    phase = np.multiply.outer(x, sheet[1:, 1]) + np.multiply.outer(z, sheet[1:, 2]) + sheet[1:, 3]
    level, bend, slope_x, slope_z = sheet[0]
    plane = level + 0.5 * bend * np.square(x) + slope_x * x + slope_z * z
    return plane + (np.sin(phase) * sheet[1:, 0]).sum(-1)


def sheet_slope(sheet: Array, x: Array, z: Array) -> tuple[Array, Array]:
    """Return the derivatives of a sheet's height along x and z."""
    phase = np.multiply.outer(x, sheet[1:, 1]) + np.multiply.outer(z, sheet[1:, 2]) + sheet[1:, 3]
    waves = np.cos(phase) * sheet[1:, 0]
    _, bend, slope_x, slope_z = sheet[0]
    along_x, along_z = ((waves * sheet[1:, axis]).sum(-1) for axis in (1, 2))
    return bend * x + slope_x + along_x, slope_z + along_z


def surface(sheet: Array, x: Array, z: Array) -> tuple[Array, Array]:
    """Return a sheet's y (N,) mm and its unit normal (N, 3) towards rising y at (x, z)."""
    along_x, along_z = sheet_slope(sheet, x, z)
    normal = np.stack([-along_x, np.ones_like(along_x), -along_z], -1)
    normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
    return sheet_height(sheet, x, z), normal


@pointwise
def level_height(sheet, x, z):
    """Return the height (mm) of a sheet (T, 4) at (x, z) without its waves."""
    return sheet[0, 0] + 0.5 * sheet[0, 1] * x * x + sheet[0, 2] * x + sheet[0, 3] * z


@pointwise
def wave_bound(sheet):
    """Return a height (mm) that the waves of a sheet (T, 4) do not exceed, rounding included."""
    bound = SLACK_MM
    for row in range(1, sheet.shape[0]):
        bound += abs(sheet[row, 0])
    return bound


@pointwise
def sine(angle):
    """Return the sine of an angle of at most some thousand rad, exact to 1e-13.

    A Taylor series about the nearest multiple of pi, which the vector unit evaluates.
    """
    turns = np.floor(angle * (1.0 / np.pi) + 0.5)
    u = angle - turns * np.pi
    q = u * u
    series = q * (1.0 / 355687428096000.0) - 1.0 / 1307674368000.0
    series = q * (q * series + 1.0 / 6227020800.0) - 1.0 / 39916800.0
    series = q * (q * series + 1.0 / 362880.0) - 1.0 / 5040.0
    series = q * (q * series + 1.0 / 120.0) - 1.0 / 6.0
    odd = turns - 2.0 * np.floor(0.5 * turns)
    return (1.0 - 2.0 * odd) * (u + u * q * series)


@pointwise
def height(sheet, x, z):
    """Return the height (mm) of a sheet (T, 4) at (x, z)."""
    value = level_height(sheet, x, z)
    for row in range(1, sheet.shape[0]):
        value += sheet[row, 0] * sine(sheet[row, 1] * x + sheet[row, 2] * z + sheet[row, 3])
    return value


@pointwise
def tilt(sheet, x, z):
    """Return the derivatives of the height of a sheet (T, 4) along x and z at (x, z)."""
    across, along = sheet[0, 1] * x + sheet[0, 2], sheet[0, 3]
    for row in range(1, sheet.shape[0]):
        phase = sheet[row, 1] * x + sheet[row, 2] * z + sheet[row, 3]
        wave = sheet[row, 0] * sine(phase + 0.5 * np.pi)
        across, along = across + wave * sheet[row, 1], along + wave * sheet[row, 2]
    return across, along


@pointwise
def level_bounds(sheet, x_low, x_high, z_low, z_high):
    """Return two heights (mm) between which a sheet (T, 4) lies over a rectangle, waves and all."""
    half, tilt = 0.5 * sheet[0, 1], sheet[0, 2]
    ends = half * x_low * x_low + tilt * x_low, half * x_high * x_high + tilt * x_high
    low, high = min(ends[0], ends[1]), max(ends[0], ends[1])
    if half != 0.0 and x_low < -0.5 * tilt / half < x_high:  # the parabola's own end
        end = -0.25 * tilt * tilt / half
        low, high = min(low, end), max(high, end)
    along = sheet[0, 3] * z_low, sheet[0, 3] * z_high
    waves = wave_bound(sheet)
    low += sheet[0, 0] + min(along[0], along[1]) - waves
    return low, high + sheet[0, 0] + max(along[0], along[1]) + waves


@cached_by_source
@compiled(nogil=True, error_model="numpy")
def sheet_heights(sheet, x, z):
    """Return the height (M,) mm of a sheet (T, 4) at x, z (M,), compiled; see `sheet_height`."""
    result = np.empty(len(x))
    for n in range(len(x)):
        result[n] = level_height(sheet, x[n], z[n])
    for row in range(1, sheet.shape[0]):
        size, across, along, phase = sheet[row]
        for n in range(len(x)):
            result[n] += size * sine(across * x[n] + along * z[n] + phase)
    return result


def depths_below(sheet: Array, points: Array) -> NDArray[np.float64]:
    """Return the depth (M,) mm of points (M, 3) mm below a sheet (T, 4), negative above it."""
    x, y, z = np.ascontiguousarray(np.asarray(points, np.float64).T)
    return y - sheet_heights(sheet, x, z)
