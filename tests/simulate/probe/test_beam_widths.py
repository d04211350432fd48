"""Fields and widths of focused apertures against sums over them, and the engine that uses them."""

import dataclasses

import numpy as np
import pytest

from benchmark.beam.lens import strip_field
from benchmark.beam.line import Apertures, line_fields
from benchmark.errors import UserError
from simulate.bmode.render import beam_for, render_iq
from simulate.bmode.settings import BmodeSettings
from simulate.photoacoustic.band import ReceiveBand
from simulate.probe.transducer import Probe
from tests.simulate.speckle import Uniform, listed, pose

PROBE = Probe()
WAVELENGTH = 0.308


def summed_field(offset, depth, wavelength, aperture, focus):
    """The paraxial field of a focused strip, element by element, but for the path to its depth."""
    place = np.linspace(-0.5 * aperture, 0.5 * aperture, 1201)
    path = place**2 * (1.0 / depth - 1.0 / focus) / 2.0 - np.outer(offset, place) / depth
    sound = np.exp(2j * np.pi / wavelength * path).mean(axis=1)
    return sound * np.exp(1j * np.pi / wavelength * offset**2 / depth)


def summed_width(depth, aperture, focus, ways, mhz=5.0, spread=0.6 / 2.35482):
    """-6 dB width of the rms over a Gaussian spectrum, each frequency equal on the axis.

    `spread`: standard deviation of the amplitude spectrum over its centre.
    """
    offset = np.linspace(0.0, 4.0, 600)
    power = 0.0
    for number in np.linspace(-3.0, 3.0, 41):
        if 1.0 + number * spread < 0.1:
            continue
        length = 1.54 / mhz / (1.0 + number * spread)
        field = np.abs(summed_field(offset, depth, length, aperture, focus)) ** ways
        power = power + np.exp(-(number**2)) * (field / field[0]) ** 2
    amplitude = np.sqrt(power / power[0])
    below = np.argmax(amplitude < 0.5)
    return 2.0 * np.interp(-0.5, -amplitude[: below + 1], offset[: below + 1])


@pytest.mark.parametrize("depth", [4.0, 11.0, 20.0, 33.0])
def test_field_by_fresnels_functions_is_the_sum_over_the_aperture(depth):
    offset = np.linspace(0.0, 3.0, 50)
    found = strip_field(offset, np.full(50, depth), WAVELENGTH, 5.0, 20.0)
    expected = summed_field(offset, depth, WAVELENGTH, 5.0, 20.0)
    scale = 5.0 / np.sqrt(WAVELENGTH * depth)
    np.testing.assert_allclose(found / scale, expected, atol=2e-3)


@pytest.mark.parametrize("depth", [12.0, 20.0, 33.0])
@pytest.mark.parametrize("place", [0.3, 2.0, 30.0])
def test_field_of_a_line_is_the_sum_over_what_is_left_of_its_apertures(depth, place):
    """At one frequency, `place` mm from the end of an array whose elements hear all around."""
    apertures = Apertures(60.0, 1e-3, 0.0, 8.0, 20.0, 2.0)
    offset = np.linspace(-1.2, 1.2, 25)
    narrow = np.full(1, 1e-6)
    found = line_fields(
        apertures, offset[None], np.full(1, depth), np.full(1, WAVELENGTH), narrow,
        np.array([place]),
    )[0, 0]  # fmt: skip
    expected = 1.0
    for aperture, focus in ((8.0, 20.0), (depth / 2.0, depth)):
        ends = max(-0.5 * aperture, -place), 0.5 * aperture
        x = np.linspace(*ends, 2001)
        path = np.hypot(offset[:, None] - x, depth) - np.hypot(x, focus) + focus - depth
        sound = np.exp(2j * np.pi / WAVELENGTH * path) / np.sqrt(path + np.hypot(x, focus))
        expected = expected * sound.mean(axis=1) * (ends[1] - ends[0])
    both = np.vdot(expected, found) / np.linalg.norm(expected) / np.linalg.norm(found)
    assert abs(both) > 0.999 and abs(np.angle(both)) < 0.15


def test_widths_change_smoothly_with_depth():
    """A width at half height steps by a third within 0.2 mm, where a side lobe passes that height.

    Near the face of this probe at 4.8 mm.
    """
    probe = Probe(element_height_mm=3.0, elevation_focus_mm=12.0, fractional_bandwidth=0.35)
    depths = np.linspace(2.0, 20.0, 40)
    near = np.array([probe.sigma_elevation_mm(depths + 0.1 * n) for n in range(3)])
    assert np.abs(np.diff(np.log(near), axis=0)).max() < 0.08
    across = np.array([probe.sigma_lateral_mm(depths + 0.1 * n) for n in range(3)])
    assert np.abs(np.diff(np.log(across), axis=0)).max() < 0.08


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
    slower = dataclasses.replace(PROBE, centre_frequency_hz=4.4e6, fractional_bandwidth=3.0 / 4.4)
    depths = np.linspace(14.0, 40.0, 20)
    np.testing.assert_allclose(
        PROBE.sigma_elevation_mm(depths, np.full(20, 4.4e6)),
        slower.sigma_elevation_mm(depths),
        rtol=0.02,
    )


