"""The independent field against closed forms and against its own whole sum."""

from dataclasses import replace

import numpy as np
import pytest

from tests.simulate.probe.motions import moved
from tests.simulate.probe.rayleigh import Face, point_response, response

SMALL = Face(96, 0.25, 3.0, 12.0, 12.0, 2.0, 2.0, 5e6, 0.35 * 5e6 / 2.35482)
CONVEX = Face(128, 0.48, 13.0, 60.0, 60.0, 3.0, 3.0, 6e6, 0.5 * 6e6 / 2.35482, radius_mm=60.0)


@pytest.mark.parametrize("face, depth", [(SMALL, 4.0), (CONVEX, 50.0)])
def test_the_sum_in_two_steps_is_the_whole_sum(face, depth):
    """At points between those of the grid, drawn where the response is strong."""
    found = response(face, depth)
    power = np.abs(found.values.ravel()) ** 2
    drawn = np.random.default_rng(3)
    some = drawn.choice(power.size, 5, p=power / power.sum())
    points = found._grid[0][some] + drawn.normal(0.0, 0.03, (5, 3))
    whole = point_response(face, depth, points)
    np.testing.assert_allclose(found.at(points), whole, atol=3e-3 * np.abs(found.values).max())


def test_narrow_band_at_both_foci_is_sinc_squared():
    """Fraunhofer: sinc² is 0.886 wavelengths x f-number wide, on a sphere about the face."""
    face = replace(
        SMALL, sigma_frequency_hz=2e5, lens_mm=30.0, transmit_focus_mm=30.0, elements=240,
        transmit_f_number=4.0, f_number=4.0,
    )  # fmt: skip
    found = response(face, 30.0)
    lateral, elevational = found.widths_mm()
    assert elevational == pytest.approx(0.886 * 0.308 * 10.0, rel=0.01)
    assert lateral == pytest.approx(0.886 * 0.308 * 4.0, rel=0.03)
    lateral, elevational = found.half_correlation_mm()
    assert elevational == pytest.approx(sinc_half_mm(10.0, 30.0), rel=0.02)
    assert lateral == pytest.approx(sinc_half_mm(4.0, 30.0), rel=0.03)


def sinc_half_mm(f_number, depth):
    """Step after which sinc² with the phase of that sphere correlates by 1/2, by a plain sum."""
    place = np.arange(-40.0, 40.0, 0.01) * 0.308 * f_number

    def beam(offset):
        phase = 2.0 * np.pi * offset**2 / (0.308 * depth)
        return np.sinc(offset / (0.308 * f_number)) ** 2 * np.exp(1j * phase)

    steps = np.arange(0.05, 0.6, 0.005) * 0.308 * f_number
    whole = np.sum(np.abs(beam(place)) ** 2)
    curve = [np.abs(np.sum(beam(place) * beam(place - d).conj()) / whole) ** 2 for d in steps]
    return np.interp(-0.5, -np.array(curve), steps)


def test_correlation_does_not_depend_on_the_grid():
    """A grid a third wider and half as fine again changes nothing a trackers' curve would show."""
    motion = moved((0.5, 0.0, 0.0), (0.0, 0.0, 0.12))
    plain = response(SMALL, 5.0, finer=0.75)
    finer = response(SMALL, 5.0, wider=1.3, finer=1.1)
    assert plain.correlation(motion) == pytest.approx(finer.correlation(motion), abs=0.005)
    assert plain.half_correlation_mm() == pytest.approx(finer.half_correlation_mm(), rel=0.01)


def test_shift_with_tilt_tells_the_signs_apart():
    """Short of the focus the wavefront is that of a source near the face; a tilt undoes a shift."""
    near = response(SMALL, 4.0, finer=0.75)
    out = (0.0, 0.0, 0.12)
    with_tilt, against = (near.correlation(moved((a, 0.0, 0.0), out)) for a in (1.5, -1.5))
    assert abs(with_tilt - against) > 0.3
