"""What is known of a sweep at every pixel."""

from dataclasses import replace

import numpy as np

from benchmark.sweep import Observation
from moglo.any.condition import ELEVATIONAL, LENGTHS, MASK, ORDINARY_MM, condition_of, map_of
from tests.moglo.any.example import observation, speckle_of


def test_lengths_are_those_of_the_map_at_each_row_s_depth():
    taken = observation(height=60, width=80, pixel=0.5)
    found = condition_of(taken, map_of(taken))
    assert found.shape == (4, 60, 80) and found.dtype == np.float32
    wanted = speckle_of(taken).at(0.5 * np.arange(60)).T
    np.testing.assert_allclose(found[LENGTHS], np.repeat(wanted[..., None], 80, 2), rtol=1e-6)
    assert (found[MASK] == 1).all()


def test_depth_of_a_curved_probe_is_along_its_lines():
    taken = observation(height=60, width=80, pixel=0.5)
    curved = Observation(taken.channels, {**taken.probe, "radius_mm": 30.0})
    found = condition_of(curved, map_of(curved))[ELEVATIONAL]
    x = 0.5 * (np.arange(80) - 39.5)
    depth = np.hypot(x, 0.5 * 40 + 30.0) - 30.0
    np.testing.assert_allclose(found[40], speckle_of(taken).at(depth)[:, 2], rtol=1e-6)


def test_the_mask_is_told_and_an_unknown_map_is_ordinary():
    taken = observation()
    mask = np.zeros((96, 96), bool)
    mask[10:] = True
    images = replace(taken.bmode, mask=mask)
    found = condition_of(replace(taken, channels={"bmode": images}), None)
    assert (found[MASK] == mask).all()
    assert (found[LENGTHS] == np.float32(ORDINARY_MM)[:, None, None]).all()
