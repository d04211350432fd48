"""Speckle decorrelation: steps of known motion, the fitted curves, the stated uncertainty."""

import numpy as np
import pytest

from baselines.decorrelation import (
    DecorrelationConfig,
    SpeckleDecorrelation,
    fit_plane,
    model_correlation,
)
from baselines.decorrelation_fit import Calibration, Levels
from baselines.parts.motion import centre_motion, true_motion
from benchmark import geometry
from benchmark.checker import check_tracker
from benchmark.speckle.law import envelope_correlation
from benchmark.speckle.map import speckle_map
from benchmark.speckle.registration import Pairs
from benchmark.sweep import Sweep
from tests.baselines import speckle


@pytest.fixture(scope="module")
def fitted(training_sweeps):
    tracker = SpeckleDecorrelation()
    tracker.fit(training_sweeps)
    return tracker


def elevation(sweep, prediction):
    return centre_motion(sweep.bmode, prediction.prev_from_frame)[:, 2]


def test_even_steps_of_the_literature_are_found_within_five_percent(fitted, even_sweep):
    found = elevation(even_sweep, fitted.track(even_sweep.observe()))
    assert abs(found.mean() / 0.24 - 1) < 0.05
    assert found.std() < 0.05


def test_irregular_steps_are_followed(fitted, test_sweep):
    prediction = fitted.track(test_sweep.observe())
    found = centre_motion(test_sweep.bmode, prediction.prev_from_frame)
    true = true_motion(test_sweep)
    for axis, least in ((0, 0.97), (1, 0.9), (2, 0.93), (3, 0.4), (4, 0.4), (5, 0.9)):
        assert np.corrcoef(found[:, axis], true[:, axis])[0, 1] > least
    assert abs(found[:, 2].mean() / true[:, 2].mean() - 1) < 0.05


def test_calibrated_width_is_that_of_the_beam(fitted, scene, test_sweep):
    found = fitted.calibration
    width = speckle_map(test_sweep.probe, test_sweep.bmode).at(found.depth_mm)[:, 2]
    expected = scene.elevation_at(found.depth_mm)
    assert np.ptp(found.scale) == 0  # the probe is known: one scale for all depths
    assert np.abs(found.scale * width / expected - 1).max() < 0.1


def test_map_alone_finds_the_steps_of_a_known_probe(even_sweep):
    """Developed speckle, so a coherent share of 0: no training, the scale is the probe's."""
    found = elevation(even_sweep, SpeckleDecorrelation().track(even_sweep.observe()))
    assert abs(found.mean() / 0.24 - 1) < 0.1


def test_measured_map_goes_before_training_and_scales_the_steps(fitted, even_sweep, scene):
    depth = np.linspace(2.0, 16.0, 8)
    table = {"depth_mm": depth, "elevation_mm": scene.elevation_at(depth), "coherence": 0.0}
    found = {}
    for factor in (1.0, 2.0):
        twice = {**table, "elevation_mm": factor * table["elevation_mm"]}
        sweep = Sweep("s", even_sweep.channels, probe={**even_sweep.probe, "speckle": twice})
        trained, plain = (
            elevation(sweep, tracker.track(sweep.observe())).mean()
            for tracker in (fitted, SpeckleDecorrelation())
        )
        assert abs(trained / plain - 1) < 0.1  # training adds how much probes tilt
        found[factor] = plain
    assert abs(found[1.0] / 0.24 - 1) < 0.1
    assert abs(found[2.0] / found[1.0] - 2) < 0.2


def test_structure_that_stays_does_not_hold_the_motion_back(fitted):
    scene = speckle.Scene(height=72, width=80, contrast_db=4.0, noise_db=-35.0)
    sweeps = []
    for seed in range(3):
        steps = speckle.hand_steps(scene, 20, np.random.default_rng(seed))
        sweeps.append(speckle.speckle_sweep(scene, steps, 70 + seed))
    tracker = SpeckleDecorrelation()
    tracker.fit(sweeps[:2])
    found, true = elevation(sweeps[2], tracker.track(sweeps[2].observe())), true_motion(sweeps[2])
    assert np.corrcoef(found, true[:, 2])[0, 1] > 0.85
    assert abs(found.mean() / true[:, 2].mean() - 1) < 0.1


def test_stated_sigma_is_of_the_size_of_the_error(fitted, test_sweep):
    prediction = fitted.track(test_sweep.observe())
    found = centre_motion(test_sweep.bmode, prediction.prev_from_frame)
    error = np.linalg.norm((found - true_motion(test_sweep))[:, :3], axis=1)
    ratio = np.sqrt((error**2).mean() / (prediction.sigma**2).mean())
    assert 0.3 < ratio < 3


def test_direction_is_that_of_training_or_as_told(training_sweeps, test_sweep):
    backward = [reversed_sweep(sweep) for sweep in training_sweeps]
    learned, told = SpeckleDecorrelation(), SpeckleDecorrelation(DecorrelationConfig(advance=1))
    learned.fit(backward)
    told.fit(backward)
    assert (elevation(test_sweep, learned.track(test_sweep.observe())) < 0).all()
    assert (elevation(test_sweep, told.track(test_sweep.observe())) > 0).all()