@pytest.mark.parametrize(("line", "tolerance"), [(0.0, 0.05), (16.0, 0.08)])
def test_engine_weighs_by_the_field_of_the_lens_and_the_line(monkeypatch, line, tolerance):
    """The complex echo of one scatterer, out of the plane and aside, also at an end.

    There lines share their taps by zones, not quite those of their own place.
    """
    settings = BmodeSettings(noise_db=-200.0)
    grid = beam_for(Uniform(), PROBE, settings).grid
    column = int(np.argmin(np.abs(grid.lateral - line)))
    for depth in (14.0, 30.0):
        row = int(np.argmin(np.abs(grid.depths_mm - depth)))
        deep = np.full(1, grid.depths_mm[row])
        listed(monkeypatch, [(grid.lateral[column], deep[0], 0.0)], [1e3])
        offsets = np.array([0.0, 0.2, 0.4, 0.7])
        poses = np.stack([pose(translation=(0.0, 0.0, z)) for z in offsets])
        iq = render_iq(Uniform(), PROBE, settings, poses)
        out = iq[:, row, column]
        expected = np.conj(PROBE.field.lens_field(offsets, deep, WAVELENGTH))
        turned = np.vdot(expected, out) / np.vdot(expected, expected)
        np.testing.assert_allclose(out / turned, expected, atol=0.03 * abs(expected[0]))
        aside = np.arange(-5, 6)
        lines = grid.lateral[column + aside]
        expected = np.array([
            PROBE.field.line_fields(
                np.full((1, 1), grid.lateral[column] - x), deep, np.full(1, WAVELENGTH),
                np.array([0.5 * PROBE.aperture_mm + x]),
            )[0, 0, 0]
            for x in lines
        ])  # fmt: skip
        across, expected = iq[0, row, column + aside], np.conj(expected)
        turned = np.vdot(expected, across) / np.vdot(expected, expected)
        np.testing.assert_allclose(
            across / turned, expected, atol=tolerance * np.abs(expected).max()
        )


def test_speckle_keeps_its_brightness_at_all_depths():
    settings = BmodeSettings(noise_db=-200.0)
    poses = np.stack([pose(translation=(0, 0, 5.0 * n)) for n in range(6)])
    iq = render_iq(Uniform(attenuation_db_cm_mhz=0.5), PROBE, settings, poses)
    grid = beam_for(Uniform(), PROBE, settings).grid
    whole = np.abs(grid.lateral) < 9.0  # where no aperture reaches an end of the array
    for low in range(3, 38, 5):
        rows = (grid.depths_mm > low) & (grid.depths_mm < low + 5)
        power = np.mean(np.abs(iq[:, rows][:, :, whole].astype(complex)) ** 2)
        assert power == pytest.approx(1.0, abs=0.1)


def test_diffraction_is_yes_or_no():
    with pytest.raises(UserError, match="diffraction"):
        Probe(diffraction="maybe")


def summed_correlation(steps, depth, aperture, focus):
    """Correlation of intensity after elevational steps, from the two-way field of the strip.

    All frequencies are alike on the axis, and each counts with the energy of its lateral beam
    (aperture 8 mm, focus 20 mm; reception of f-number 2): low ones have wider beams.
    """
    across = np.linspace(-6.0, 6.0, 2401)
    total = 0.0
    for number in np.linspace(-2.8, 2.8, 15):
        length = WAVELENGTH / (1.0 + number * 0.6 / 2.35482)
        field = summed_field(across, depth, length, aperture, focus) ** 2
        sent = summed_field(across[::4], depth, length, 8.0, 20.0)
        heard = summed_field(across[::4], depth, length, depth / 2.0, depth)
        field = field / np.abs(field[1200])
        line = np.square(np.abs(sent * heard))
        moved = [np.interp(across - d, across, field.real) for d in (0.0, *steps)]
        aside = [np.interp(across - d, across, field.imag) for d in (0.0, *steps)]
        both = [re + 1j * im for re, im in zip(moved, aside, strict=True)]
        overlap = np.array([np.vdot(both[0], other) for other in both])
        total = total + np.exp(-(number**2)) * line.sum() / line[300] * overlap
    return np.abs(total[1:] / total[0]) ** 2


@pytest.mark.parametrize("depth", [6.0, 12.0, 35.0])
def test_speckle_decorrelates_as_the_curved_field_of_the_lens(depth):
    """Measured on the engine's frames, of scatterers so dense that their number does not show."""
    steps = np.array([0.1, 0.2, 0.3, 0.45, 0.6])
    dense = BmodeSettings(noise_db=-200.0, scatterers_per_cell=30.0)
    probe = dataclasses.replace(
        PROBE, start_depth_mm=depth - 2.0, depth_mm=depth + 2.0, height_px=64
    )
    places = 9.0 * np.arange(32)[:, None] + np.array([0.0, *steps])
    poses = np.stack([pose(translation=(0, 0, z)) for z in places.ravel()])
    iq = render_iq(Uniform(), probe, dense, poses)
    grid = beam_for(Uniform(), probe, dense).grid
    rows, whole = np.abs(grid.depths_mm - depth) < 0.75, np.abs(grid.lateral) < 10.0
    power = (np.abs(iq[:, rows][:, :, whole].astype(complex)) ** 2).reshape(*places.shape, -1)
    pairs = [[np.corrcoef(group[0], other)[0, 1] for other in group[1:]] for group in power]
    found = np.mean(pairs, axis=0)
    np.testing.assert_allclose(found, summed_correlation(steps, depth, 5.0, 20.0), atol=0.05)


def test_a_gaussian_beam_has_no_curvature():
    probe = dataclasses.replace(PROBE, diffraction=False)
    depths = np.linspace(1.0, 40.0, 9)
    np.testing.assert_array_equal(probe.sigma_speckle_mm(depths), probe.sigma_elevation_mm(depths))
