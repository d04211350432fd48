"""Widths of a beam from its complex profile: of its energy, of its speckle, at half height.

A width at half height steps where a shoulder of the profile passes that height, so the width of a
beam is, but for photoacoustics, that of its energy:

    sigma = (∫ |U|² dx)² / (√(2π) ∫ |U|⁴ dx)

which for a Gaussian exp(-x² / 2 sigma²) is its own sigma, changes smoothly with depth, and says how
many scatterers share in an echo: the contrast of intensity is √(1 + 1 / N) with N = density ×
(2π)^1.5 × the product of the three sigmas.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from benchmark.beam.lens import LEAST_DEPTH_MM, strip_field

FWHM = 2.0 * math.sqrt(2.0 * math.log(2.0))
HALF = math.sqrt(2.0 * math.log(2.0))  # exp(-HALF² / 2) is one half
NODES = 48  # depths at which a profile is worked out, at most
PLACES = 128  # samples of a one-way profile
SPECTRUM = (-2.5, 2.5, 9)  # frequencies of a received pulse, in its standard deviations
LOWEST = 0.1  # lowest of these frequencies, over the centre frequency
FADED = 0.1  # half the width of the fade at the end of a field, over where its middle is

Array = NDArray[Any]


class Profile(NamedTuple):
    """A beam across its axis, even: how to work it out, and from how many samples.

    field : (offsets (D, places) mm, depths (D, 1) mm, wavelengths (D, 1) mm) -> (D, places).
    reach : (depths (D,) mm, wavelengths (D,) mm) -> the last offsets (D,), mm.
    """

    field: Callable[[Array, Array, Array], Array]
    reach: Callable[[Array, Array], Array]
    places: int


def along_depth(
    quantity: Callable[[Array, Array], Array], depth_mm: ArrayLike, wavelength_mm: ArrayLike
) -> Array:
    """Return a quantity of depths and wavelengths, shapes broadcast, from `NODES` of them at most.

    It is interpolated over depth where the wavelength is a function of depth, as it is in tissue.
    """
    depth, wavelength = np.broadcast_arrays(
        np.maximum(np.asarray(depth_mm, np.float64), LEAST_DEPTH_MM), wavelength_mm
    )
    pairs, place = np.unique(
        np.stack([depth.ravel(), wavelength.ravel()]), axis=1, return_inverse=True
    )
    deep, long = pairs
    if len(deep) > NODES:
        chosen = np.unique(np.linspace(0, len(deep) - 1, NODES).round().astype(np.int64))
        nodes, lengths = deep[chosen], long[chosen]
        if np.allclose(np.interp(deep, nodes, lengths), long, rtol=0.01):
            found = np.interp(deep, nodes, quantity(nodes, lengths))
            return found[place].reshape(depth.shape)
    return quantity(deep, long)[place].reshape(depth.shape) if len(deep) else np.zeros(depth.shape)


def _samples(profile: Profile, depth_mm: Array, wavelength_mm: Array) -> tuple[Array, Array]:
    """Return the samples (D, places) of a profile, from the axis outwards, and their steps (D,)."""
    last = profile.reach(depth_mm, wavelength_mm)
    offset = last[:, None] * np.linspace(0.0, 1.0, profile.places)
    field = profile.field(offset, depth_mm[:, None], wavelength_mm[:, None])
    return field, last / (profile.places - 1)


def energy(profile: Profile, depth_mm: Array, wavelength_mm: Array) -> Array:
    """Return ∫ |U|² dx (D,) of a profile at depths and wavelengths (D,)."""
    samples, step = _samples(profile, depth_mm, wavelength_mm)
    return step * _both_sides(np.abs(samples) ** 2)


def energy_reach_mm(
    profile: Profile, depth_mm: Array, wavelength_mm: Array, outside: float
) -> Array:
    """Return the offsets (D,), mm, beyond which lies a share `outside` of a profile's energy."""
    samples, step = _samples(profile, depth_mm, wavelength_mm)
    held = np.cumsum(np.abs(samples) ** 2, axis=1)
    kept = held >= (1.0 - outside) * held[:, -1:]
    return step * np.argmax(kept, axis=1)


