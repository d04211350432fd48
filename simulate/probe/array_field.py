"""The two-way field of an array with a lens: elevation and lateral, by depth and wavelength."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from simulate.probe.beam_widths import Profile
from simulate.probe.lens import LEAST_DEPTH_MM, lens_field
from simulate.probe.line import Apertures, line_fields
from simulate.probe.pulse import out_of_focus, speckle_frequency

LENS_PLACES, LINE_PLACES = 96, 40  # samples of a beam, from its axis outwards
# Where fields are taken to end, in distances from the axis to the first zero of a focused aperture.
LOBES = 2.5  # beyond the shadow of the lens or of the transmit aperture
RECEIVE_LOBES = 5.0  # of reception, farther out than which echoes are later than the pulse is long
# Aperture² (1 / depth - 1 / focus) / wavelength half way between in focus and out of it.
LENS_HALF_WAY, LINE_HALF_WAY = 1.7, 2.3

Array = NDArray[Any]


class ArrayField(NamedTuple):
    """The numbers of an array that its field depends on; mm.

    lens, sent : (aperture, focus) of the lens, and of transmission away from the array's ends.
    f_number : of reception, at all depths.
    length, pitch, radius : of the array, its elements and its face (0 for a straight one).
    sigma_cycles : standard deviation of the pulse's amplitude spectrum, cycles / mm.
    """

    lens: tuple[float, float]
    sent: tuple[float, float]
    f_number: float
    length: float
    pitch: float
    radius: float
    sigma_cycles: float

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
        """Return the complex field of the lens at elevations; see `simulate.probe.lens`.

        wavelength_mm: at the centre of the pulse's spectrum; all shapes broadcast.
        """
        depth = np.maximum(depth_mm, LEAST_DEPTH_MM)
        length = self._speckle_wavelength_mm(depth, wavelength_mm)
        return lens_field(offset_mm, depth, length, self.sigma_cycles * wavelength_mm, *self.lens)

    def line_fields(
        self, offset_mm: Array, depth_mm: Array, wavelength_mm: Array, places_mm: Array
    ) -> Array:
        """Return the complex fields (Z, D, X) about lines; see `simulate.probe.line`.

        Parameters
        ----------
        offset_mm : (D, X) from the line.
        depth_mm, wavelength_mm : (D,); at the centre of the pulse's spectrum.
        places_mm : (Z,) of the lines along the face, from the array's first end.
        """
        depth = np.maximum(depth_mm, LEAST_DEPTH_MM)
        length = self._speckle_wavelength_mm(depth, wavelength_mm)
        apertures = Apertures(self.length, self.pitch, self.radius, *self.sent, self.f_number)
        bandwidth = self.sigma_cycles * wavelength_mm
        return line_fields(apertures, offset_mm, depth, length, bandwidth, places_mm)

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

    def _speckle_wavelength_mm(self, depth_mm: Array, wavelength_mm: Array) -> Array:
        """Return the wavelength of the mean frequency of speckle; see `simulate.probe.pulse`."""
        power: Any = 2.0
        for (aperture, focus), half_way in (
            (self.lens, LENS_HALF_WAY),
            (self.sent, LINE_HALF_WAY),
        ):
            number = aperture**2 * (1.0 / depth_mm - 1.0 / focus) / wavelength_mm
            power = power + out_of_focus(number, half_way)
        return wavelength_mm / speckle_frequency(self.sigma_cycles * wavelength_mm, power)
