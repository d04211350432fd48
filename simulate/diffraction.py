"""Widths of the beam of a focused rectangular aperture, by Fresnel's integral.

In the plane at depth z an aperture h with focus f gives (Goodman, Introduction to Fourier Optics,
eq. 4-14, with the phase of the lens)

    U(y) = ∫ exp(i k (y'² (1/z - 1/f) / 2 - y y' / z)) dy',   |y'| <= h / 2.

A pulse's beam is the rms of that over its spectrum, each frequency with the same level on the axis.
Unlike a Gaussian beam, such an aperture is narrowest before its focus where h² / (4 wavelength f)
is about 1, as for the lenses of common probes.
"""

from __future__ import annotations

import functools
import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

FWHM = 2.0 * math.sqrt(2.0 * math.log(2.0))
LEAST_DEPTH_MM = 0.5  # the integral's approximations end before the face does
RATIOS = np.linspace(1.0, 2.2, 7)  # of wavelengths, from the shortest that is asked for
DEPTHS = 200  # of the table
OFFSETS = 160  # across the beam
SPECTRUM = np.linspace(-2.5, 2.5, 9)  # in standard deviations

Array = NDArray[Any]


class Aperture(NamedTuple):
    """A focused rectangular aperture, and what its field U becomes: |U|^ways.

    `receive` = (f-number, aperture mm at most), where that is multiplied by the field of a
    dynamically focused reception, |sinc(y / (wavelength f-number))|. `bandwidth`: standard
    deviation of the spectrum over its centre.
    """

    aperture_mm: float
    focus_mm: float
    ways: int
    bandwidth: float
    receive: tuple[float, float] | None = None


def aperture_sigma_mm(beam: Aperture, depth_mm: ArrayLike, wavelength_mm: Array) -> Array:
    """Amplitude sigma (-6 dB width over 2.355) of a beam at depths, mm; shapes broadcast."""
    depth, wavelength = np.broadcast_arrays(np.asarray(depth_mm, np.float64), wavelength_mm)
    if not depth.size:
        return np.zeros(depth.shape)
    shortest = float(f"{wavelength.min():.6g}")
    deepest = float(2.0 ** math.ceil(math.log2(max(float(depth.max()), 1.0))))
    widths = _table(beam, deepest, shortest)
    place = np.clip(depth / deepest * DEPTHS - 1.0, 0.0, DEPTHS - 1.0)
    ratio = np.maximum((wavelength / shortest - 1.0) / (RATIOS[1] - RATIOS[0]), 0.0)
    above = np.minimum(place.astype(np.int64), DEPTHS - 2)
    left = np.minimum(ratio.astype(np.int64), len(RATIOS) - 2)
    down, across = place - above, ratio - left
    upper = (1.0 - across) * widths[above, left] + across * widths[above, left + 1]
    lower = (1.0 - across) * widths[above + 1, left] + across * widths[above + 1, left + 1]
    return ((1.0 - down) * upper + down * lower) / FWHM


@functools.lru_cache(maxsize=64)
def _table(beam: Aperture, deepest_mm: float, wavelength_mm: float) -> Array:
    """-6 dB widths (DEPTHS, RATIOS) mm."""
    depths = np.maximum(deepest_mm * np.arange(1, DEPTHS + 1) / DEPTHS, LEAST_DEPTH_MM)
    return np.stack(
        [half_height_width_mm(beam, depths, ratio * wavelength_mm) for ratio in RATIOS], axis=1
    )


def half_height_width_mm(beam: Aperture, depth_mm: Array, wavelength_mm: float) -> Array:
    """-6 dB full width (D,) of a beam, from the axis to where it first falls below half."""
    depth = depth_mm[:, None]
    # Twice the geometric shadow and the diffraction of the aperture hold the main lobe.
    reach = beam.aperture_mm * np.abs(1.0 - depth / beam.focus_mm)
    reach = reach + 2.0 * wavelength_mm * depth / beam.aperture_mm
    offset = reach * np.linspace(0.0, 1.0, OFFSETS)
    power = np.zeros(offset.shape)
    for number in SPECTRUM:
        length = wavelength_mm / (1.0 + number * beam.bandwidth)
        profile = aperture_field(offset, depth, length, beam.aperture_mm, beam.focus_mm)
        profile = profile**beam.ways
        if beam.receive is not None:
            f_number = np.maximum(beam.receive[0], depth / beam.receive[1])
            profile = profile * np.abs(np.sinc(offset / (length * f_number)))
        power += math.exp(-(number**2)) * np.square(profile / profile[:, :1])
    amplitude = np.sqrt(power / power[:, :1])
    below = np.argmax(amplitude < 0.5, axis=1)
    row = np.arange(len(depth))
    before, after = amplitude[row, below - 1], amplitude[row, below]
    return 2.0 * reach[:, 0] * (below - 1 + (before - 0.5) / (before - after)) / (OFFSETS - 1)


def aperture_field(
    offset_mm: Array, depth_mm: Array, wavelength_mm: float, aperture_mm: float, focus_mm: float
) -> Array:
    """|U| at offsets from the axis and depths (broadcast), by Fresnel's functions; any scale."""
    from scipy.special import fresnel

    bend = (1.0 / depth_mm - 1.0 / focus_mm) / (2.0 * wavelength_mm)  # cycles / mm²
    least = 1e-4 / aperture_mm**2
    bend = np.where(np.abs(bend) < least, np.where(bend < 0.0, -least, least), bend)
    centre = offset_mm / (depth_mm * wavelength_mm * 2.0 * bend)  # mm, of the stationary phase
    scale = 2.0 * np.sqrt(np.abs(bend))
    upper = fresnel(scale * (0.5 * aperture_mm - centre))
    lower = fresnel(scale * (-0.5 * aperture_mm - centre))
    return np.hypot(upper[0] - lower[0], upper[1] - lower[1]) / scale
