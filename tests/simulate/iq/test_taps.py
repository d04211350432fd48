"""Lateral filters of the array's field: its ends, and where zones of lines meet."""

import dataclasses

import numpy as np
import pytest

from simulate.iq.beam import sampled_beam
from simulate.probe.models import PROBES
from simulate.probe.transducer import Probe

PROBE = Probe()


def level_db(probe, depth):
    """Level (columns,) of uniform tissue's speckle on each line at a depth, dB, and the beam."""
    beam = sampled_beam(probe, 0.0, 10.0)
    row = int(np.argmin(np.abs(beam.grid.depths_mm - depth)))
    taps = beam.lateral_taps[:, row].astype(float)
    fields = np.apply_along_axis(np.convolve, 2, taps, [1 / 6, 4 / 6, 1 / 6])
    power = np.square(fields).sum(axis=(1, 2))
    columns = len(beam.grid.lateral)
    zone = np.searchsorted(beam.zones, np.arange(columns // 2), side="right") - 1
    zone = np.where(zone < beam.zones_used[row], zone, len(beam.zones) - 1)
    middle = np.full(columns % 2, len(beam.zones) - 1)
    zone = np.concatenate([zone, middle, zone[::-1]])
    return 10.0 * np.log10(power[zone] * beam.gain[row].astype(float) ** 2), beam


@pytest.mark.parametrize("inwards", [0.5, 1.0, 2.0, 4.5])
def test_ends_of_the_array_are_darker_as_their_apertures_are_cut_short(inwards):
    """At the transmit focus, where both apertures are in phase: the energy of their correlation."""
    step = 0.01

    def correlated(place):
        sent, heard = (np.ones(round((min(half, place) + half) / step)) for half in (4.0, 5.0))
        return np.sum(np.convolve(sent, heard) ** 2)

    expected = 10.0 * np.log10(correlated(inwards) / correlated(19.0))
    found, beam = level_db(PROBE, 20.0)
    own = 0.5 * PROBE.aperture_mm - np.abs(beam.grid.lateral)
    end = np.interp(inwards, own[: len(own) // 2], found[: len(own) // 2])
    assert end - np.median(found) == pytest.approx(expected, abs=0.5)
    np.testing.assert_allclose(found, found[::-1], atol=1e-3)


@pytest.mark.parametrize("depth", [8.0, 20.0, 38.0])
@pytest.mark.parametrize("probe", [PROBE, PROBES["curvilinear-6MHz"]])
def test_brightness_of_each_line_is_that_of_its_own_apertures(probe, depth):
    """Although lines share their taps by zones: it does not step where zones meet."""
    found, beam = level_db(probe, depth)
    assert len(beam.zones) > 5
    side = len(beam.grid.lateral) // 2
    inwards = 0.5 * probe.aperture_mm - np.abs(beam.grid.lateral[:side]) * (probe.radius_mm or 1.0)
    own = np.flatnonzero(inwards > 0.3)[::3]
    row = np.argmin(np.abs(beam.grid.depths_mm - depth))
    deep, wavelength = np.full(1, beam.grid.depths_mm[row]), np.full(1, probe.wavelength_mm)
    aside = np.linspace(-3.0, 3.0, 81)[None]
    places = np.append(inwards[own], 0.5 * probe.aperture_mm)
    energy = np.square(np.abs(probe.field.line_fields(aside, deep, wavelength, places))).sum((1, 2))
    expected = 10.0 * np.log10(energy[:-1] / energy[-1])
    np.testing.assert_allclose(found[own] - np.median(found), expected, atol=0.5)
    steps = np.abs(np.diff(found[own]) - np.diff(expected))
    assert steps.max() < 0.5


def test_a_line_in_the_middle_has_even_taps():
    beam = sampled_beam(dataclasses.replace(PROBE, width_mm=20.0), 0.5, 10.0)
    taps = beam.lateral_taps[-1]
    np.testing.assert_allclose(taps, taps[:, :, ::-1], atol=2e-5 * np.abs(taps).max())
