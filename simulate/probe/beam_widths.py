"""Widths of the beam of a focused rectangular aperture, by Fresnel's integral.

In the plane at depth z an aperture h with focus f gives (Goodman, Introduction to Fourier Optics,
eq. 4-14, with the phase of the lens)

    U(y) = ∫ exp(i k (y'² (1/z - 1/f) / 2 - y y' / z)) dy',   |y'| <= h / 2.

A pulse's beam is the rms of |U| over its spectrum, each frequency with the same level on the axis.
Unlike a Gaussian beam, the beam of such an aperture is narrowest short of its focus if
h² / (4 wavelength f) is about 1, as for the lenses of common probes.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

FWHM = 2.0 * math.sqrt(2.0 * math.log(2.0))
HALF = math.sqrt(2.0 * math.log(2.0))  # exp(-HALF² / 2) is one half
LEAST_DEPTH_MM = 0.5  # the integral's approximations do not hold nearer to the face
RATIOS = np.linspace(1.0, 2.2, 7)  # of the table's wavelengths to the shortest
DEPTHS = 200  # of the table
OFFSETS = 160  # samples of an amplitude profile, from the axis outwards
PLACES = 128  # samples of a complex profile, from the axis outwards
SPECTRUM = (-2.5, 2.5, 9)  # frequencies of a pulse: from, to in standard deviations, and how many
LOWEST = 0.1  # lowest of these frequencies, over the centre frequency

Array = NDArray[Any]


class Aperture(NamedTuple):
    """A focused rectangular aperture, whose field U gives a beam of amplitude |U|^ways.

    `receive` = (f-number, largest aperture mm), or None: a factor of dynamically focused reception,
    |sinc(y / (wavelength f-number))|. `bandwidth`: standard deviation of the spectrum over its
    centre.
    """

    aperture_mm: float
    focus_mm: float
    ways: int
    bandwidth: float
    receive: tuple[float, float] | None = None


def aperture_sigma_mm(beam: Aperture, depth_mm: ArrayLike, wavelength_mm: Array) -> Array:
    """Return a beam's amplitude sigma (-6 dB width / 2.355) at depths, mm; shapes broadcast."""
    return _looked_up(half_height_width_mm, beam, depth_mm, wavelength_mm) / FWHM


def speckle_sigma_mm(beam: Aperture, depth_mm: ArrayLike, wavelength_mm: Array) -> Array:
    """Return sigma in exp(-d² / 2 sigma²), the correlation of speckle intensity after a step d, mm.

    Out of focus it is smaller than the beam's own sigma: the wavefront is curved there, so a step
    changes the phases of scatterers much more than their weights.
    """
    return _looked_up(half_correlation_mm, beam, depth_mm, wavelength_mm) / HALF


def _looked_up(
    of: Callable[[Aperture, Array, float], Array],
    beam: Aperture,
    depth_mm: ArrayLike,
    wavelength_mm: Array,
) -> Array:
    """Return a quantity of a beam, interpolated over depths and wavelengths in its table."""
    depth, wavelength = np.broadcast_arrays(np.asarray(depth_mm, np.float64), wavelength_mm)
    if not depth.size:
        return np.zeros(depth.shape)
    shortest = float(f"{wavelength.min():.6g}")
    deepest = float(2.0 ** math.ceil(math.log2(max(float(depth.max()), 1.0))))
    table = _table(of, beam, deepest, shortest)
    place = np.clip(depth / deepest * DEPTHS - 1.0, 0.0, DEPTHS - 1.0)
    ratio = np.maximum((wavelength / shortest - 1.0) / (RATIOS[1] - RATIOS[0]), 0.0)
    above = np.minimum(place.astype(np.int64), DEPTHS - 2)
    left = np.minimum(ratio.astype(np.int64), len(RATIOS) - 2)
    down, across = place - above, ratio - left
    upper = (1.0 - across) * table[above, left] + across * table[above, left + 1]
    lower = (1.0 - across) * table[above + 1, left] + across * table[above + 1, left + 1]
    return (1.0 - down) * upper + down * lower


@functools.lru_cache(maxsize=64)
def _table(
    of: Callable[[Aperture, Array, float], Array],
    beam: Aperture,
    deepest_mm: float,
    wavelength_mm: float,
) -> Array:
    """Return the table of a quantity, mm, over (DEPTHS, RATIOS)."""
    depths = np.maximum(deepest_mm * np.arange(1, DEPTHS + 1) / DEPTHS, LEAST_DEPTH_MM)
    return np.stack([of(beam, depths, ratio * wavelength_mm) for ratio in RATIOS], axis=1)


def half_height_width_mm(beam: Aperture, depth_mm: Array, wavelength_mm: float) -> Array:
    """Return the full width (D,) of a beam, mm, to where it first falls below half (-6 dB)."""
    depth = depth_mm[:, None]
    reach = _reach_mm(beam, depth, wavelength_mm)
    offset = reach * np.linspace(0.0, 1.0, OFFSETS)
    power = np.zeros(offset.shape)
    for ratio, share in _spectrum(beam):
        length = wavelength_mm / ratio
        profile = aperture_field(offset, depth, length, beam.aperture_mm, beam.focus_mm)
        profile = profile**beam.ways
        if beam.receive is not None:
            f_number = np.maximum(beam.receive[0], depth / beam.receive[1])
            profile = profile * np.abs(np.sinc(offset / (length * f_number)))
        power += share * np.square(profile / profile[:, :1])
    return 2.0 * reach[:, 0] * _half_way(np.sqrt(power / power[:, :1])) / (OFFSETS - 1)


