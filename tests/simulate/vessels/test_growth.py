"""Grown vessels obey Murray's law and run along the limb."""

import numpy as np
import pytest

from simulate.vessels.growth import GrowthSettings, grow_vessels, murray_angles, murray_radii


def test_branchings_obey_murrays_law():
    trees = [
        grow_vessels(
            np.random.default_rng(seed), GrowthSettings((0.4, 1.8), (4, 15), (-15, 60)), 1, 2
        )
        for seed in range(5)
    ]
    for tree in trees:
        assert len(tree.branchings) > 5
        for node in tree.branchings:
            children = np.flatnonzero(tree.parent == node)
            assert len(children) == 2
            cubes = (tree.radius_mm[children] ** 3).sum()
            assert cubes == pytest.approx(tree.radius_mm[node] ** 3, rel=1e-12)


def test_murray_angles_are_where_the_work_is_least():
    """Equal children leave at arccos(2^(-1/3)) = 37.5 degrees, a tiny one nearly across."""
    first, second = murray_radii(1.0, 1.0)
    assert np.rad2deg(murray_angles(1.0, first, second)) == pytest.approx(
        [37.467, 37.467], abs=1e-3
    )
    first, second = murray_radii(1.0, 0.05)
    large, small = np.rad2deg(murray_angles(1.0, first, second))
    assert large < 1.0 and small > 80.0


def test_vessels_run_along_the_limb_without_knots():
    room = GrowthSettings((0.4, 1.8), (4, 15), (-15, 60))
    for seed in range(12):
        segments = grow_vessels(np.random.default_rng(seed), room, 1, 2).segments
        steps = segments[:, 3:6] - segments[:, :3]
        length = np.linalg.norm(steps, axis=1)
        assert length.max() < 0.6 and length.sum() < 9 * 75.0
        assert steps[:, 2].sum() > 0.5 * length.sum()
