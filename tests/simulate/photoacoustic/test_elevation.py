"""How wide a small source is out of the plane, against Rayleigh's integral over the array."""

from dataclasses import replace

import numpy as np
import pytest

from benchmark.beam.array import FWHM
from simulate.photoacoustic.band import ReceiveBand
from simulate.probe.transducer import Probe
from tests.simulate.probe.rayleigh import face_of, received

PROBE = Probe(
    fractional_bandwidth=0.35, elements=96, pitch_mm=0.25, element_height_mm=3.0,
    elevation_focus_mm=12.0, f_number=1.0, width_mm=23.75,
)  # fmt: skip
OFFSETS = np.arange(0.0, 3.0, 0.12)


def summed_width(depth, band):
    """-6 dB width of the envelope's peak; a point that is heated sends f at all frequencies."""
    frequency = np.arange(0.15e6, band.high_hz + 3.0 * band.sigma_hz, 0.15e6)
    points = np.stack([0.0 * OFFSETS, depth + 0.0 * OFFSETS, OFFSETS], axis=1)
    heard = received(face_of(PROBE), depth, points, 2e-3 * np.pi * frequency / 1540.0)
    spectrum = heard * frequency * band.response(frequency)
    time = np.arange(-1e-6, 3e-6, 0.02e-6)
    envelope = np.abs(spectrum @ np.exp(-2j * np.pi * np.outer(frequency, time))).max(axis=1)
    below = np.argmax(envelope < 0.5 * envelope[0])
    return 2.0 * np.interp(-0.5, -envelope[: below + 1] / envelope[0], OFFSETS[: below + 1])


@pytest.mark.parametrize("depth", [8.0, 12.0, 20.0])
@pytest.mark.parametrize("band", [ReceiveBand(1e6, 4.5e6), ReceiveBand(3e6, 7e6)])
def test_small_source_is_as_wide_as_the_array_hears_it(depth, band):
    found = FWHM * PROBE.sigma_elevation_oneway_mm(depth, *band.of_a_point())
    assert found == pytest.approx(summed_width(depth, band), rel=0.08)


def test_a_point_is_heard_above_the_middle_of_the_band():
    """A Gaussian of deviation s about c, times f: its power is centred near c + s² / c."""
    narrow = ReceiveBand(4.5e6, 5.5e6)
    centre, spread = narrow.of_a_point()
    assert centre - 5e6 == pytest.approx(narrow.sigma_hz**2 / 5e6, rel=0.03)
    assert spread == pytest.approx(narrow.sigma_hz, rel=0.03)
    wide = replace(narrow, low_hz=1e6, high_hz=4.5e6)
    assert wide.of_a_point()[0] > 3.4e6
