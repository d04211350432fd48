"""The beam of an array with a lens: its pulse, its widths and those of its speckle, its field."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from benchmark.beam.array_field import ArrayField
from benchmark.beam.widths import energy_sigma_mm, half_height_sigma_mm, speckle_sigma_mm

FWHM = 2.0 * math.sqrt(2.0 * math.log(2.0))  # full width at half maximum of a Gaussian, in sigmas

# Diffraction of a rectangular aperture, -6 dB widths in units of wavelength x f-number:
# sinc(u) (one way) 1.207, sinc(u)^2 (two ways, equal apertures) 0.886; as Gaussian sigmas:
ONE_WAY = 1.2067 / FWHM
TWO_WAY = 0.8859 / FWHM
# One factor of a two-way product, such that two equal factors give exactly TWO_WAY.
TWO_WAY_FACTOR = TWO_WAY * math.sqrt(2.0)

Depths = ArrayLike
Array = NDArray[Any]  # float64


@dataclass(frozen=True)
class ArrayBeam:
    """The numbers of an array and its lens, and the beam that follows from them.

    Beam widths are standard deviations of Gaussian *amplitude* profiles in mm; their methods take
    depths (mm below the face, any shape) and optionally the centre frequency at each of them (Hz),
    which attenuation lowers (`benchmark.beam.attenuation`).

    Parameters
    ----------
    centre_frequency_hz, fractional_bandwidth
        Pulse-echo spectrum: centre, and -6 dB width over centre.
    elements, pitch_mm
        The array; its length is `elements * pitch_mm`.
    element_height_mm, elevation_focus_mm
        The elevational aperture and the focal depth of its lens.
    transmit_focus_mm, transmit_f_number
        The one transmit focus of every line.
    f_number
        Receive f-number at all depths for which the array is long enough (dynamic receive focus).
    diffraction
        Whether the beam is the complex field of rectangular apertures, the lens's and the array's,
        with side lobes and the array's ends, in place of Gaussian beams without phase.
    radius_mm
        Radius of a curvilinear face, 0 for a linear one.
    sound_speed_m_s
        Speed of sound in tissue.
    depth_mm
        Deepest depth that the beam is asked for.
    """

    centre_frequency_hz: float = 5.0e6
    fractional_bandwidth: float = 0.6
    elements: int = 128
    pitch_mm: float = 0.3
    element_height_mm: float = 5.0
    elevation_focus_mm: float = 20.0
    transmit_focus_mm: float = 20.0
    transmit_f_number: float = 2.5
    f_number: float = 2.0
    diffraction: bool = True
    radius_mm: float = 0.0
    sound_speed_m_s: float = 1540.0
    depth_mm: float = 40.0

    # ---- array and pulse

    @property
    def wavelength_mm(self) -> float:
        """Wavelength at the centre frequency, mm."""
        return 1e3 * self.sound_speed_m_s / self.centre_frequency_hz

    @property
    def aperture_mm(self) -> float:
        """Length of the array along its face, mm."""
        return self.elements * self.pitch_mm

    @property
    def sigma_frequency_hz(self) -> float:
        """Standard deviation of the Gaussian pulse-echo amplitude spectrum, Hz."""
        return self.fractional_bandwidth * self.centre_frequency_hz / FWHM

    @property
    def sigma_axial_mm(self) -> float:
        """Axial width of the pulse-echo envelope, c / (4 pi sigma_f), mm."""
        return 1e3 * self.sound_speed_m_s / (4.0 * math.pi * self.sigma_frequency_hz)

    def wavelength_at(self, frequency_hz: ArrayLike | None) -> Array:
        """Return the wavelength in mm at a frequency in Hz (None: the centre frequency)."""
        frequency = self.centre_frequency_hz if frequency_hz is None else frequency_hz
        return 1e3 * self.sound_speed_m_s / np.asarray(frequency, dtype=np.float64)

    # ---- lateral beam

    def receive_f_number(self, depth_mm: Depths) -> Array:
        """Return the receive f-number at a depth: `f_number`, or more if the array is too short."""
        return np.maximum(self.f_number, np.asarray(depth_mm, np.float64) / self.aperture_mm)

    def sigma_transmit_mm(self, depth_mm: Depths, frequency_hz: ArrayLike | None = None) -> Array:
        """Return the lateral width of a Gaussian transmit beam, one factor of both ways, mm."""
        wavelength = self.wavelength_at(frequency_hz)
        f_number = self.transmit_focus_mm / self.transmit_aperture_mm
        waist = TWO_WAY_FACTOR * wavelength * f_number
        return _gaussian_beam(depth_mm, self.transmit_focus_mm, waist, wavelength)

    @property
    def transmit_aperture_mm(self) -> float:
        """Length of the transmit aperture away from the ends of the array, mm."""
        return min(self.transmit_focus_mm / self.transmit_f_number, self.aperture_mm)

    def sigma_receive_mm(self, depth_mm: Depths, frequency_hz: ArrayLike | None = None) -> Array:
        """Return the lateral width of dynamic reception, one factor of the two-way beam, mm."""
        return TWO_WAY_FACTOR * self.wavelength_at(frequency_hz) * self.receive_f_number(depth_mm)

    def sigma_lateral_mm(self, depth_mm: Depths, frequency_hz: ArrayLike | None = None) -> Array:
        """Return the two-way lateral width: fixed transmit focus, dynamic receive focus, mm.

        With `diffraction` the width of equal energy, in the middle of the array. Without it, at the
        transmit focus with equal f-numbers F, 0.376 wavelength F, the width of sinc².
        """
        if self.diffraction:
            wavelength = self.wavelength_at(frequency_hz)
            return energy_sigma_mm(self.field.line_profile, depth_mm, wavelength)
        transmit = self.sigma_transmit_mm(depth_mm, frequency_hz)
        receive = self.sigma_receive_mm(depth_mm, frequency_hz)
        return 1.0 / np.sqrt(transmit**-2 + receive**-2)

    def sigma_lateral_oneway_mm(
        self, depth_mm: Depths, frequency_hz: ArrayLike | None = None
    ) -> Array:
        """Return the one-way lateral width of dynamic reception (sinc), for photoacoustics, mm."""
        return ONE_WAY * self.wavelength_at(frequency_hz) * self.receive_f_number(depth_mm)

    def sigma_speckle_lateral_mm(
        self, depth_mm: Depths, frequency_hz: ArrayLike | None = None
    ) -> Array:
        """Return sigma, mm, in exp(-d² / 2 sigma²), the correlation after a lateral step d.

        That of speckle intensity in the middle of the array; along the arc of a curved face.
        """
        if not self.diffraction:
            return self.sigma_lateral_mm(depth_mm, frequency_hz)
        wavelength = self.wavelength_at(frequency_hz)
        return speckle_sigma_mm(self.field.line_profile, depth_mm, wavelength)

    # ---- elevational beam

    def sigma_elevation_mm(self, depth_mm: Depths, frequency_hz: ArrayLike | None = None) -> Array:
        """Return the two-way elevational width of the fixed lens, mm.

        With `diffraction` the width of equal energy. Without it a Gaussian beam,
        sigma_0 sqrt(1 + ((z - z_f) / z_R)²) with sigma_0 = 0.376 wavelength F_e and
        z_R = 4 pi sigma_0² / wavelength.
        """
        if self.diffraction:
            wavelength = self.wavelength_at(frequency_hz)
            return energy_sigma_mm(self.field.lens_profile, depth_mm, wavelength)
        return self._sigma_lens_mm(depth_mm, frequency_hz, TWO_WAY_FACTOR) / math.sqrt(2.0)

    def sigma_speckle_mm(self, depth_mm: Depths, frequency_hz: ArrayLike | None = None) -> Array:
        """Return sigma, mm, in exp(-d² / 2 sigma²), the correlation after an elevational step d.

        That of speckle intensity: the beam's own sigma, or less with `diffraction`, because out of
        focus the wavefront is curved.
        """
        if not self.diffraction:
            return self.sigma_elevation_mm(depth_mm, frequency_hz)
        wavelength = self.wavelength_at(frequency_hz)
        return speckle_sigma_mm(self.field.lens_profile, depth_mm, wavelength)

    def sigma_elevation_oneway_mm(
        self, depth_mm: Depths, frequency_hz: float, spread_hz: float
    ) -> Array:
        """Return the one-way elevational width of the lens, for photoacoustics, mm.

        `spread_hz`: standard deviation of the received amplitude spectrum about `frequency_hz`;
        used with `diffraction` only. That width is the one at half height over 2.355.
        """
        if self.diffraction:
            return half_height_sigma_mm(
                self.element_height_mm, self.elevation_focus_mm, spread_hz / frequency_hz,
                depth_mm, self.wavelength_at(frequency_hz),
            )  # fmt: skip
        return self._sigma_lens_mm(depth_mm, frequency_hz, ONE_WAY)

    def _sigma_lens_mm(
        self, depth_mm: Depths, frequency_hz: ArrayLike | None, factor: float
    ) -> Array:
        wavelength = self.wavelength_at(frequency_hz)
        waist = factor * wavelength * self.elevation_focus_mm / self.element_height_mm
        return _gaussian_beam(depth_mm, self.elevation_focus_mm, waist, wavelength)

    # ---- the field, with `diffraction`

    @property
    def field(self) -> ArrayField:
        """The two-way field of the array."""
        return ArrayField(
            lens=(self.element_height_mm, self.elevation_focus_mm),
            sent=(self.transmit_aperture_mm, self.transmit_focus_mm),
            f_number=self.f_number,
            length=self.aperture_mm,
            pitch=self.pitch_mm,
            radius=self.radius_mm,
            wavelength=self.wavelength_mm,
            depth=self.depth_mm,
            sigma_cycles=1e-3 * self.sigma_frequency_hz / self.sound_speed_m_s,
        )


def _gaussian_beam(depth_mm: Depths, focus_mm: float, waist: Array, wavelength: Array) -> Array:
    """Return the amplitude sigma of a Gaussian beam at a depth from that at its focus, mm."""
    rayleigh = 2.0 * math.pi * waist**2 / wavelength
    return waist * np.sqrt(1.0 + ((np.asarray(depth_mm, np.float64) - focus_mm) / rayleigh) ** 2)
