"""The `probe` table of a spec: array, pulse, beam and image grid in one frozen record."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from benchmark.errors import UserError
from simulate.probe.array_field import ArrayField
from simulate.probe.beam_widths import energy_sigma_mm, half_height_sigma_mm, speckle_sigma_mm

FWHM = 2.0 * math.sqrt(2.0 * math.log(2.0))  # full width at half maximum of a Gaussian, in sigmas

# Diffraction of a rectangular aperture, -6 dB widths in units of wavelength x f-number:
# sinc(u) (one way) 1.207, sinc(u)^2 (two ways, equal apertures) 0.886; as Gaussian sigmas:
ONE_WAY = 1.2067 / FWHM
TWO_WAY = 0.8859 / FWHM
# One factor of a two-way product, such that two equal factors give exactly TWO_WAY.
TWO_WAY_FACTOR = TWO_WAY * math.sqrt(2.0)

GEOMETRIES = ("linear", "curvilinear")
WIDEST_ARC = 2.4  # rad from end to end of a curvilinear face: `simulate.compiled.arctan` ends there

Depths = ArrayLike
Array = NDArray[Any]  # float64


@dataclass(frozen=True)
class Probe:
    """An ultrasound probe and the grid of its images; the `probe` table of a spec.

    Image frame, mm: origin at the centre of the probe face, x along the array, y depth, z = x × y
    (elevation). Beam widths are standard deviations of Gaussian *amplitude* profiles in mm; their
    methods take depths (mm below the face, any shape) and optionally the centre frequency at each
    of them (Hz), which attenuation lowers.

    Parameters
    ----------
    name
        Of the probe, for people.
    geometry
        "linear", or "curvilinear" for a convex face.
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
    width_px, height_px, width_mm, start_depth_mm, depth_mm
        Image grid. Pixel centres span `width_mm` in x, centred on the face, and
        `start_depth_mm` (first row) to `depth_mm` (last row) in y. The image of a curvilinear
        probe may start above its apex (negative), where the ends of its face are; it reaches to a
        range of `depth_mm` in every direction.
    """

    name: str = "linear-5MHz"
    geometry: str = "linear"
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
    width_px: int = 256
    height_px: int = 256
    width_mm: float = 38.0
    start_depth_mm: float = 0.0
    depth_mm: float = 40.0

    def __post_init__(self) -> None:
        self._refuse_unphysical_numbers()
        self._refuse_impossible_geometry()

    def _refuse_unphysical_numbers(self) -> None:
        may_be_zero = ("radius_mm", "start_depth_mm")
        below_zero = self.radius_mm if self.geometry == "curvilinear" else 0.0
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name in ("name", "geometry", "diffraction"):
                continue
            if isinstance(value, bool) or not isinstance(value, (int, float)):
                raise UserError(f"probe.{field.name}: expected a number, got {value!r}")
            smallest_fits = value >= 0 if field.name in may_be_zero else value > 0
            if field.name == "start_depth_mm" and value > -below_zero:
                smallest_fits = True
            if not (math.isfinite(value) and smallest_fits):
                bound = "0 or more" if field.name in may_be_zero else "more than 0"
                raise UserError(f"probe.{field.name}: expected {bound}, got {value!r}")
        if not isinstance(self.diffraction, bool):
            raise UserError(f"probe.diffraction: expected true or false, got {self.diffraction!r}")
        for key in ("elements", "width_px", "height_px"):
            value = getattr(self, key)
            if not isinstance(value, int) or value < 2:
                raise UserError(f"probe.{key}: expected an integer of 2 or more, got {value!r}")
        if self.fractional_bandwidth >= 2.0:
            raise UserError(
                "probe.fractional_bandwidth: expected less than 2 (the spectrum would reach "
                f"0 Hz), got {self.fractional_bandwidth}"
            )

    def _refuse_impossible_geometry(self) -> None:
        if self.geometry not in GEOMETRIES:
            raise UserError(
                f"probe.geometry: expected one of {', '.join(GEOMETRIES)}, got {self.geometry!r}"
            )
        if self.start_depth_mm >= self.depth_mm:
            raise UserError(
                f"probe.depth_mm: expected more than start_depth_mm = {self.start_depth_mm}, "
                f"got {self.depth_mm}"
            )
        if self.geometry == "linear":
            if self.radius_mm != 0.0:
                raise UserError(f"probe.radius_mm: expected 0 for linear, got {self.radius_mm}")
            if self.aperture_mm < self.width_mm:
                raise UserError(
                    f"probe.width_mm: expected at most the aperture, elements * pitch_mm = "
                    f"{self.aperture_mm:g}, got {self.width_mm:g}"
                )
        elif self.aperture_mm > WIDEST_ARC * self.radius_mm:
            raise UserError(
                f"probe.radius_mm: expected at least elements * pitch_mm / {WIDEST_ARC} = "
                f"{self.aperture_mm / WIDEST_ARC:g} for curvilinear (69 degrees to either side), "
                f"got {self.radius_mm:g}"
            )

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

    # ---- image grid

    @property
    def pixel_mm(self) -> tuple[float, float]:
        """Pixel spacing (x, y), mm."""
        return (
            self.width_mm / (self.width_px - 1),
            (self.depth_mm - self.start_depth_mm) / (self.height_px - 1),
        )

    @property
    def mm_from_pixel(self) -> Array:
        """(4, 4) float64: (column, row, 0, 1), first pixel's centre (0, 0), to image mm."""
        spacing_x, spacing_y = self.pixel_mm
        matrix = np.diag([spacing_x, spacing_y, 1.0, 1.0])
        matrix[0, 3] = -0.5 * self.width_mm
        matrix[1, 3] = self.start_depth_mm
        return matrix

    @property
    def row_depths_mm(self) -> Array:
        """(height_px,) depth of each image row, mm."""
        return np.linspace(self.start_depth_mm, self.depth_mm, self.height_px)

    def pixels_per_lateral_fwhm(self) -> float:
        """Return the number of columns per narrowest two-way lateral FWHM.

        Below 2 the image undersamples speckle.
        """
        return float(FWHM * self.sigma_lateral_mm(self.row_depths_mm).min() / self.pixel_mm[0])


def _gaussian_beam(depth_mm: Depths, focus_mm: float, waist: Array, wavelength: Array) -> Array:
    """Return the amplitude sigma of a Gaussian beam at a depth from that at its focus, mm."""
    rayleigh = 2.0 * math.pi * waist**2 / wavelength
    return waist * np.sqrt(1.0 + ((np.asarray(depth_mm, np.float64) - focus_mm) / rayleigh) ** 2)
