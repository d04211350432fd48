"""Probe: beam widths against diffraction integrals, grid and refusals."""

import dataclasses

import numpy as np
import pytest

from benchmark.beam.array import FWHM
from benchmark.errors import UserError
from simulate.compiled import arctan
from simulate.probe.models import PROBES
from simulate.probe.transducer import WIDEST_ARC, Probe

GAUSSIAN = Probe(diffraction=False)  # at a focus the widths of both laws agree


def diffraction_fwhm(f_number: float, wavelength: float, ways: int) -> float:
    """-6 dB width of a focused rectangular aperture, by integrating over the aperture."""
    depth = 20.0
    aperture = np.linspace(-0.5, 0.5, 4001) * depth / f_number
    x = np.linspace(0.0, 2.0 * wavelength * f_number, 2001)
    phase = 2.0 * np.pi / wavelength * np.outer(x, aperture) / depth
    beam = np.abs(np.exp(1j * phase).mean(axis=1)) ** ways
    return 2.0 * float(np.interp(-0.5, -beam[: beam.argmin()], x[: beam.argmin()]))


@pytest.mark.parametrize("f_number", [1.5, 2.0, 4.0])
def test_two_way_lateral_width_at_focus_is_that_of_the_aperture(f_number):
    probe = dataclasses.replace(GAUSSIAN, f_number=f_number, transmit_f_number=f_number)
    expected = diffraction_fwhm(f_number, probe.wavelength_mm, ways=2)
    assert FWHM * probe.sigma_lateral_mm(20.0) == pytest.approx(expected, rel=2e-3)


def test_elevational_widths_at_focus_are_those_of_the_lens():
    probe = GAUSSIAN
    f_number = probe.elevation_focus_mm / probe.element_height_mm
    two_way = diffraction_fwhm(f_number, probe.wavelength_mm, ways=2)
    one_way = diffraction_fwhm(f_number, probe.wavelength_mm, ways=1)
    assert FWHM * probe.sigma_elevation_mm(20.0) == pytest.approx(two_way, rel=2e-3)
    assert FWHM * probe.sigma_elevation_oneway_mm(20.0, 5e6, 1e6) == pytest.approx(
        one_way, rel=2e-3
    )
    assert FWHM * probe.sigma_lateral_oneway_mm(20.0) == pytest.approx(
        diffraction_fwhm(probe.f_number, probe.wavelength_mm, ways=1), rel=2e-3
    )


def test_elevational_width_grows_like_a_gaussian_beam():
    probe = GAUSSIAN
    depths = np.array([2.0, 10.0, 20.0, 30.0, 40.0])
    waist = 0.3762 * 0.308 * 4.0
    rayleigh = 4.0 * np.pi * waist**2 / 0.308
    expected = waist * np.sqrt(1.0 + ((depths - 20.0) / rayleigh) ** 2)
    np.testing.assert_allclose(probe.sigma_elevation_mm(depths), expected, rtol=2e-3)


def test_axial_width_is_the_transform_of_the_spectrum():
    probe = Probe()
    frequency = np.linspace(-10e6, 10e6, 4001)
    half_height = probe.fractional_bandwidth * probe.centre_frequency_hz / 2.0
    spectrum = 0.5 ** ((frequency / half_height) ** 2)
    depth_m = np.linspace(0.0, 0.5e-3, 1001)
    pulse = np.cos(4.0 * np.pi * np.outer(depth_m, frequency) / 1540.0) @ spectrum
    half = 1e3 * float(np.interp(-0.5, -pulse / pulse[0], depth_m))
    assert FWHM * probe.sigma_axial_mm == pytest.approx(2.0 * half, rel=1e-3)


def test_receive_f_number_rises_where_the_aperture_ends():
    probe = Probe(elements=64, pitch_mm=0.3, width_mm=15.0)
    assert probe.receive_f_number(20.0) == 2.0
    assert probe.receive_f_number(60.0) == pytest.approx(60.0 / 19.2)


def test_lower_frequency_widens_the_beam_in_proportion_at_the_focus():
    probe = Probe(fractional_bandwidth=0.02)  # speckle of a wide band is lower than its centre
    ratio = probe.sigma_elevation_mm(20.0, 4.0e6) / probe.sigma_elevation_mm(20.0)
    assert ratio == pytest.approx(1.25, rel=1e-3)


def test_pixel_grid_is_centred_and_reaches_its_depths():
    probe = Probe(width_px=101, height_px=51, start_depth_mm=2.0, depth_mm=32.0, width_mm=30.0)
    corners = np.array([[0.0, 0.0, 0.0, 1.0], [100.0, 50.0, 0.0, 1.0]])
    mapped = corners @ probe.mm_from_pixel.T
    np.testing.assert_allclose(mapped, [[-15.0, 2.0, 0.0, 1.0], [15.0, 32.0, 0.0, 1.0]])


def test_presets_sample_their_speckle():
    assert len(PROBES) > 1
    for name, probe in PROBES.items():
        assert probe.name == name
        assert probe.pixels_per_lateral_fwhm() > 2.0


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("centre_frequency_hz", -5e6),
        ("centre_frequency_hz", 7.5),
        ("fractional_bandwidth", 2.5),
        ("elements", 0),
        ("elements", 12.5),
        ("pitch_mm", float("nan")),
        ("width_mm", 60.0),
        ("depth_mm", -1.0),
        ("start_depth_mm", -1.0),
        ("start_depth_mm", 50.0),
        ("geometry", "phased"),
        ("radius_mm", 40.0),
        ("height_px", 1),
        ("f_number", "two"),
    ],
)
def test_impossible_probe_is_refused_with_the_field_named(field, value):
    named = "depth_mm" if field == "start_depth_mm" and value == 50.0 else field
    with pytest.raises(UserError, match=named):
        dataclasses.replace(Probe(), **{field: value})


def test_curvilinear_needs_a_radius_that_its_array_fits():
    """At most 69 degrees to either side: to there the kernel's angles are exact to 0.4 mrad."""
    for radius in (10.0, 15.9):
        words = rf"radius_mm: expected at least .* / 2.4 = 16 .* got {radius:g}"
        with pytest.raises(UserError, match=words):
            Probe(geometry="curvilinear", radius_mm=radius)
    angle = 0.5 * np.linspace(0.0, 0.5 * WIDEST_ARC)
    assert np.abs(2.0 * arctan(np.tan(angle).astype(np.float32)) - 2.0 * angle).max() < 4e-4
    assert Probe(geometry="curvilinear", radius_mm=16.0).radius_mm == 16.0
    assert Probe(geometry="curvilinear", radius_mm=60.0, elements=192).radius_mm == 60.0
