"""Speckle sweeps that several tests share, generated once per session (a few seconds)."""

import numpy as np
import pytest

from tests.baselines import speckle


@pytest.fixture(scope="session")
def scene():
    return speckle.Scene(height=72, width=80)


@pytest.fixture(scope="session")
def training_sweeps(scene):
    """Three sweeps of irregular hand motion."""
    sweeps = []
    for seed in range(3):
        steps = speckle.hand_steps(scene, 24, np.random.default_rng(100 + seed))
        sweeps.append(speckle.speckle_sweep(scene, steps, seed, f"train{seed}"))
    return sweeps


@pytest.fixture(scope="session")
def test_sweep(scene):
    """Another realisation of the same kind of sweep."""
    steps = speckle.hand_steps(scene, 30, np.random.default_rng(200))
    return speckle.speckle_sweep(scene, steps, 50, "test")


@pytest.fixture(scope="session")
def even_sweep(scene):
    """The literature's test: developed speckle, elevational steps of 0.24 mm, nothing else."""
    steps = np.tile(np.eye(4), (30, 1, 1))
    steps[:, 2, 3] = 0.24
    return speckle.speckle_sweep(scene, steps, 60, "even")
