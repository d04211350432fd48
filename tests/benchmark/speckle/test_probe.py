"""Depth of places in images, and the beam that a description stands for."""

import numpy as np
import pytest

from benchmark.errors import UserError
from benchmark.speckle.probe import beam_of, depth_at, wavelength_of

LENS = {"centre_frequency_hz": 5e6, "element_height_mm": 5.0, "elevation_focus_mm": 20.0}


def test_depth_of_a_linear_array_is_y_below_its_face():
    points = [[3.0, 5.0, 0.0], [-4.0, 12.0, 0.0]]
    np.testing.assert_array_equal(depth_at({}, points), [5.0, 12.0])
    np.testing.assert_array_equal(depth_at({"face_mm": (10.0, 2.0)}, points), [3.0, 10.0])


def test_depth_of_a_curved_face_is_the_distance_along_the_line():
    """A line at 30 degrees, 25 mm from a face of 60 mm about (0, -60), and the same moved."""
    along = 85.0 * np.array([np.sin(np.pi / 6), np.cos(np.pi / 6)]) - [0.0, 60.0]
    assert depth_at({"radius_mm": 60.0}, along) == pytest.approx(25.0)
    moved = {"radius_mm": 60.0, "face_mm": (7.0, -3.0)}
    assert depth_at(moved, along + np.array([7.0, -3.0])) == pytest.approx(25.0)


def test_without_one_of_the_lens_numbers_there_is_no_beam():
    for key in LENS:
        assert beam_of({k: v for k, v in LENS.items() if k != key}, 40.0) is None
    assert beam_of(LENS, 40.0).wavelength_mm == pytest.approx(0.308)
    assert wavelength_of(LENS) == pytest.approx(0.308) and wavelength_of({}) is None


@pytest.mark.parametrize("value", [-1.0, 0, "5", True, float("nan")])
def test_impossible_number_is_named(value):
    with pytest.raises(UserError, match=r"probe\.element_height_mm: expected a number of"):
        beam_of({**LENS, "element_height_mm": value}, 40.0)
