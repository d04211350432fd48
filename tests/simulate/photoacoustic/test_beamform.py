"""Image formation against closed forms and a plain NumPy beamformer."""

import numpy as np
import pytest
from scipy.special import j0

from benchmark.errors import UserError
from simulate.photoacoustic import beamform

SPEED = 1500.0  # m/s
TIME_STEP = 2.5e-8
CENTRE_HZ, SIGMA_HZ = 2.5e6, 0.3e6
ELEMENTS = (np.arange(64) - 31.5) * 0.3


def _heard(points, amplitudes=None, samples=1100):
    """Analytic signals of points (x, y) mm: a Gaussian pulse at the exact time of flight."""
    time = np.arange(samples) * TIME_STEP
    signals = np.zeros((64, samples), np.complex64)
    for (x, y), amplitude in zip(points, amplitudes or [1.0] * len(points), strict=True):
        delay = time - np.hypot(ELEMENTS - x, y)[:, None] * 1e-3 / SPEED
        pulse = np.exp(-2 * (np.pi * SIGMA_HZ * delay) ** 2 + 2j * np.pi * CENTRE_HZ * delay)
        signals += (amplitude * pulse).astype(np.complex64)
    return signals


def _image(signals, columns, rows, **options):
    return beamform.delay_and_sum(signals, TIME_STEP, ELEMENTS, columns, rows, SPEED, **options)


def test_points_are_imaged_where_they_are_with_their_pressure():
    points, amplitudes = [(2.0, 12.0), (-3.0, 20.0)], [1.0, 0.5]
    columns, rows = np.linspace(-8, 8, 161), np.linspace(8, 24, 161)
    image = np.abs(_image(_heard(points, amplitudes), columns, rows))
    for (x, y), amplitude in zip(points, amplitudes, strict=True):
        row, column = np.argmin(np.abs(rows - y)), np.argmin(np.abs(columns - x))
        near = image[row - 8 : row + 9, column - 8 : column + 9]
        assert np.unravel_index(near.argmax(), near.shape) == (8, 8)
        assert near[8, 8] == pytest.approx(amplitude, rel=0.02)


def test_lateral_width_is_one_way():
    depth, f_number = 18.0, 2.0
    columns = np.linspace(-3, 3, 1201)
    line = np.abs(
        _image(_heard([(0, depth)]), columns, np.array([depth]), f_number=f_number,
               apodisation="boxcar")
    )[0]  # fmt: skip
    above = columns[line >= 0.5 * line.max()]
    wavelength = 1e3 * SPEED / CENTRE_HZ
    assert above[-1] - above[0] == pytest.approx(1.207 * wavelength * f_number, rel=0.05)


@pytest.mark.parametrize("apodisation", ["boxcar", "hann"])
@pytest.mark.parametrize("coherent", [False, True])
def test_equals_a_plain_sum(apodisation, coherent):
    signals = _heard([(1.0, 10.0), (3.0, 14.0)])
    columns, rows, f_number = np.linspace(-4, 4, 9), np.linspace(6, 18, 11), 1.3
    found = _image(
        signals, columns, rows, f_number=f_number, apodisation=apodisation,
        coherence_factor=coherent,
    )  # fmt: skip
    expected = np.zeros((11, 9), complex)
    for i, y in enumerate(rows):
        for j, x in enumerate(columns):
            half = 0.5 * y / f_number
            used = np.abs(ELEMENTS - x) <= half
            position = np.hypot(ELEMENTS[used] - x, y) * 1e-3 / SPEED / TIME_STEP
            sample = position.astype(int)
            value = signals[used, sample]
            value = value + (position - sample) * (signals[used, sample + 1] - value)
            weight = np.ones(used.sum())
            if apodisation == "hann":
                weight = np.cos(np.pi / 2 * (ELEMENTS[used] - x) / (half + 0.51 * 0.3)) ** 2
            total = np.sum(weight * value)
            factor = np.abs(total) ** 2 / np.sum(np.abs(weight * value) ** 2) / used.sum()
            expected[i, j] = total / weight.sum() * (factor if coherent else 1)
    np.testing.assert_allclose(found, expected, atol=2e-3 * np.abs(expected).max())


