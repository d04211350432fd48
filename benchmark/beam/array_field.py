"""The two-way field of an array with a lens: elevation and lateral, by depth and wavelength.

The field is that of the mean frequency of speckle. The spectrum of an echo on the axis is the
pulse's at every depth; the energy of speckle at a frequency is that times the energy of the beam,
∫ |U_T U_R|² over both axes, over its power on the axis. Lower frequencies have wider beams: the
mean lies below the pulse's by about (σ_f / f)², and above it where the beam of lower frequencies
is hollow.
"""

from __future__ import annotations

import functools
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmark.beam.lens import LEAST_DEPTH_MM, lens_field, strip_field
from benchmark.beam.line import Apertures, line_energies, line_fields, over_the_axis
from benchmark.beam.widths import Profile

LENS_PLACES, LINE_PLACES = 96, 40  # samples of a beam, from its axis outwards
# Where fields are taken to end, in distances from the axis to the first zero of a focused aperture.
LOBES = 2.5  # beyond the shadow of the lens or of the transmit aperture
RECEIVE_LOBES = 5.0  # of reception, farther out than which echoes are later than the pulse is long
DEPTHS = 96  # at which the mean frequency of speckle is worked out
SPECTRUM = np.linspace(-2.4, 2.4, 9)  # its frequencies, in standard deviations of the pulse
LOWEST = 0.1  # lowest of them, over the centre frequency

Array = NDArray[Any]


class ArrayField(NamedTuple):
    """The numbers of an array that its field depends on; mm.

    lens, sent : (aperture, focus) of the lens, and of transmission away from the array's ends.
    f_number : of reception, at all depths.
    length, pitch, radius : of the array, its elements and its face (0 for a straight one).
    wavelength : at the centre of the pulse's spectrum.
    sigma_cycles : standard deviation of the pulse's amplitude spectrum, cycles / mm.
    depth : down to which the field is asked for.
    """

    lens: tuple[float, float]
    sent: tuple[float, float]
    f_number: float
    length: float
    pitch: float
    radius: float
    wavelength: float
    sigma_cycles: float
    depth: float

    @property
    def lens_profile(self) -> Profile:
        """The elevational beam."""
        return Profile(self.lens_field, self._lens_reach_mm, LENS_PLACES)

    @property
    def line_profile(self) -> Profile:
        """The lateral beam in the middle of the array."""
        middle = np.array([0.5 * self.length])

        def field(offset_mm: Array, depth_mm: Array, wavelength_mm: Array) -> Array:
            return self.line_fields(offset_mm, depth_mm[:, 0], wavelength_mm[:, 0], middle)[0]

        return Profile(field, self._line_reach_mm, LINE_PLACES)

    def lens_field(self, offset_mm: Array, depth_mm: Array, wavelength_mm: Array) -> Array:
        """Return the complex field of the lens at elevations; see `benchmark.beam.lens`.

        wavelength_mm: at the centre of the pulse's spectrum; all shapes broadcast.
        """
        depth = np.maximum(depth_mm, LEAST_DEPTH_MM)
        length = self._speckle_wavelength_mm(depth, wavelength_mm)
        return lens_field(offset_mm, depth, length, self.sigma_cycles * wavelength_mm, *self.lens)

    def line_fields(
        self, offset_mm: Array, depth_mm: Array, wavelength_mm: Array, places_mm: Array
    ) -> Array:
        """Return the complex fields (Z, D, X) about lines; see `benchmark.beam.line`.

        Parameters
        ----------
        offset_mm : (D, X) from the line.
        depth_mm, wavelength_mm : (D,); at the centre of the pulse's spectrum.
        places_mm : (Z,) of the lines along the face, from the array's first end.
        """
        depth = np.maximum(depth_mm, LEAST_DEPTH_MM)
        length = self._speckle_wavelength_mm(depth, wavelength_mm)
        bandwidth = self.sigma_cycles * wavelength_mm
        return line_fields(self._apertures, offset_mm, depth, length, bandwidth, places_mm)

    def heard_mm(self, depth_mm: Array) -> Array:
        """Return the receive aperture at depths, away from the array's ends."""
        return np.minimum(depth_mm / self.f_number, self.length)

    def _lens_reach_mm(self, depth_mm: Array, wavelength_mm: Array) -> Array:
        """Return the elevation beyond which the field of the lens is negligible."""
        depth, (height, focus) = np.maximum(depth_mm, LEAST_DEPTH_MM), self.lens
        return 0.5 * height * np.abs(1.0 - depth / focus) + LOBES * wavelength_mm * depth / height

    def _line_reach_mm(self, depth_mm: Array, wavelength_mm: Array) -> Array:
        """Return the offset from a line beyond which its field is negligible."""
        depth, (sent, focus) = np.maximum(depth_mm, LEAST_DEPTH_MM), self.sent
        shadow = 0.5 * sent * np.abs(1.0 - depth / focus)
        zero = wavelength_mm * depth / self.heard_mm(depth)  # first of the receive beam
        return np.minimum(shadow + LOBES * wavelength_mm * depth / sent, RECEIVE_LOBES * zero)

    @property
    def _apertures(self) -> Apertures:
        return Apertures(self.length, self.pitch, self.radius, *self.sent, self.f_number)

    def _speckle_wavelength_mm(self, depth_mm: Array, wavelength_mm: Array) -> Array:
        """Return the wavelength of the mean frequency of speckle.

        Its distance from the pulse's centre is that of the probe's own pulse, before attenuation,
        times the square of the relative bandwidth.
        """
        wider = np.square(wavelength_mm / self.wavelength)
        ratio = 1.0 + wider * (np.interp(depth_mm, *_mean_frequency(self)) - 1.0)
        return wavelength_mm / np.maximum(ratio, LOWEST)


@functools.lru_cache(maxsize=64)
def _mean_frequency(field: ArrayField) -> tuple[Array, Array]:
    """Return depths (DEPTHS,) and the mean frequency of speckle there over the pulse's centre.

    The root of the mean square: correlations fall with the square of the wavenumber.
    """
    depth = np.linspace(LEAST_DEPTH_MM, max(field.depth, 2.0 * LEAST_DEPTH_MM), DEPTHS)
    ratio = 1.0 + field.sigma_cycles * field.wavelength * SPECTRUM
    weight = np.where(ratio < LOWEST, 0.0, np.exp(-np.square(SPECTRUM)))
    lengths = field.wavelength / np.maximum(ratio, LOWEST)
    wide = np.full(DEPTHS, lengths.max())
    share = np.linspace(0.0, 1.0, LINE_PLACES)
    across, aside = field._line_reach_mm(depth, wide), field._lens_reach_mm(depth, wide)
    line = line_energies(field._apertures, across[:, None] * share, depth, lengths, across)
    strips = [
        strip_field(aside[:, None] * share, depth[:, None], own, *field.lens) for own in lengths
    ]
    power = np.abs(np.array(strips)) ** 4
    energy = weight[:, None] * line * over_the_axis(power)
    mean_square = np.sum(np.square(ratio)[:, None] * energy, axis=0) / np.sum(energy, axis=0)
    return depth, np.sqrt(mean_square)
