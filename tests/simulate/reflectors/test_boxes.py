"""Reflectors listed in a box are those of any larger box that lie in it, in the same order."""

import numpy as np
import pytest

from simulate.shapes.sheets import depths_below, sheet_height
from simulate.tissue.kinds import sample_tissue
from simulate.tissue.settings import TissueSettings


@pytest.mark.parametrize("kind", ["forearm", "layered"])
def test_a_box_lists_what_a_larger_one_lists_there(kind):
    settings = TissueSettings(kind=kind, coherent_fraction=0.2, specular=2.0)
    tissue = sample_tissue(np.random.default_rng(7), settings)
    low, high = np.array([-4.0, 0.0, 10.0]), np.array([4.0, 14.0, 14.0])
    points, amplitudes = tissue.reflectors(low, high, 80.0)
    assert len(points) > 5000
    for seed in range(4):
        ends = np.sort(np.random.default_rng(seed).uniform(low, high, (2, 3)), axis=0)
        inside = ((points >= ends[0]) & (points < ends[1])).all(1)
        some, strengths = tissue.reflectors(*ends, 80.0)
        np.testing.assert_array_equal(some, points[inside])
        np.testing.assert_array_equal(strengths, amplitudes[inside])


def test_fibres_know_the_skin_above_them():
    settings = TissueSettings(kind="forearm", coherent_fraction=0.2)
    tissue = sample_tissue(np.random.default_rng(1), settings)
    skin = tissue.sheets[0]
    points, lifts, signs = tissue.extended._fibres(np.array([-3.0, 2, 5]), np.array([3.0, 5, 9]))
    np.testing.assert_allclose(lifts, sheet_height(skin, points[:, 0], points[:, 2]), atol=1e-12)
    np.testing.assert_array_equal(points[:, 1] - lifts, depths_below(skin, points))
    volume = 6.0 * 3.0 * 4.0
    assert len(points) == pytest.approx(50.0 * volume, rel=0.05)
    assert set(signs) == {-1.0, 1.0}
