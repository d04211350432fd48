"""The grid on which sound is computed, the same for both engines, and checks of it.

Errors that an image would not show are refused here, with the numbers that would work: a grid too
coarse for the receiving band, a time step past the stability limit, a source outside the grid, a
record too short for the depth.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmark.errors import UserError

# Gaussian band limit of the source: the solver's error is 1e-4 at 1.5 cells, 2 % at 1.0.
SOURCE_SIGMA_CELLS = 1.5
MINIMUM_CELLS_PER_WAVELENGTH = 3.0

Array = NDArray[np.floating]


@dataclass(frozen=True)
class AcousticGrid:
    """Nodes in space and samples in time, image-mm frame, axes (axial, lateral[, elevation]).

    `first_mm` are the coordinates of the first node along each axis; `sensor_row` is the axial
    index of the probe face (y = 0).
    """

    spacing_mm: float
    shape: tuple[int, ...]
    first_mm: tuple[float, ...]
    sensor_row: int
    time_step_s: float
    steps: int

    @property
    def axes_mm(self) -> tuple[Array, ...]:
        """Node coordinates along each axis, mm."""
        return tuple(
            first + self.spacing_mm * np.arange(count)
            for first, count in zip(self.first_mm, self.shape, strict=True)
        )

    @property
    def duration_s(self) -> float:
        """Time of the last sample, s."""
        return (self.steps - 1) * self.time_step_s


def check_band(grid_name: str, spacing_mm: float, highest_hz: float, sound_speed: float) -> None:
    """Refuse a grid that has fewer than three cells per wavelength at the upper band edge.

    `sound_speed` is the slowest of the medium, m/s; `grid_name` names probe and band in the error.
    """
    wavelength_mm = 1e3 * sound_speed / highest_hz
    cells = wavelength_mm / spacing_mm
    if cells < MINIMUM_CELLS_PER_WAVELENGTH * (1 - 1e-9):
        largest = wavelength_mm / MINIMUM_CELLS_PER_WAVELENGTH
        highest = 1e3 * sound_speed / (MINIMUM_CELLS_PER_WAVELENGTH * spacing_mm)
        raise UserError(
            f"{grid_name}: a grid of {spacing_mm:g} mm has {cells:.2f} cells per wavelength at "
            f"{highest_hz / 1e6:.3g} MHz, expected at least {MINIMUM_CELLS_PER_WAVELENGTH:g}: "
            f"spacing_mm of {largest:.4g} or less, or a band up to {highest / 1e6:.3g} MHz"
        )


def stable_time_step_s(spacing_mm: float, fastest_m_s: float, dimensions: int) -> float:
    """Return the longest stable step, 2 / (pi sqrt(d)) cells of travel.

    M. Tabei, T. D. Mast & R. C. Waag, JASA 111 (2002) 53, eq. 11.
    """
    return 2 / (np.pi * np.sqrt(dimensions)) * spacing_mm * 1e-3 / fastest_m_s


def check_time_step(grid: AcousticGrid, fastest_m_s: float) -> None:
    """Refuse a time step beyond the stability limit of the pseudospectral scheme."""
    limit = stable_time_step_s(grid.spacing_mm, fastest_m_s, len(grid.shape))
    if grid.time_step_s > limit * (1 + 1e-9):
        number = grid.time_step_s * fastest_m_s / (grid.spacing_mm * 1e-3)
        allowed = limit * fastest_m_s / (grid.spacing_mm * 1e-3)
        raise UserError(
            f"cfl: {number:.3g} at {fastest_m_s:g} m/s is unstable in {len(grid.shape)}D, expected "
            f"at most {allowed:.3g}: a time step of {limit * 1e9:.4g} ns or less, got "
            f"{grid.time_step_s * 1e9:.4g} ns"
        )


def check_sampling(grid: AcousticGrid, highest_hz: float, fastest_m_s: float) -> None:
    """Refuse a time step with less than two samples per period of the upper band edge."""
    longest = 0.5 / highest_hz
    if grid.time_step_s > longest * (1 + 1e-9):
        speed = fastest_m_s / (grid.spacing_mm * 1e-3)  # cells per second
        raise UserError(
            f"photoacoustic.cfl: {grid.time_step_s * speed:.3g} samples less than twice a period "
            f"at {highest_hz / 1e6:.3g} MHz, expected at most {longest * speed:.3g}: a time step "
            f"of {longest * 1e9:.4g} ns or less, got {grid.time_step_s * 1e9:.4g} ns"
        )


def check_duration(grid: AcousticGrid, needed_s: float) -> None:
    """Refuse a record that ends before the sound of the deepest pixel has arrived."""
    if grid.duration_s < needed_s * (1 - 1e-9):
        steps = int(np.ceil(needed_s / grid.time_step_s)) + 1
        raise UserError(
            f"steps: {grid.steps} samples of {grid.time_step_s * 1e9:.4g} ns end at "
            f"{grid.duration_s * 1e6:.4g} us, the deepest pixel needs {needed_s * 1e6:.4g} us: "
            f"{steps} steps or more"
        )


def check_inside(
    grid: AcousticGrid, what: str, lower_mm: Sequence[float], upper_mm: Sequence[float]
) -> None:
    """Refuse a grid that does not contain a box (axial, lateral[, elevation]), image-frame mm."""
    names = ("axial", "lateral", "elevation")
    for axis, (nodes, low, high) in enumerate(zip(grid.axes_mm, lower_mm, upper_mm, strict=True)):
        if low < nodes[0] - 1e-9 or high > nodes[-1] + 1e-9:
            raise UserError(
                f"{what} outside the grid: {names[axis]} {low:.4g} to {high:.4g} mm, the grid "
                f"covers {nodes[0]:.4g} to {nodes[-1]:.4g} mm; {names[axis]} extent of at least "
                f"{high - low:.4g} mm from {low:.4g} mm is needed"
            )


def friendly_size(at_least: int) -> int:
    """Return the smallest even 2-3-5-smooth number that is not below `at_least`."""
    size = max(2, at_least + at_least % 2)
    while not _is_smooth(size):
        size += 2
    return size


def _is_smooth(number: int) -> bool:
    """Return whether a number has no prime factor but 2, 3 and 5."""
    for prime in (2, 3, 5):
        while number % prime == 0:
            number //= prime
    return number == 1


def friendly_layer(nodes: int, at_least: int) -> int:
    """Return the thinnest absorbing layer that makes nodes + 2 layers 2-3-5-smooth; nodes even."""
    return (friendly_size(nodes + 2 * at_least) - nodes) // 2
