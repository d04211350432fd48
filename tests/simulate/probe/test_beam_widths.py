"""Widths of focused apertures against sums over the aperture, and the engine that uses them."""

import dataclasses

import numpy as np
import pytest

from benchmark.errors import UserError
from simulate.bmode.render import beam_for, render_iq
from simulate.bmode.settings import BmodeSettings
from simulate.photoacoustic.band import ReceiveBand
from simulate.probe.beam_widths import aperture_field
from simulate.probe.transducer import Probe
from tests.simulate.speckle import Uniform, listed, pose

PROBE = Probe()
WAVELENGTH = 0.308


def summed_field(offset, depth, wavelength, aperture, focus):
    """The paraxial field of a focused strip, element by element."""
    place = np.linspace(-0.5 * aperture, 0.5 * aperture, 1201)
    path = place**2 * (1.0 / depth - 1.0 / focus) / 2.0 - np.outer(offset, place) / depth
    return np.abs(np.exp(2j * np.pi / wavelength * path).mean(axis=1))


def summed_width(depth, aperture, focus, ways, f_number=None, mhz=5.0, spread=0.6 / 2.35482):
    """-6 dB width of the rms over a Gaussian spectrum, each frequency equal on the axis.

    `spread`: standard deviation of the amplitude spectrum over its centre.
    """
    offset = np.linspace(0.0, 4.0, 600)
    power = 0.0
    for number in np.linspace(-3.0, 3.0, 41):
        if 1.0 + number * spread < 0.1:
            continue
        length = 1.54 / mhz / (1.0 + number * spread)
        field = summed_field(offset, depth, length, aperture, focus) ** ways
        if f_number is not None:
            field = field * summed_field(offset, depth, length, depth / f_number, depth)
        power = power + np.exp(-(number**2)) * (field / field[0]) ** 2
    amplitude = np.sqrt(power / power[0])
    below = np.argmax(amplitude < 0.5)
    return 2.0 * np.interp(-0.5, -amplitude[: below + 1], offset[: below + 1])


@pytest.mark.parametrize("depth", [4.0, 11.0, 20.0, 33.0])
def test_field_by_fresnels_functions_is_the_sum_over_the_aperture(depth):
    offset = np.linspace(0.0, 3.0, 50)
    found = aperture_field(offset, np.full(50, depth), WAVELENGTH, 5.0, 20.0)
    expected = summed_field(offset, depth, WAVELENGTH, 5.0, 20.0)
    scale = found[0] / expected[0]
    np.testing.assert_allclose(found / scale, expected, atol=2e-3)


@pytest.mark.parametrize("depth", [10.0, 15.0, 20.0, 30.0, 40.0])
def test_widths_are_those_of_the_summed_field(depth):
    lens = summed_width(depth, 5.0, 20.0, 2)
    assert 2.35482 * PROBE.sigma_elevation_mm(depth) == pytest.approx(lens, rel=0.04)
    line = summed_width(depth, 8.0, 20.0, 1, f_number=2.0)
    assert 2.35482 * PROBE.sigma_lateral_mm(depth) == pytest.approx(line, rel=0.04)


@pytest.mark.parametrize("depth", [8.0, 12.0, 17.0, 22.0])
@pytest.mark.parametrize("band", [(1e6, 4.5e6), (4.3e6, 10.7e6)])
def test_oneway_width_is_that_of_the_band_that_is_received(depth, band):
    """Photoacoustic sound fills the receiver's band, which is wider than that of the pulses."""
    probe = Probe(element_height_mm=3.0, elevation_focus_mm=12.0, fractional_bandwidth=0.35)
    received = ReceiveBand(*band)
    spread = received.sigma_hz / received.centre_hz
    found = probe.sigma_elevation_oneway_mm(depth, received.centre_hz, received.sigma_hz)
    expected = summed_width(depth, 3.0, 12.0, 1, mhz=received.centre_hz / 1e6, spread=spread)
    assert 2.35482 * found == pytest.approx(expected, rel=0.05)


@pytest.mark.parametrize("share", [0.1, 1.0, 1.9])
def test_any_bandwidth_has_a_width(share):
    """From nearly one frequency to a spectrum down to a tenth of its centre."""
    depth = np.linspace(1.0, 40.0, 30)
    probe = Probe(fractional_bandwidth=share)
    for width in (probe.sigma_elevation_mm(depth), probe.sigma_speckle_mm(depth)):
        assert np.isfinite(width).all() and (width > 0.1).all() and (width < 3.0).all()


def test_lower_frequency_is_the_lower_frequencys_own_width():
    slower = dataclasses.replace(PROBE, centre_frequency_hz=4e6, fractional_bandwidth=0.6)
    depths = np.linspace(14.0, 40.0, 20)
    np.testing.assert_allclose(
        PROBE.sigma_elevation_mm(depths, np.full(20, 4e6)),
        slower.sigma_elevation_mm(depths),
        rtol=0.02,
    )


