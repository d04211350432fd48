"""The sampled beam: all depth-dependent numbers that turn scatterers into baseband IQ."""

from __future__ import annotations

import functools
import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmark.beam.array import FWHM
from benchmark.errors import UserError
from simulate.iq.echo import Echo
from simulate.iq.gain import receive_gains
from simulate.iq.lens import LensTable, lens_table, with_one_valley
from simulate.iq.taps import LineTaps, field_lines, gaussian_lines, gaussian_taps, line_half
from simulate.probe.transducer import Probe

# Largest steps of IQ samples, in sigmas of the amplitude PSF: the cubic splat is then exact to
# 0.4 %.
AXIAL_STEP = 0.85
LATERAL_STEP = 0.64
FIELD_STEP = 0.48  # the same for the array's field, over the step that its band needs at least
ELEVATION_CUT = 3.0  # sigmas from the plane at which scatterers are cut off: 0.5 % of the rms
SPLAT_REACH = 2  # samples that a splat touches on either side
ELEVATION_DEGREE = 6  # of the polynomial of `Beam.elevation`

Array = NDArray[Any]  # float64
Float32 = NDArray[np.float32]


class Grid(NamedTuple):
    """Baseband sampling grid: columns are lateral positions, rows depths (mm).

    Lateral positions are mm for a linear probe (`radius_mm` 0) and radians about the centre of
    curvature for a curvilinear one. The border holds scatterers whose echo reaches inside; the
    inner grid is what is left without it. The inner grid has `reduce - 1` samples more on each side
    than the image needs, for the low-pass filter of the reduction by `reduce_rows` and
    `reduce_columns`.
    """

    columns: int
    rows: int
    column_step: float
    row_step: float
    first_column: float
    first_row: float
    border_columns: int
    border_rows: int
    reduce_columns: int
    reduce_rows: int
    radius_mm: float

    @property
    def depths_mm(self) -> Array:
        """Depths (inner rows,), mm."""
        inner = np.arange(self.border_rows, self.rows - self.border_rows)
        return self.first_row + self.row_step * inner

    @property
    def lateral(self) -> Array:
        """Lateral positions (inner columns,), mm (linear) or radians (curvilinear)."""
        inner = np.arange(self.border_columns, self.columns - self.border_columns)
        return self.first_column + self.column_step * inner


class Beam(NamedTuple):
    """Grid, filters and gains of one probe in one tissue; arrays for the compiled kernels.

    frequency_hz : centre frequency of the probe.
    carrier : (a, b): the phase of an echo from depth y is -(a y + b y²) cycles.
    elevation, elevation_scale : 2 sigma_elevation² (mm²) at depth y is the polynomial `elevation`,
        lowest power first, in y * elevation_scale - 1.
    lens : None, or the weights of the lens's field in place of the polynomial.
    elevation_cut : largest exponent z² / (2 sigma_elevation²) of a scatterer that is heard.
    elevation_reach : (rows,) mm; no scatterer farther out of the plane than this is heard.
    axial_taps : filter over rows.
    lateral_taps, lateral_half, zones, zones_used : filters over columns, for each inner row:
        `taps`, `half`, `first` and `used` of `simulate.iq.taps.LineTaps`.
    gain : (inner rows, inner columns) factor after the filters.
    noise_gain : (rows,) factor of unit noise before the filters.
    keep : (rows,) share of the scatterers with which a resolution cell holds as many as the
        smallest one of the image; at most 1.
    aperture : half width of the receive aperture for each mm of depth, and lateral position of the
        array's end, mm or radians; shadows see past obstacles by it.
    """

    grid: Grid
    frequency_hz: float
    carrier: tuple[float, float]
    elevation: Float32
    elevation_scale: float
    lens: LensTable | None
    elevation_cut: float
    elevation_reach: Array
    axial_taps: Float32
    lateral_taps: Float32
    lateral_half: NDArray[np.int64]
    zones: NDArray[np.int64]
    zones_used: NDArray[np.int64]
    gain: Float32
    noise_gain: Float32
    keep: Array
    aperture: tuple[float, float] = (0.0, math.inf)


def scatterer_density(probe: Probe, scatterers_per_cell: float) -> float:
    """Return the scatterers per mm³ with which the smallest resolution cell holds that many.

    The cell is the product of the three -6 dB widths of the pulse-echo amplitude; its volume is
    taken at the depth where it is smallest, near the foci, so every other depth has more.
    """
    depths = np.maximum(probe.row_depths_mm, 0.0)
    area = probe.sigma_lateral_mm(depths) * probe.sigma_elevation_mm(depths)
    return scatterers_per_cell / float(FWHM**3 * area.min() * probe.sigma_axial_mm)


