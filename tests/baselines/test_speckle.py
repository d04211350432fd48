"""The test material itself against the closed forms of developed speckle."""

import numpy as np

from benchmark.speckle.matching import decompress
from tests.baselines import speckle


def test_first_order_statistics_are_of_developed_speckle(even_sweep, scene):
    frames = np.asarray(even_sweep.bmode.frames)
    decibels = frames * (60 / 255)
    assert abs(decibels.std() - 5.57) < 0.3  # of the log of an exponential intensity
    intensity = decompress(frames, 60.0).astype(float) ** 2
    contrast = intensity.var() / intensity.mean() ** 2
    assert abs(contrast - (1 + 1 / scene.per_cell)) < 0.12  # exponential, of finite density


def test_intensity_decorrelates_as_the_beam_says(even_sweep, scene):
    intensity = decompress(np.asarray(even_sweep.bmode.frames), 60.0).astype(float) ** 2
    rows = slice(25, 65)  # near the focus
    part = intensity[:, rows]
    width = scene.elevation_at(2.0 + 0.2 * np.arange(25, 65))
    for gap in (1, 2, 3):
        measured = np.corrcoef(part[:-gap].reshape(-1), part[gap:].reshape(-1))[0, 1]
        expected = np.exp(-((0.24 * gap) ** 2) / (2 * width**2)).mean()
        assert abs(measured - expected) < 0.04


def test_steps_have_the_motion_that_was_asked_for(scene):
    steps = speckle.hand_steps(scene, 400, np.random.default_rng(0))
    centre = steps[:, :3, :3] @ scene.centre_mm + steps[:, :3, 3] - scene.centre_mm
    assert np.allclose(centre.mean(0), [0, 0, 0.25], atol=0.02)
    assert np.allclose(centre.std(0), [0.1, 0.04, 0.1], rtol=0.15)
