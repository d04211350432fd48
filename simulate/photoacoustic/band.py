"""The band of frequencies in which the array hears photoacoustic sound."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmark.beam.array import FWHM
from benchmark.errors import UserError
from simulate.photoacoustic.settings import PhotoacousticSettings
from simulate.probe.transducer import Probe

Array = NDArray[np.floating]


@dataclass(frozen=True)
class ReceiveBand:
    """A Gaussian receiving band by its -6 dB edges, Hz."""

    low_hz: float
    high_hz: float

    def __post_init__(self) -> None:
        if not 0 <= self.low_hz < self.high_hz:
            raise UserError(
                f"band_hz: expected 0 <= low < high, got {self.low_hz:g} to {self.high_hz:g}"
            )

    @property
    def centre_hz(self) -> float:
        """Middle of the band, Hz."""
        return 0.5 * (self.low_hz + self.high_hz)

    @property
    def sigma_hz(self) -> float:
        """Standard deviation of the amplitude spectrum, Hz."""
        return (self.high_hz - self.low_hz) / FWHM

    def of_a_point(self) -> tuple[float, float]:
        """Return centre and standard deviation, Hz, of the amplitude heard of a point source.

        A point that is heated at once sends the derivative of a pulse, f at all frequencies, so
        that what is heard is higher than the band; moments of its power.
        """
        frequency = np.linspace(0.0, self.high_hz + 3.0 * self.sigma_hz, 2000)
        power = (frequency * self.response(frequency)) ** 2
        centre = np.sum(power * frequency) / np.sum(power)
        spread = np.sum(power * (frequency - centre) ** 2) / np.sum(power)
        return float(centre), float(np.sqrt(2.0 * spread))

    def response(self, frequency_hz: Array) -> Array:
        """Return the amplitude response: a Gaussian, corrected to be zero at 0 Hz (as a Morlet)."""
        spread = 2 * self.sigma_hz**2
        at_zero = np.exp(-(self.centre_hz**2) / spread)
        correction = at_zero * np.exp(-(frequency_hz**2) / spread)
        return np.exp(-((frequency_hz - self.centre_hz) ** 2) / spread) - correction


def photoacoustic_band(probe: Probe) -> ReceiveBand:
    """Return a probe's pulse-echo band, one way.

    Pulse-echo passes the element twice, so one pass is sqrt(2) wider for a Gaussian spectrum.
    """
    half = probe.centre_frequency_hz * probe.fractional_bandwidth / np.sqrt(2)
    low = max(probe.centre_frequency_hz - half, 0.0)
    return ReceiveBand(float(low), float(probe.centre_frequency_hz + half))


def receive_band(probe: Probe, settings: PhotoacousticSettings) -> ReceiveBand:
    """Return the band of the settings, or that of the probe where they give none."""
    if settings.band_hz is None:
        return photoacoustic_band(probe)
    return ReceiveBand(*settings.band_hz)