def faded(share: Array) -> Array:
    """Return the factor, 1 to 0, on a field at shares of the offset at which it ends.

    Half a cosine whose middle lies at 1 / (1 + FADED).
    """
    fade = np.clip((1.0 - share) * (1.0 + FADED) / (2.0 * FADED), 0.0, 1.0)
    return 0.5 - 0.5 * np.cos(np.pi * fade)


def energy_sigma_mm(profile: Profile, depth: ArrayLike, wavelength: ArrayLike) -> Array:
    """Return the sigma, mm, of a profile's energy; shapes broadcast."""

    def sigma(depth_mm: Array, wavelength_mm: Array) -> Array:
        samples, step = _samples(profile, depth_mm, wavelength_mm)
        power = np.abs(samples) ** 2
        width = step * _both_sides(power) ** 2 / _both_sides(power**2)
        return width / math.sqrt(2.0 * math.pi)

    return along_depth(sigma, depth, wavelength)


def speckle_sigma_mm(profile: Profile, depth: ArrayLike, wavelength: ArrayLike) -> Array:
    """Return sigma in exp(-d² / 2 sigma²), the correlation of speckle intensity after a step d, mm.

    By the step of half correlation, from the squared autocorrelation of the profile (R. F. Wagner
    et al., IEEE Trans. Sonics Ultrason. 30 (1983) 156). Out of focus it is smaller than the beam's
    own sigma: the wavefront is curved there, so a step changes the phases of scatterers much more
    than their weights.
    """

    def sigma(depth_mm: Array, wavelength_mm: Array) -> Array:
        samples, step = _samples(profile, depth_mm, wavelength_mm)
        whole = np.concatenate([samples[:, :0:-1], samples], axis=1)
        spectrum = np.abs(np.fft.fft(whole, 4 * profile.places, axis=1)) ** 2
        overlap = np.abs(np.fft.ifft(spectrum, axis=1)[:, : profile.places]) ** 2
        return step * _half_way(overlap / overlap[:, :1]) / HALF

    return along_depth(sigma, depth, wavelength)


def _both_sides(samples: Array) -> Array:
    """Return the sums (D,) of even profiles of which samples (D, n) start on the axis."""
    return 2.0 * samples.sum(axis=1) - samples[:, 0]


def half_height_sigma_mm(
    aperture_mm: float, focus_mm: float, bandwidth: float, depth: ArrayLike, wavelength: ArrayLike
) -> Array:
    """Return the one-way -6 dB width over 2.355, mm, of the rms over a received spectrum.

    Each frequency counts with the same level on the axis. bandwidth: standard deviation of the
    spectrum over its centre.
    """
    first, last, count = SPECTRUM
    numbers = np.linspace(max(first, (LOWEST - 1.0) / bandwidth), last, count)

    def level(offset: Array, depth_mm: Array, wavelength_mm: Array) -> Array:
        power = np.zeros(offset.shape)
        for number in numbers:
            length = wavelength_mm / (1.0 + number * bandwidth)
            profile = np.abs(strip_field(offset, depth_mm, length, aperture_mm, focus_mm))
            power += math.exp(-(number**2)) * np.square(profile / profile[:, :1])
        return np.sqrt(power / power[:, :1])

    def reach(depth_mm: Array, wavelength_mm: Array) -> Array:
        shadow = aperture_mm * np.abs(1.0 - depth_mm / focus_mm)
        return shadow + 2.0 * wavelength_mm * depth_mm / aperture_mm

    def sigma(depth_mm: Array, wavelength_mm: Array) -> Array:
        samples, step = _samples(Profile(level, reach, PLACES), depth_mm, wavelength_mm)
        return 2.0 * step * _half_way(samples) / FWHM

    return along_depth(sigma, depth, wavelength)


def _half_way(curves: Array) -> Array:
    """Return the fractional index (D,) at which curves (D, n) first fall below one half."""
    below, row = np.argmax(curves < 0.5, axis=1), np.arange(len(curves))
    before, after = curves[row, below - 1], curves[row, below]
    return below - 1 + (before - 0.5) / (before - after)
