"""The complex field of a lens, a focused rectangular aperture, in closed form.

In one plane, an aperture of height h with focus f gives at depth y and offset z from its axis
(Goodman, Introduction to Fourier Optics, eq. 4-14, with the phase of the lens)

    U = exp(i k z² / 2y) / sqrt(λ y) ∫ exp(i k (z'² (1/y - 1/f) / 2 - z z' / y)) dz'

which is a difference of two of Fresnel's integrals. The phase is that of a path longer than the
depth: exp(i k y) is left out.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmark.beam.pulse import frequencies

LEAST_DEPTH_MM = 0.5  # the integral's approximations do not hold nearer to the face

Array = NDArray[Any]


def lens_field(
    offset_mm: Array,
    depth_mm: Array,
    wavelength_mm: Array,
    bandwidth: Array,
    height_mm: float,
    focus_mm: float,
) -> Array:
    """Return the two-way field, complex, of a lens at elevations; all shapes broadcast.

    bandwidth: standard deviation of the spectrum over its centre.
    """
    total: Any = 0.0
    for share, length in frequencies(wavelength_mm, bandwidth):
        total = total + share * strip_field(offset_mm, depth_mm, length, height_mm, focus_mm) ** 2
    return total


def strip_field(
    offset_mm: Array, depth_mm: Array, wavelength_mm: Array, height_mm: float, focus_mm: float
) -> Array:
    """Return U of one frequency; all shapes broadcast."""
    bend = (1.0 / depth_mm - 1.0 / focus_mm) / (2.0 * wavelength_mm)  # cycles / mm²
    least = 1e-4 / height_mm**2
    bend = np.where(np.abs(bend) < least, np.where(bend < 0.0, -least, least), bend)
    centre = offset_mm / (depth_mm * wavelength_mm * 2.0 * bend)
    scale = 2.0 * np.sqrt(np.abs(bend))
    half = 0.5 * height_mm
    across = _fresnel(scale * (half - centre)) + _fresnel(scale * (half + centre))
    across = np.where(bend < 0.0, np.conj(across), across)
    cycles = offset_mm**2 / (2.0 * wavelength_mm * depth_mm) - bend * centre**2
    return across * np.exp(2j * np.pi * cycles) / (scale * np.sqrt(wavelength_mm * depth_mm))


def _fresnel(end: Array) -> Array:
    """Return Fresnel's C + i S, odd in `end`."""
    from scipy.special import fresnel

    sine, cosine = fresnel(end)
    return cosine + 1j * sine
