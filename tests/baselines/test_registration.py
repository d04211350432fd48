"""Registration in the image plane: known motion, stated uncertainty, wild patches."""

import numpy as np
import pytest

from baselines.decorrelation import DecorrelationConfig
from baselines.parts.motion import centre_motion, true_motion
from baselines.registration import InPlaneRegistration
from benchmark import geometry
from benchmark.errors import UserError
from benchmark.registry import make_tracker
from benchmark.speckle.registration import RegistrationConfig, rigid_motion
from tests.baselines import speckle


def in_plane_sweep(scene, motion, count=8, seed=9):
    """A sweep that moves by (x mm, y mm, rotation rad) of the image centre at each step."""
    values = np.zeros((count, 6))
    values[:, [0, 1, 5]] = motion
    steps = geometry.about(-scene.centre_mm, geometry.from_degrees_of_freedom(values))
    return speckle.speckle_sweep(scene, steps, seed)


@pytest.mark.parametrize(
    "motion",
    [(0.13, 0.0, 0.0), (-0.35, 0.07, 0.0), (0.0, 0.0, np.deg2rad(0.6)), (0.2, -0.1, -0.008)],
)
def test_known_motion_in_the_plane_is_found(scene, motion):
    sweep = in_plane_sweep(scene, motion)
    found = InPlaneRegistration().track(sweep.observe()).prev_from_frame
    answer = centre_motion(sweep.bmode, found).mean(0)[[0, 1, 5]]
    assert np.abs(answer[:2] - motion[:2]).max() < 0.012  # mm: 6 % of a pixel
    assert abs(answer[2] - motion[2]) < np.deg2rad(0.03)


def test_nothing_is_answered_out_of_the_plane(test_sweep):
    poses = InPlaneRegistration().track(test_sweep.observe()).first_from_frame
    assert np.abs(poses[:, 2, :2]).max() < 1e-12 and np.abs(poses[:, 2, 3]).max() < 1e-12


def test_in_plane_motion_is_found_beside_elevational_motion(test_sweep):
    prediction = InPlaneRegistration().track(test_sweep.observe())
    found = centre_motion(test_sweep.bmode, prediction.prev_from_frame)
    true = true_motion(test_sweep)
    for axis, least in ((0, 0.97), (1, 0.9), (5, 0.9)):
        assert np.corrcoef(found[:, axis], true[:, axis])[0, 1] > least


def test_stated_sigma_is_of_the_size_of_the_error(test_sweep):
    prediction = InPlaneRegistration().track(test_sweep.observe())
    found = centre_motion(test_sweep.bmode, prediction.prev_from_frame)
    error = np.linalg.norm((found - true_motion(test_sweep))[:, :2], axis=1)
    ratio = np.sqrt((error**2).mean() / (prediction.sigma**2).mean())
    assert 0.3 < ratio < 3


def test_rigid_fit_is_exact_and_ignores_wild_patches():
    rng = np.random.default_rng(4)
    earlier = rng.uniform(-10, 10, (60, 2))
    angle, shift = 0.03, np.array([0.4, -0.2])
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    later = (earlier - shift) @ turn  # earlier = turn @ later + shift
    displacement = (later - earlier)[None] + rng.normal(size=(1, 60, 2)) * 1e-5
    displacement[0, :12] += rng.uniform(0.5, 2, (12, 2))
    displacement[0, 12] = np.nan
    motion, _ = rigid_motion(earlier, displacement, np.full((1, 60), 0.8))
    assert np.abs(motion[0] - [*shift, angle]).max() < 1e-4


def test_rigid_fit_states_its_variance():
    rng = np.random.default_rng(5)
    earlier = rng.uniform(-10, 10, (80, 2))
    displacement = rng.normal(size=(400, 80, 2)) * [0.02, 0.01]
    motion, variance = rigid_motion(earlier, displacement, np.full((400, 80), 0.8))
    assert np.allclose(motion.std(0) / np.sqrt(variance.mean(0)), 1, atol=0.15)


def test_oblong_pixels(scene):
    """The motion in mm stays the same where every second column is left out."""
    sweep = in_plane_sweep(speckle.Scene(72, 120, pixel_mm=0.12), (0.1, 0.05, 0.0))
    images = sweep.bmode
    squeezed = images.mm_from_pixel.copy()
    squeezed[0, 0] *= 2
    fields = {"timestamps": images.timestamps, "world_from_image": images.world_from_image}
    channel = type(images)(frames=images.frames[:, :, ::2], mm_from_pixel=squeezed, **fields)
    half = type(sweep)("half", {"bmode": channel}, probe=sweep.probe)
    config = RegistrationConfig(gaps=(1,))
    found = InPlaneRegistration(config).track(half.observe()).prev_from_frame
    answer = centre_motion(channel, found).mean(0)
    assert np.abs(answer[:2] - [0.1, 0.05]).max() < 0.012


@pytest.mark.parametrize("gaps", [(), (2, 3), (0, 1), (1, -1), (1, 1)])
def test_gaps_without_neighbours_are_refused(gaps):
    for config in (RegistrationConfig, DecorrelationConfig):
        with pytest.raises(UserError, match="gaps: expected 1 and other whole numbers above it"):
            config(gaps=gaps)
    assert make_tracker("in-plane-registration", gaps="1,4").config.gaps == (1, 4)
    with pytest.raises(UserError, match=r"got \(2, 3\)"):
        make_tracker("speckle-decorrelation", gaps="2,3")