def reversed_sweep(sweep: Sweep) -> Sweep:
    old = sweep.bmode
    poses = old.world_from_image[::-1].copy()
    channel = type(old)(old.frames[::-1], old.timestamps, old.mm_from_pixel, world_from_image=poses)
    return Sweep(sweep.name, {"bmode": channel}, probe=sweep.probe)


def test_keeps_the_contract_on_speckle(fitted, test_sweep):
    check_tracker(fitted, test_sweep.observe())


def test_envelope_correlation_against_simulated_gaussian_pairs():
    """Two complex normal fields of coherence mu: Monte Carlo of the correlation of their moduli."""
    rng = np.random.default_rng(0)
    one, other = rng.normal(size=(2, 400_000, 2)) @ [1, 1j]
    for m in (0.1, 0.5, 0.9):
        mixed = np.sqrt(m) * one + np.sqrt(1 - m) * other
        measured = np.corrcoef(np.abs(one), np.abs(mixed))[0, 1]
        assert abs(envelope_correlation(np.array(m))[0] - measured) < 0.006
    m, step = np.linspace(0.05, 0.95, 10), 1e-5
    rise = (envelope_correlation(m + step)[0] - envelope_correlation(m - step)[0]) / (2 * step)
    assert np.allclose(envelope_correlation(m)[1], rise, rtol=1e-5)


def made_levels(patches: int, noise=0.1) -> Levels:
    sigma = np.linspace(0.4, 0.8, patches)
    coherent = np.full((1, patches), 0.1)
    return Levels(
        sigma, np.full(patches, 0.97), coherent, noise, np.zeros(2), np.deg2rad([0.5, 0.5])
    )


def test_slope_of_the_model_is_its_derivative():
    rng = np.random.default_rng(1)
    centre, levels = rng.uniform(-8, 8, (30, 2)), made_levels(30)
    plane = np.array([[0.3, 0.01, -0.02]])
    slope = model_correlation(plane, centre, levels, 800.0)[1]
    for axis in range(3):
        step = np.zeros(3)
        step[axis] = 1e-6
        ahead = model_correlation(plane + step, centre, levels, 800.0)[0]
        back = model_correlation(plane - step, centre, levels, 800.0)[0]
        assert np.allclose(slope[..., axis], (ahead - back) / 2e-6, rtol=1e-4, atol=1e-6)


def pairs_of(correlation, centre):
    count = len(correlation)
    nothing = np.zeros((count, 3))
    return Pairs(nothing, nothing + 1, correlation, np.zeros_like(correlation), centre, 1.0)


def test_plane_fit_inverts_the_model_beside_wild_patches():
    rng = np.random.default_rng(2)
    centre, levels = rng.uniform(-8, 8, (60, 2)), made_levels(60, noise=0.01)
    plane = np.array([[0.35, 0.012, -0.015], [0.1, 0.0, 0.004], [0.5, -0.01, 0.01]])
    correlation = model_correlation(plane, centre, levels, 800.0)[0]
    correlation[:, :6] = rng.uniform(0, 1, (3, 6))
    correlation[:, 6] = np.nan
    found, spread = fit_plane(pairs_of(correlation, centre), levels, 800.0)
    assert np.abs(found - plane).max() < 2e-3
    assert (spread > 0).all() and np.isfinite(spread).all()


def test_plane_fit_states_its_variance():
    rng = np.random.default_rng(3)
    centre, levels = rng.uniform(-8, 8, (60, 2)), made_levels(60, noise=0.05)
    plane = np.tile([0.35, 0.004, -0.004], (300, 1))
    expected = model_correlation(plane, centre, levels, 0.0)[0]
    noisy = expected + 0.05 * (1 - expected**2 + 0.02) * rng.normal(size=expected.shape)
    found, spread = fit_plane(pairs_of(noisy, centre), levels, 0.0)
    assert abs(found[:, 0].std() / np.sqrt(spread[:, 0].mean()) - 1) < 0.25
    assert abs(found[:, 0].mean() - 0.35) < 0.01


def test_calibration_round_trip_and_refusal():
    start = Calibration.default(3)
    assert np.array_equal(Calibration.from_arrays(start.arrays(), 3).ceiling, start.ceiling)
    with pytest.raises(ValueError, match="expected 2 gaps"):
        Calibration.from_arrays(start.arrays(), 2)


def test_no_motion_reads_as_almost_none(fitted, scene):
    steps = np.tile(np.eye(4), (8, 1, 1))
    sweep = speckle.speckle_sweep(scene, steps, 80)
    assert np.abs(elevation(sweep, fitted.track(sweep.observe()))).mean() < 0.03


def test_frames_of_the_image_origin_elsewhere_give_the_same_steps(fitted, test_sweep):
    """Moving the origin of the image within its plane moves the poses with it, not the tissue."""
    old = test_sweep.bmode
    move = geometry.exp(np.array([5.0, 0.0, 0, 0, 0, 0]))
    images = type(old)(
        old.frames, old.timestamps, move @ old.mm_from_pixel, world_from_image=old.world_from_image
    )
    moved = Sweep("moved", {"bmode": images}, probe=test_sweep.probe)
    here = centre_motion(old, fitted.track(test_sweep.observe()).prev_from_frame)
    there = centre_motion(images, fitted.track(moved.observe()).prev_from_frame)
    assert np.abs(here - there).max() < 1e-9