def share_kept_at(probe: Probe, depths_mm: Array) -> Array:
    """Return the smallest resolution cell of the image over the cell at each depth, at most 1."""
    image = np.maximum(probe.row_depths_mm, 0.0)
    smallest = (probe.sigma_lateral_mm(image) * probe.sigma_elevation_mm(image)).min()
    depths = np.maximum(depths_mm, 0.0)
    area = probe.sigma_lateral_mm(depths) * probe.sigma_elevation_mm(depths)
    return np.minimum(smallest / area, 1.0)


@functools.lru_cache(maxsize=4)  # the sweeps of a data set mostly share one probe
def sampled_beam(
    probe: Probe,
    attenuation_db_cm_mhz: float,
    density_per_mm3: float,
    *,
    time_gain_compensation: bool = True,
    noise_db: float = -math.inf,
    noise_depth_mm: float = 20.0,
    cut_sigmas: float = ELEVATION_CUT,
) -> Beam:
    """Return all that the kernels need to know of a probe in a tissue of given attenuation.

    Parameters
    ----------
    density_per_mm3 : of the scatterers.
    time_gain_compensation : the IQ of the reference tissue has rms 1 at every depth; without it,
        only at `noise_depth_mm`.
    noise_db, noise_depth_mm : level of the noise relative to the reference tissue at that depth;
        before the compensation it is the same at all depths.
    cut_sigmas : elevational sigmas from the plane at which scatterers are cut off; the field of a
        lens is faded out where 0.3 % of its energy are farther out, times this over 3.

    Raises
    ------
    UserError : attenuation lowers the echo frequency by more than half; there is no echo from
        `noise_depth_mm` although a level refers to it.
    """
    echo = Echo(probe, attenuation_db_cm_mhz)
    _refuse_a_low_echo(echo)
    grid = _sampling(echo)
    inner = grid.depths_mm
    axial = gaussian_taps(np.array([probe.sigma_axial_mm]), grid.row_step)[0]
    lateral = _line_taps(echo, grid)
    gain, noise = receive_gains(
        echo, inner, density_per_mm3, time_gain_compensation, noise_db, noise_depth_mm
    )
    response = gain * np.sqrt((axial**2).sum() * (lateral.taps[-1] ** 2).sum(axis=(1, 2)))
    scale, elevation = _elevation_polynomial(echo, grid)
    rows = grid.first_row + grid.row_step * np.arange(grid.rows)
    lens, reach = _elevation(echo, rows, cut_sigmas)
    return Beam(
        grid=grid,
        frequency_hz=probe.centre_frequency_hz,
        carrier=_carrier(echo),
        elevation=elevation,
        elevation_scale=scale,
        lens=lens,
        elevation_cut=0.5 * cut_sigmas**2,
        elevation_reach=1.01 * reach,
        axial_taps=axial.astype(np.float32),
        lateral_taps=lateral.taps,
        lateral_half=lateral.half,
        zones=lateral.first,
        zones_used=lateral.used,
        gain=(gain[:, None] * lateral.gain).astype(np.float32),
        noise_gain=np.pad(noise / response, grid.border_rows, mode="edge").astype(np.float32),
        keep=share_kept_at(probe, rows),
        aperture=(0.5 / probe.f_number, 0.5 * probe.aperture_mm / (probe.radius_mm or 1.0)),
    )


def _elevation(echo: Echo, rows_mm: Array, cut_sigmas: float) -> tuple[LensTable | None, Array]:
    """Return `Beam.lens`, and how far out of the plane (rows,) mm anything is heard."""
    depths = np.maximum(rows_mm, 0.0)
    if not echo.probe.diffraction:
        return None, cut_sigmas * with_one_valley(echo.sigma_elevation_mm(depths))
    table, levels, reach = lens_table(echo, float(depths[-1]), cut_sigmas / ELEVATION_CUT)
    return table, np.interp(depths, levels, reach)


def _line_taps(echo: Echo, grid: Grid) -> LineTaps:
    """Return the lateral filters at the inner rows and columns of a grid."""
    depths, step = grid.depths_mm, grid.column_step
    if not echo.probe.diffraction:
        return gaussian_lines(echo.sigma_lateral(depths), step, len(grid.lateral))
    half = grid.border_columns - SPLAT_REACH
    return field_lines(echo, depths, grid.lateral, step, half)


def _refuse_a_low_echo(echo: Echo) -> None:
    """Raise UserError if attenuation lowers the echo frequency by more than half."""
    probe = echo.probe
    if echo.frequency_hz(np.array(probe.depth_mm)) < 0.5 * probe.centre_frequency_hz:
        raise UserError(
            f"tissue.attenuation_db_cm_mhz: {echo.attenuation_db_cm_mhz:g} lowers the echo "
            f"frequency of probe '{probe.name}' by more than half at depth_mm = "
            f"{probe.depth_mm:g}; expected a smaller attenuation, depth or bandwidth"
        )


