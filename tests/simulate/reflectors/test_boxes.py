"""Reflectors listed in a box are those of any larger box that lie in it, in the same order."""

import numpy as np
import pytest

from simulate.reflectors.coherence import BEAD_MM, FIBRES_PER_MM2, plate_amplitude
from simulate.shapes.sheets import depths_below, level_bounds, sheet_height
from simulate.tissue.anatomy_kernels import deepest_echo
from simulate.tissue.kinds import sample_tissue
from simulate.tissue.settings import TissueSettings
from tests.simulate.entry import entry


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


@pytest.mark.parametrize("side", [-30.0, 0.0, 30.0])
def test_no_fibre_is_drawn_beyond_the_far_side_and_none_is_missed(side):
    settings = TissueSettings(kind="forearm", coherent_fraction=0.2, specular=2.0)
    tissue = sample_tissue(np.random.default_rng(7), settings)
    low, high = np.array([side - 2.0, 10.0, 10.0]), np.array([side + 2.0, 100.0, 14.0])
    whole = tissue.extended.scatterers(low, high, 80.0, tissue._echo, tissue._in_layers)
    for some, all_of_them in zip(tissue.reflectors(low, high, 80.0), whole, strict=True):
        np.testing.assert_array_equal(some, all_of_them)
    deepest = deepest_echo(tissue._anatomy, low, high)
    fibres = len(tissue.extended._beads(low, high, deepest)[0])
    if side == 0.0:
        assert 1000 < fibres < 0.8 * len(tissue.extended._beads(low, high)[0])


@pytest.mark.parametrize("plates", [0.0, 0.5])
def test_fibres_know_the_skin_above_them(plates):
    settings = TissueSettings(kind="forearm", coherent_fraction=0.2, sheet_fraction=plates)
    tissue = sample_tissue(np.random.default_rng(1), settings)
    skin = tissue.sheets[0]
    points, below, signs = tissue.extended._beads(np.array([-3.0, 2, 5]), np.array([3.0, 5, 9]))
    depth = points[:, 1] - sheet_height(skin, points[:, 0], points[:, 2])
    np.testing.assert_allclose(below, depth, atol=2e-3)  # the skin is flat within a bead's column
    volume = 6.0 * 3.0 * 4.0
    assert len(points) == pytest.approx(FIBRES_PER_MM2 / BEAD_MM * volume, rel=0.05)
    joined = np.abs(signs) < 1.0
    assert set(signs[~joined]) == {-1.0, 1.0} and joined.mean() == pytest.approx(plates, abs=0.08)
    assert set(np.abs(signs[joined])) == ({plate_amplitude()} if plates else set())


def test_numpy_and_compiled_sheets_agree_to_rounding():
    skin = sample_tissue(np.random.default_rng(3), TissueSettings(kind="forearm")).sheets[0]
    points = np.random.default_rng(0).uniform(-100, 100, (5000, 3))
    expected = points[:, 1] - sheet_height(skin, points[:, 0], points[:, 2])
    np.testing.assert_allclose(depths_below(skin, points), expected, atol=1e-11)
    low, high = np.array([-5.0, 0, 3.0]), np.array([9.0, 0, 8.0])
    bounds = entry(level_bounds)(skin, low[0], high[0], low[2], high[2])
    x, _, z = np.random.default_rng(1).uniform(low, high, (4000, 3)).T
    height = sheet_height(skin, x, z)
    assert bounds[0] <= height.min() and height.max() <= bounds[1] < height.max() + 2.0