def half_correlation_mm(beam: Aperture, depth_mm: Array, wavelength_mm: float) -> Array:
    """Return the step (D,), mm, after which a beam's speckle intensity correlates by one half.

    The squared autocorrelation of the complex field |U|^ways exp(i ways arg U), over the pulse's
    spectrum (R. F. Wagner et al., IEEE Trans. Sonics Ultrason. 30 (1983) 156).
    """
    depth = depth_mm[:, None]
    reach = _reach_mm(beam, depth, wavelength_mm)
    offset = reach * np.linspace(0.0, 1.0, PLACES)
    total: Array = np.zeros((len(depth), PLACES), np.complex128)
    for ratio, share in _spectrum(beam):
        length = wavelength_mm / ratio
        field = complex_field(offset, depth, length, beam.aperture_mm, beam.focus_mm)
        field = (field / np.abs(field[:, :1])) ** beam.ways
        whole = np.concatenate([field[:, :0:-1], field], axis=1)
        spectrum = np.abs(np.fft.fft(whole, 4 * PLACES, axis=1)) ** 2
        total = total + share * np.fft.ifft(spectrum, axis=1)[:, :PLACES]
    return reach[:, 0] / (PLACES - 1) * _half_way(np.abs(total / total[:, :1]) ** 2)


def _half_way(curves: Array) -> Array:
    """Return the fractional index (D,) at which curves (D, n) first fall below one half."""
    below, row = np.argmax(curves < 0.5, axis=1), np.arange(len(curves))
    before, after = curves[row, below - 1], curves[row, below]
    return below - 1 + (before - 0.5) / (before - after)


def _spectrum(beam: Aperture) -> Iterator[tuple[float, float]]:
    """Yield frequencies of a pulse over its centre, and their power, not normalised."""
    lowest, highest, count = SPECTRUM
    for number in np.linspace(max(lowest, (LOWEST - 1.0) / beam.bandwidth), highest, count):
        yield 1.0 + number * beam.bandwidth, math.exp(-(number**2))


def _reach_mm(beam: Aperture, depth: Array, wavelength_mm: float) -> Array:
    """Return an offset beyond the main lobe, mm: twice the geometric shadow and the diffraction."""
    shadow = beam.aperture_mm * np.abs(1.0 - depth / beam.focus_mm)
    return shadow + 2.0 * wavelength_mm * depth / beam.aperture_mm


def aperture_field(
    offset_mm: Array, depth_mm: Array, wavelength_mm: float, aperture_mm: float, focus_mm: float
) -> Array:
    """Return |U| at offsets from the axis and depths (broadcast), by Fresnel's functions.

    The scale is arbitrary.
    """
    bend, centre = _stationary(offset_mm, depth_mm, wavelength_mm, aperture_mm, focus_mm)
    cosine, sine = _fresnel_between(bend, centre, aperture_mm)
    return np.hypot(cosine, sine) / np.sqrt(np.abs(bend))


def complex_field(
    offset_mm: Array, depth_mm: Array, wavelength_mm: float, aperture_mm: float, focus_mm: float
) -> Array:
    """Return U as `aperture_field` returns |U|, with the phase over the plane at its depth."""
    bend, centre = _stationary(offset_mm, depth_mm, wavelength_mm, aperture_mm, focus_mm)
    cosine, sine = _fresnel_between(bend, centre, aperture_mm)
    cycles = offset_mm**2 / (2.0 * wavelength_mm * depth_mm) - bend * centre**2
    field = (cosine + 1j * np.sign(bend) * sine) * np.exp(2j * np.pi * cycles)
    return field / np.sqrt(np.abs(bend))


def _stationary(
    offset_mm: Array, depth_mm: Array, wavelength_mm: float, aperture_mm: float, focus_mm: float
) -> tuple[Array, Array]:
    """Return the bend of the phase over the aperture, cycles / mm², never 0, and its vertex, mm."""
    bend = (1.0 / depth_mm - 1.0 / focus_mm) / (2.0 * wavelength_mm)  # cycles / mm²
    least = 1e-4 / aperture_mm**2
    bend = np.where(np.abs(bend) < least, np.where(bend < 0.0, -least, least), bend)
    return bend, offset_mm / (depth_mm * wavelength_mm * 2.0 * bend)


def _fresnel_between(bend: Array, centre_mm: Array, aperture_mm: float) -> tuple[Array, Array]:
    """Return Fresnel's cosine and sine integrals from one end of the aperture to the other."""
    from scipy.special import fresnel

    scale = 2.0 * np.sqrt(np.abs(bend))
    upper = fresnel(scale * (0.5 * aperture_mm - centre_mm))
    lower = fresnel(scale * (-0.5 * aperture_mm - centre_mm))
    return upper[1] - lower[1], upper[0] - lower[0]