def test_coherence_factor_keeps_the_point_and_lowers_the_rest():
    columns, rows = np.linspace(-4, 4, 81), np.array([15.0])
    signals = _heard([(0, 15.0)])
    plain = np.abs(_image(signals, columns, rows, apodisation="boxcar"))[0]
    coherent = np.abs(_image(signals, columns, rows, apodisation="boxcar", coherence_factor=True))[
        0
    ]
    assert coherent[40] == pytest.approx(plain[40], rel=0.05)
    assert np.all(coherent <= plain * (1 + 1e-4))
    assert coherent[15] < 0.3 * plain[15]


def test_a_record_that_ends_early_gives_zero_not_rubbish():
    image = _image(_heard([(0, 10.0)], samples=300), np.zeros(2), np.array([10.0, 40.0]))
    assert np.all(image[1] == 0)


def test_bad_options_are_refused():
    with pytest.raises(UserError, match="apodisation"):
        _image(_heard([(0, 10.0)]), np.zeros(2), np.ones(2), apodisation="sine")
    with pytest.raises(UserError, match="f_number"):
        _image(_heard([(0, 10.0)]), np.zeros(2), np.ones(2), f_number=0.0)


def test_line_reconstruction_returns_the_source():
    # a Gaussian in 2D, its sound from the analytic modal sum at float64
    sigma, centre = 0.25, (1.5, 9.0)
    number = np.linspace(0, 6 / sigma, 1500)
    weight = sigma**2 * number * np.exp(-(number**2) * sigma**2 / 2) * (number[1] - number[0])
    elements = (np.arange(160) - 79.5) * 0.2
    time_step = 5e-8
    travelled = SPEED * 1e3 * time_step * np.arange(420)
    waves = np.cos(np.outer(number, travelled))
    radius = np.hypot(elements - centre[0], centre[1])
    signals = (weight * j0(np.outer(radius, number))) @ waves
    columns, rows = np.linspace(0, 3, 31), np.linspace(7.5, 10.5, 31)
    image = beamform.line_reconstruction(
        signals.astype(np.complex64), time_step, 0.2, elements, columns, rows, SPEED
    )
    row, column = np.unravel_index(np.abs(image).argmax(), image.shape)
    assert abs(rows[row] - centre[1]) <= 0.1
    assert abs(columns[column] - centre[0]) <= 0.1
    # of all directions of the Gaussian only those that meet the array are seen
    seen = [np.arctan((16.0 + side * centre[0]) / centre[1]) for side in (-1, 1)]
    assert image.real.max() == pytest.approx(sum(seen) / np.pi, rel=0.05)
    square = (columns - centre[0]) ** 2 + (rows[:, None] - centre[1]) ** 2
    truth = np.exp(-square / (2 * sigma**2))
    assert np.corrcoef(image.real.ravel(), truth.ravel())[0, 1] > 0.8


def test_skin_is_muted_and_what_lies_below_is_not():
    rows = np.linspace(0, 20, 201)
    skin = 1.0 + 0.3 * np.sin(np.linspace(0, 3, 50))
    image = np.full((201, 50), 0.01, np.float32)
    image[np.rint(skin * 10).astype(int), np.arange(50)] = 5.0
    image[80, 25] = 1.0
    out = beamform.reject_skin(image, rows, search_mm=3.0, below_mm=0.8)
    assert out[:15].max() < 0.02
    np.testing.assert_array_equal(out[30:], image[30:])
    np.testing.assert_array_equal(
        beamform.reject_skin(image, rows, search_mm=3.0, below_mm=0.0), image
    )


def test_display_is_linear_or_decibel():
    image = np.array([[1.0, 0.1, 0.001, 0.0]], np.float32)
    np.testing.assert_allclose(beamform.to_display(image), [[1, 0.5, 0, 0]], atol=1e-6)
    np.testing.assert_allclose(beamform.to_display(2 * image, dynamic_range_db=None), image)
    assert np.all(beamform.to_display(np.zeros((2, 2), np.float32)) == 0)