def _carrier(echo: Echo) -> tuple[float, float]:
    """Return `Beam.carrier`: the frequency of the echo falls in proportion to its depth."""
    probe = echo.probe
    cycles_per_mm_hz = 2e-3 / probe.sound_speed_m_s  # there and back
    shift_hz_per_mm = probe.centre_frequency_hz - float(echo.frequency_hz(np.array(1.0)))
    return (
        cycles_per_mm_hz * probe.centre_frequency_hz,
        -0.5 * cycles_per_mm_hz * shift_hz_per_mm,
    )


def _sampling(echo: Echo) -> Grid:
    """Return the coarsest grid that is fine enough for the PSF.

    The pixel of the image is a whole number of its steps, for a curvilinear probe in depth only.
    """
    probe = echo.probe
    linear = probe.geometry == "linear"
    start = probe.start_depth_mm if linear else 0.0
    spacing_x, spacing_y = probe.pixel_mm
    depths = np.linspace(start - spacing_y, probe.depth_mm + spacing_y, 512)
    finest = _finest_step(echo, depths)
    reduce_rows = math.ceil(spacing_y / (AXIAL_STEP * probe.sigma_axial_mm))
    row_step = spacing_y / reduce_rows
    if linear:
        width = probe.width_mm
        reduce_columns = math.ceil(spacing_x / finest)
        column_step = spacing_x / reduce_columns
    else:
        width = probe.aperture_mm / probe.radius_mm
        column_step = width / math.ceil(width / finest)
        middle = column_step * (probe.radius_mm + 0.5 * probe.depth_mm)
        reduce_columns = max(1, round(spacing_x / middle))
    border_columns = _reach(echo, depths, column_step) + SPLAT_REACH
    border_rows = (
        gaussian_taps(np.array([probe.sigma_axial_mm]), row_step).shape[1] // 2 + SPLAT_REACH
    )
    outside_columns = reduce_columns - 1 + border_columns
    outside_rows = reduce_rows - 1 + border_rows
    return Grid(
        columns=round(width / column_step) + 1 + 2 * outside_columns,
        rows=math.ceil((probe.depth_mm - start) / row_step - 1e-6) + 1 + 2 * outside_rows,
        column_step=column_step,
        row_step=row_step,
        first_column=-0.5 * width - outside_columns * column_step,
        first_row=start - outside_rows * row_step,
        border_columns=border_columns,
        border_rows=border_rows,
        reduce_columns=reduce_columns,
        reduce_rows=reduce_rows,
        radius_mm=float(probe.radius_mm),
    )


def _finest_step(echo: Echo, depths_mm: Array) -> float:
    """Return the largest step of columns, mm or radians, that is fine enough for the beam.

    The field of an array has no finer detail than the sum of both apertures gives: seen from the
    line, 1 / F of transmission at its focus and of reception anywhere.
    """
    probe = echo.probe
    if not probe.diffraction:
        return LATERAL_STEP * float(echo.sigma_lateral(depths_mm).min())
    focus = probe.transmit_focus_mm
    sent = probe.transmit_aperture_mm / focus * echo.lateral_unit_mm(np.array(focus))
    unit = echo.lateral_unit_mm(depths_mm)
    band = (sent + unit / probe.receive_f_number(depths_mm)) / echo.wavelength_mm(depths_mm)
    return FIELD_STEP / float(band.max())


def _reach(echo: Echo, depths_mm: Array, column_step: float) -> int:
    """Return the number of taps on each side of the middle one of the widest lateral filter."""
    if not echo.probe.diffraction:
        return gaussian_taps(echo.sigma_lateral(depths_mm), column_step).shape[1] // 2
    return line_half(echo, depths_mm, column_step)


def _elevation_polynomial(echo: Echo, grid: Grid) -> tuple[float, Float32]:
    """Return `elevation_scale` and `elevation` of `Beam`, a fit of 2 sigma_elevation² over depth.

    Exact without attenuation, to 0.1 % with it. Zeros where `Beam.lens` takes its place.
    """
    if echo.probe.diffraction:
        return 1.0, np.zeros(ELEVATION_DEGREE + 1, np.float32)
    deepest = grid.first_row + grid.row_step * grid.rows
    scale = 2.0 / deepest
    depths = np.linspace(0.0, deepest, 400)
    values = 2.0 * echo.sigma_elevation_mm(depths) ** 2
    position = depths * scale - 1.0
    fit = np.polynomial.Polynomial.fit(
        position, values, ELEVATION_DEGREE, domain=[-1, 1], w=1.0 / values
    )
    return scale, fit.coef.astype(np.float32)
