"""Optics against published numbers and closed forms."""

import numpy as np
import pytest

from benchmark.errors import UserError
from simulate.photoacoustic import optics
from simulate.photoacoustic.settings import Illumination
from simulate.tissue.answers import Chromophores


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


def test_wide_beam_loses_10_db_in_4_6_mm_and_is_dark_above_the_skin():
    light = Illumination(bulk_absorption_per_cm=0.2)
    depth = np.array([-0.1, 0.0, 4.6])
    fluence = optics.fluence_mj_cm2(light, 800, np.zeros((3, 3)), depth)
    assert fluence[0] == 0
    assert fluence[1] == light.surface_fluence_mj_cm2
    assert 20 * np.log10(fluence[1] / fluence[2]) == pytest.approx(10, abs=0.1)


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
