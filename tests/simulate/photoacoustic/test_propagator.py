"""The modal propagator against analytic waves and direct float64 sums."""

import numpy as np
import pytest
from scipy.integrate import quad_vec
from scipy.ndimage import gaussian_filter
from scipy.special import j0

from benchmark.errors import UserError
from simulate.photoacoustic.propagator import sensor_rows

SPEED, SPACING = 1500.0, 0.1  # m/s, mm


def _time_step(cfl):
    return cfl * SPACING * 1e-3 / SPEED


def test_gaussian_ball_in_3d():
    sigma = 1.5
    axes = [np.arange(n) for n in (40, 24, 24)]
    centre = (26.0, 11.0, 12.0)
    square = sum(
        (g - c) ** 2 for g, c in zip(np.meshgrid(*axes, indexing="ij"), centre, strict=True)
    )
    steps, cfl = 90, 0.5
    one_row = np.zeros(24)
    one_row[9] = 1
    found = sensor_rows(
        np.exp(-square / (2 * sigma**2)), SPACING, SPEED, _time_step(cfl), steps,
        sensor_row=3, elevation_weights=one_row,
    )[0]  # fmt: skip
    radius = np.sqrt(23**2 + (axes[1] - 11.0) ** 2 + 9)[:, None]
    outgoing, incoming = radius - cfl * np.arange(steps), radius + cfl * np.arange(steps)
    expected = sum(x * np.exp(-(x**2) / (2 * sigma**2)) for x in (outgoing, incoming)) / (
        2 * radius
    )
    assert np.abs(expected).max() > 0.01  # the wave is in the window
    assert np.linalg.norm(found - expected) < 1e-3 * np.linalg.norm(expected)


def test_gaussian_in_2d():
    sigma, steps, cfl = 1.5, 70, 0.6
    axial, lateral = np.meshgrid(np.arange(30), np.arange(20), indexing="ij")
    source = np.exp(-((axial - 20) ** 2 + (lateral - 10) ** 2) / (2 * sigma**2))
    found = sensor_rows(source, SPACING, SPEED, _time_step(cfl), steps, sensor_row=2)
    radius, time = np.hypot(18, np.arange(20) - 10)[:, None], cfl * np.arange(steps)

    def wave(k):
        return sigma**2 * k * np.exp(-(k**2) * sigma**2 / 2) * j0(k * radius) * np.cos(k * time)

    expected = quad_vec(wave, 0, 6, epsrel=1e-9)[0]
    assert np.linalg.norm(found - expected) < 1e-4 * np.linalg.norm(expected)


def test_equals_a_direct_sum_of_modes():
    random = np.random.default_rng(1)
    source = np.pad(random.standard_normal((8, 5, 4)), 8)  # zero, and smooth, at its edges
    source = gaussian_filter(source, 1.5, mode="constant", truncate=6)
    weights = random.random((2, 20))
    steps, cfl = 40, 0.8
    found = sensor_rows(
        source, SPACING, SPEED, _time_step(cfl), steps, sensor_row=5, elevation_weights=weights
    )
    size = (90, 90, 80)
    number = np.meshgrid(*(2 * np.pi * np.fft.fftfreq(n) for n in size), indexing="ij")
    magnitude = np.sqrt(sum(k**2 for k in number))
    spectrum = np.fft.fftn(source, size, axes=(0, 1, 2))
    for step in (0, 17, 39):
        field = np.fft.ifftn(spectrum * np.cos(magnitude * cfl * step)).real
        expected = weights @ field[5, :21, :20].T
        np.testing.assert_allclose(found[..., step], expected, atol=2e-5 * np.abs(source).max())


def test_single_precision_is_enough():
    source = np.zeros((60, 60))
    source[40, 20], source[20, 44] = 1, -2
    source = gaussian_filter(source, 1.5)
    double = sensor_rows(source, SPACING, SPEED, _time_step(0.5), 150)
    single = sensor_rows(source.astype(np.float32), SPACING, SPEED, _time_step(0.5), 150)
    assert single.dtype == np.float32
    assert np.abs(single - double).max() < 1e-5 * np.abs(double).max()


def test_without_padding_the_source_comes_round_again():
    source = np.zeros((20, 40, 16))
    source[10, 20, 8] = 1
    source = gaussian_filter(source, 1.5)
    weights = np.full((1, 16), 1 / 16)
    arguments = (source, SPACING, SPEED, _time_step(0.5), 80)
    padded = sensor_rows(*arguments, elevation_weights=weights)
    periodic = sensor_rows(*arguments, elevation_weights=weights, padded=False)
    scale = np.abs(padded).max()
    assert np.abs(padded - periodic)[:, 20, :4].max() < 1e-3 * scale
    assert np.abs(padded - periodic)[:, :, 50:].max() > 0.1 * scale


def test_element_height_is_the_mean_of_its_rows():
    source = gaussian_filter(np.random.default_rng(2).standard_normal((16, 12, 9)), 1.5)
    arguments = (source, SPACING, SPEED, _time_step(0.5), 30)
    each = sensor_rows(*arguments, elevation_weights=np.eye(9))
    mean = sensor_rows(*arguments, elevation_weights=np.full((1, 9), 1 / 9))
    np.testing.assert_allclose(mean[0], each.mean(axis=0), atol=1e-6)


def test_wrong_shapes_are_refused():
    with pytest.raises(UserError, match="elevation weights"):
        sensor_rows(np.zeros((4, 4, 4)), SPACING, SPEED, 1e-8, 5)
    with pytest.raises(UserError, match="3 nodes for a grid of 4"):
        sensor_rows(np.zeros((4, 4, 4)), SPACING, SPEED, 1e-8, 5, elevation_weights=np.ones(3))
