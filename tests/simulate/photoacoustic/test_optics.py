"""Optics against published numbers and closed forms."""

import numpy as np
import pytest

from benchmark.errors import UserError
from simulate.photoacoustic import optics
from simulate.photoacoustic.settings import Illumination
from simulate.tissue.answers import Chromophores
from tests.simulate.photoacoustic.photons import monte_carlo


@pytest.mark.parametrize(
    ("wavelength", "oxygenated", "deoxygenated"),
    [(750, 2.7, 8.4), (800, 4.2, 4.8), (850, 5.5, 4.2)],
)
def test_blood_absorption_is_the_published_one(wavelength, oxygenated, deoxygenated):
    found = optics.blood_absorption_per_cm(wavelength)
    assert found == pytest.approx((oxygenated, deoxygenated), abs=0.05)


@pytest.mark.parametrize("wavelength", [532, 805, 1064, 800.5])
def test_untabulated_wavelength_is_refused(wavelength):
    with pytest.raises(UserError, match="haemoglobin"):
        optics.blood_absorption_per_cm(wavelength)


def test_absorption_adds_by_volume():
    half_blood = Chromophores(np.array([0.5]), np.array([1.0]), np.array([0.02]))
    expected = 0.5 * 4.15 + 0.02 * 1.70e12 * 800**-3.48
    assert optics.absorption_per_cm(half_blood, 800)[0] == pytest.approx(expected, rel=2e-3)


def test_effective_attenuation_of_soft_tissue_at_800_nm():
    light = Illumination(bulk_absorption_per_cm=0.2)
    assert optics.reduced_scattering_per_cm(light, 800) == pytest.approx(10.3, abs=0.05)
    assert optics.effective_attenuation_per_cm(light, 800) == pytest.approx(2.5, abs=0.02)


@pytest.fixture(scope="module")
def photons():
    """Light of bulk absorption 0.2 1/cm at 800 nm, photon by photon; 1 % of error or less."""
    reduced = optics.reduced_scattering_per_cm(Illumination(), 800)
    return monte_carlo(0.2, reduced, 20_000)


def test_wide_beam_is_that_of_single_photons(photons):
    """Within 5 % from one transport length (1 mm) on, 12 % at the skin, and all the light there."""
    light = Illumination(bulk_absorption_per_cm=0.2)
    gain = optics.wide_beam_gain(light, 800, photons.depths_mm)
    deep = (photons.depths_mm > 0.95) & (photons.depths_mm < 10.0)
    ratio = gain / photons.wide
    assert photons.wide[0] == pytest.approx(4.9, abs=0.2)  # not 1: most of it comes from below
    np.testing.assert_allclose(ratio[deep], 1.0, atol=0.05)
    np.testing.assert_allclose(ratio[~deep & (photons.depths_mm < 1.0)], 1.0, atol=0.13)


def test_strong_absorption_is_that_of_single_photons_as_well():
    light = Illumination(bulk_absorption_per_cm=0.6)
    found = monte_carlo(0.6, optics.reduced_scattering_per_cm(light, 700), 20_000)
    deep = (found.depths_mm > 0.95) & (found.depths_mm < 6.0)
    gain = optics.wide_beam_gain(light, 700, found.depths_mm)
    np.testing.assert_allclose((gain / found.wide)[deep], 1.0, atol=0.08)


@pytest.mark.parametrize("offset", [4.0, 6.0, 9.0])
def test_side_bars_are_those_of_single_photons(photons, offset):
    light = Illumination(kind="sides", bar_offset_mm=offset, surface_fluence_mj_cm2=1.0)
    depth = photons.depths_mm[photons.depths_mm < 10.0]
    found = optics.fluence_mj_cm2(light, 800, np.zeros((len(depth), 3)), depth)
    # Single bins of so few photons are good to 4 %: four together.
    expected = 2.0 * photons.of_bar(offset, 2.0)[: len(depth)]
    sums = [values.reshape(-1, 4).sum(axis=1) for values in (found, expected)]
    np.testing.assert_allclose(sums[0], sums[1], rtol=0.1)


def test_bars_side_by_side_are_a_wide_beam():
    """Deeper than two transport lengths; in between, light enters where a bar is one point deep."""
    depth = np.linspace(2.0, 8.0, 13)
    tiled = sum(
        optics.fluence_mj_cm2(
            Illumination(kind="sides", bar_offset_mm=offset), 800, np.zeros((13, 3)), depth
        )
        for offset in np.arange(1.0, 40.0, 2.0)
    )
    wide = optics.fluence_mj_cm2(Illumination(), 800, np.zeros((13, 3)), depth)
    np.testing.assert_allclose(tiled / wide, 1.0, atol=0.08)


def test_wide_beam_is_dark_above_the_skin_and_falls_by_the_effective_attenuation():
    light = Illumination(bulk_absorption_per_cm=0.2)
    depth = np.array([-0.1, 5.0, 9.6])
    fluence = optics.fluence_mj_cm2(light, 800, np.zeros((3, 3)), depth)
    assert fluence[0] == 0
    assert 20 * np.log10(fluence[1] / fluence[2]) == pytest.approx(10, abs=0.1)


def test_absorption_beyond_diffusion_is_refused():
    with pytest.raises(UserError, match="bulk_absorption_per_cm"):
        Illumination(bulk_absorption_per_cm=9.0)


def test_side_bars_meet_below_the_probe():
    light = Illumination(kind="sides")
    depth = np.array([1.0, 4.0, 8.0, 8.0, 8.0, 60.0, 70.0])
    points = np.zeros((7, 3))
    points[3, 2], points[4, 2] = 6.0, -6.0
    fluence = optics.fluence_mj_cm2(light, 800, points, depth)
    assert fluence[1] > fluence[0]  # darkest right under the probe, where no light enters
    assert fluence[3] == pytest.approx(fluence[4])
    assert fluence[3] > fluence[2]
    # far away a point source and its image are left, whose fall is near exp(-mu r)
    mu = optics.effective_attenuation_per_cm(light, 800)
    slope = np.log(fluence[5] / fluence[6])
    assert slope == pytest.approx(mu, rel=0.15)


def test_pressure_in_pascal():
    # 0.2 x 420 1/m x 100 J/m2
    assert optics.pressure_pa(0.2, 4.2, 10.0) == pytest.approx(8400)


@pytest.mark.parametrize("pair", [(750, 850), (750, 800), (850, 700)])
def test_saturation_is_unmixed(pair):
    saturation = np.linspace(0, 1, 7)
    blood = Chromophores(np.ones(7), saturation, np.zeros(7))
    signals = [3.3 * optics.absorption_per_cm(blood, wavelength) for wavelength in pair]
    np.testing.assert_allclose(optics.oxygen_saturation(*signals, *pair), saturation, atol=1e-12)


def test_one_wavelength_twice_is_refused():
    with pytest.raises(UserError, match="two"):
        optics.oxygen_saturation(np.ones(1), np.ones(1), 800, 800)
