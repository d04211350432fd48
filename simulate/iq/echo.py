"""Echoes of a probe against depth: their frequency and loss, the beam's widths, their level."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmark.beam.attenuation import echo_frequency_hz, loss_per_hz
from benchmark.beam.widths import along_depth, energy
from simulate.probe.transducer import Probe

Array = NDArray[Any]  # float64


class Echo(NamedTuple):
    """Echoes of a probe in tissue whose loss is proportional to frequency.

    The Gaussian spectrum stays Gaussian; its centre moves down and its amplitude falls.
    """

    probe: Probe
    attenuation_db_cm_mhz: float

    def loss_per_hz(self, depth_mm: Array) -> Array:
        """Return the two-way amplitude loss at a depth, nepers per Hz."""
        return loss_per_hz(self.attenuation_db_cm_mhz, depth_mm)

    def frequency_hz(self, depth_mm: Array) -> Array:
        """Return the centre frequency of the echo from a depth: f_0 - loss sigma_f²."""
        return echo_frequency_hz(self.probe, self.attenuation_db_cm_mhz, depth_mm)

    def amplitude(self, depth_mm: Array) -> Array:
        """Return the envelope peak left by the loss: exp(-loss f_0 + (loss sigma_f)² / 2)."""
        loss = self.loss_per_hz(depth_mm)
        broad = 0.5 * (loss * self.probe.sigma_frequency_hz) ** 2
        return np.exp(broad - loss * self.probe.centre_frequency_hz)

    def wavelength_mm(self, depth_mm: Array) -> Array:
        """Return the wavelength at the centre frequency of the echo from a depth, mm."""
        return self.probe.wavelength_at(self.frequency_hz(depth_mm))

    def lateral_unit_mm(self, depth_mm: Array) -> Array:
        """Return the mm in a unit of lateral position: 1, or range from the centre of curvature."""
        if self.probe.geometry == "linear":
            return np.ones(np.shape(depth_mm))
        return self.probe.radius_mm + np.maximum(depth_mm, 0.0)

    def sigma_lateral(self, depth_mm: Array) -> Array:
        """Return the two-way lateral sigma, mm, or radians for a curvilinear probe."""
        sigma = self.probe.sigma_lateral_mm(depth_mm, self.frequency_hz(depth_mm))
        return sigma / self.lateral_unit_mm(depth_mm)

    def sigma_elevation_mm(self, depth_mm: Array) -> Array:
        """Return the two-way elevational sigma, mm."""
        return self.probe.sigma_elevation_mm(depth_mm, self.frequency_hz(depth_mm))

    def sigma_speckle_mm(self, depth_mm: Array) -> Array:
        """Return the elevational correlation width of speckle, mm; see `Probe.sigma_speckle_mm`."""
        return self.probe.sigma_speckle_mm(depth_mm, self.frequency_hz(depth_mm))

    def speckle_rms(self, depth_mm: Array, density_per_mm3: float) -> Array:
        """Return the rms of unit scatterers, by Campbell's theorem: the root of the PSF's energy.

        The axial factor has unit peak. So have the others of Gaussian beams; with diffraction, the
        lens and the line have unit energy.
        """
        probe = self.probe
        energy_mm3 = math.sqrt(math.pi) * probe.sigma_axial_mm * np.ones(np.shape(depth_mm))
        if not probe.diffraction:
            lateral_mm = probe.sigma_lateral_mm(depth_mm, self.frequency_hz(depth_mm))
            energy_mm3 = energy_mm3 * math.pi * lateral_mm * self.sigma_elevation_mm(depth_mm)
        return np.sqrt(density_per_mm3 * energy_mm3)

    def level(self, depth_mm: Array) -> Array:
        """Return the rms echo of uniform tissue at depths before gain compensation, in any unit.

        It falls by attenuation and by spreading: with diffraction, the root of the energy of the
        field. The amplitude of a Gaussian beam on its axis is one over the root of its width, on
        transmission (both axes) and, by reciprocity, in elevation on reception. Dynamic focusing on
        reception keeps the level.
        """
        if self.probe.diffraction:
            wavelength = self.wavelength_mm(depth_mm)
            return self.amplitude(depth_mm) * np.sqrt(
                along_depth(self._field_energy, depth_mm, wavelength)
            )
        frequency = self.frequency_hz(depth_mm)
        on_axis = self.probe.sigma_transmit_mm(depth_mm, frequency) ** -0.5
        on_axis = on_axis / self.sigma_elevation_mm(depth_mm)
        return self.amplitude(depth_mm) * on_axis * self.speckle_rms(depth_mm, 1.0)

    def _field_energy(self, depth_mm: Array, wavelength_mm: Array) -> Array:
        """Return the energy (D,) of the two-way field over both axes, in any unit."""
        lens = energy(self.probe.field.lens_profile, depth_mm, wavelength_mm)
        return lens * energy(self.probe.field.line_profile, depth_mm, wavelength_mm)