def test_engine_weighs_by_the_diffracted_lens(monkeypatch):
    """Echo of one scatterer against its distance from the plane, at two depths."""
    settings = BmodeSettings(noise_db=-200.0)
    for depth in (14.0, 30.0):
        listed(monkeypatch, [(0.0, depth, 0.0)], [1e3])
        offsets = np.array([0.0, 0.2, 0.4, 0.7])
        poses = np.stack([pose(translation=(0.0, 0.0, z)) for z in offsets])
        echo = np.abs(render_iq(Uniform(), PROBE, settings, poses)).max(axis=(1, 2))
        sigma = summed_width(depth, 5.0, 20.0, 2) / 2.35482
        expected = np.exp(-0.5 * (offsets / sigma) ** 2)
        np.testing.assert_allclose(echo / echo[0], expected, atol=0.04)


def test_speckle_keeps_its_brightness_at_all_depths():
    settings = BmodeSettings(noise_db=-200.0)
    poses = np.stack([pose(translation=(0, 0, 5.0 * n)) for n in range(6)])
    iq = render_iq(Uniform(attenuation_db_cm_mhz=0.5), PROBE, settings, poses)
    depth = beam_for(Uniform(), PROBE, settings).grid.depths_mm
    for low in range(3, 38, 5):
        rows = (depth > low) & (depth < low + 5)
        power = np.mean(np.abs(iq[:, rows].astype(complex)) ** 2)
        assert power == pytest.approx(1.0, abs=0.1)


def test_diffraction_is_yes_or_no():
    with pytest.raises(UserError, match="diffraction"):
        Probe(diffraction="maybe")


def summed_correlation(steps, depth, aperture, focus):
    """Correlation of intensity after elevational steps, from the two-way field of the strip."""
    place = np.linspace(-0.5 * aperture, 0.5 * aperture, 1201)
    across = np.linspace(-6.0, 6.0, 2401)
    total = 0.0
    for number in np.linspace(-2.5, 2.5, 11):
        length = WAVELENGTH / (1.0 + number * 0.6 / 2.35482)
        path = place**2 * (1.0 / depth - 1.0 / focus) / 2.0 - np.outer(across, place) / depth
        field = np.exp(2j * np.pi / length * path).mean(axis=1)
        field = (field * np.exp(1j * np.pi / length * across**2 / depth)) ** 2
        field = field / np.abs(field[1200])
        moved = [np.interp(across - d, across, field.real) for d in (0.0, *steps)]
        aside = [np.interp(across - d, across, field.imag) for d in (0.0, *steps)]
        both = [re + 1j * im for re, im in zip(moved, aside, strict=True)]
        overlap = np.array([np.vdot(both[0], other) for other in both])
        total = total + np.exp(-(number**2)) * overlap
    return np.abs(total[1:] / total[0]) ** 2


@pytest.mark.parametrize("depth", [6.0, 12.0, 35.0])
def test_speckle_decorrelates_as_the_curved_field_of_the_lens(depth):
    """Measured on the engine's own frames, of scatterers so dense that their number does not show.

    Out of focus the width of the beam alone would say much more.
    """
    steps = np.array([0.1, 0.2, 0.3, 0.45, 0.6])
    dense = BmodeSettings(noise_db=-200.0, scatterers_per_cell=60.0)
    probe = dataclasses.replace(
        PROBE, start_depth_mm=depth - 2.0, depth_mm=depth + 2.0, height_px=64
    )
    places = 9.0 * np.arange(16)[:, None] + np.array([0.0, *steps])
    poses = np.stack([pose(translation=(0, 0, z)) for z in places.ravel()])
    iq = render_iq(Uniform(), probe, dense, poses)
    rows = np.abs(beam_for(Uniform(), probe, dense).grid.depths_mm - depth) < 0.75
    power = (np.abs(iq[:, rows].astype(complex)) ** 2).reshape(*places.shape, -1)
    pairs = [[np.corrcoef(group[0], other)[0, 1] for other in group[1:]] for group in power]
    found = np.mean(pairs, axis=0)
    np.testing.assert_allclose(found, summed_correlation(steps, depth, 5.0, 20.0), atol=0.05)
    if depth != 12.0:  # where the beam of this lens is narrowest
        alone = np.exp(-0.5 * (0.6 / PROBE.sigma_elevation_mm(depth)) ** 2)
        assert found[-1] < alone - 0.2


def test_a_gaussian_beam_has_no_curvature():
    probe = dataclasses.replace(PROBE, diffraction=False)
    depths = np.linspace(1.0, 40.0, 9)
    np.testing.assert_array_equal(probe.sigma_speckle_mm(depths), probe.sigma_elevation_mm(depths))
