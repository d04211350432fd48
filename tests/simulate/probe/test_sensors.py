"""Pose sensors and inertial sensors, against statistics and derivatives."""

from dataclasses import replace

import numpy as np
import pytest

from benchmark import geometry
from benchmark.errors import UserError
from simulate.hand.motion import poses, sample_motion
from simulate.hand.settings import MotionSettings
from simulate.probe.inertial import exact_inertial, measure_inertial
from simulate.probe.pose_sensor import calibration_error, measure_poses
from simulate.probe.settings import InertialSettings, PoseSensorSettings
from simulate.tissue.kinds import sample_tissue
from simulate.tissue.settings import TissueSettings
from tests.simulate.derivatives import derivatives

SECONDS = 5.4
GRAVITY = np.array([0.0, 9.80665, 0.0])
SILENT = PoseSensorSettings(
    "optical", (0.0, 0.0, 0.0), 0.0, calibration_mm=0.0, calibration_deg=0.0
)


def mover(seed=0, **changes):
    """Return a true motion as a function of time, with tremor and jerks."""
    tissue = sample_tissue(np.random.default_rng(1), TissueSettings(arteries=0, veins=0))
    changes = {"tremor_mm": 0.1, "tremor_deg": 0.1, "jerks": 2, "jerk_mm": 1.0, **changes}
    settings = replace(MotionSettings(), **changes)
    motion = sample_motion("s", np.random.default_rng(seed), settings, "perpendicular", SECONDS)
    return lambda t: poses("s", np.asarray(t, float), motion, tissue.skin_surface)


def test_the_exact_imu_is_the_derivative_of_the_motion():
    """Against a polynomial through 21 poses, which shares no stencil and no step with it."""
    pose_at, times = mover(), np.linspace(0.3, 5.0, 25)
    force, rate = exact_inertial(pose_at, times)
    for time, found_force, found_rate in zip(times, force, rate, strict=True):
        rotation = pose_at(np.array([time]))[0, :3, :3]
        acceleration = 1e-3 * derivatives(pose_at, time, 2)[:3, 3]
        expected = rotation.T @ (acceleration - GRAVITY)
        assert np.allclose(found_force, expected, atol=2e-3)
        turning = rotation.T @ derivatives(pose_at, time, 1)[:3, :3]
        vector = [turning[2, 1], turning[0, 2], turning[1, 0]]
        assert np.allclose(found_rate, vector, atol=1e-5)


def test_the_imu_at_rest_feels_one_g_upwards():
    tilted = geometry.exp(np.array([[1.0, 2.0, 3.0, 0.4, 0.0, 0.0]]))
    force, rate = exact_inertial(lambda t: np.repeat(tilted, len(t), 0), np.array([1.0, 2.0]))
    assert np.allclose(force, -(tilted[0, :3, :3].T @ GRAVITY), atol=1e-7)
    assert np.allclose(rate, 0.0, atol=1e-9)


def test_integrating_the_imu_gives_the_path_back():
    """Strapdown integration of exact samples from the true start ends where the probe is."""
    pose_at, rate_hz = mover(tremor_mm=0.0, tremor_deg=0.0, jerks=0), 250.0
    imu = measure_inertial(
        np.random.default_rng(0), InertialSettings(rate_hz, 0.0, 0.0, 0.0, 0.0), pose_at, 4.0
    )
    start = imu["timestamps"][0] - 0.5 / rate_hz
    near = pose_at(start + np.array([-1e-4, 0.0, 1e-4]))
    rotation, place = near[1, :3, :3], near[1, :3, 3]
    velocity = (near[2, :3, 3] - near[0, :3, 3]) / 2e-4
    for force, turn in zip(imu["acceleration"], imu["angular_rate"], strict=True):
        half = rotation @ geometry.rotation_from_vector(0.5 * turn / rate_hz)
        acceleration = 1e3 * (half @ force + GRAVITY)
        place = place + velocity / rate_hz + 0.5 * acceleration / rate_hz**2
        velocity = velocity + acceleration / rate_hz
        rotation = rotation @ geometry.rotation_from_vector(turn / rate_hz)
    end = pose_at(np.array([start + len(imu["timestamps"]) / rate_hz]))[0]
    assert np.linalg.norm(place - end[:3, 3]) < 0.05
    assert np.allclose(rotation, end[:3, :3], atol=1e-4)


def test_noise_of_the_imu_has_its_density_and_bias():
    settings = InertialSettings(200.0, 2e-3, 1e-3, 0.05, 0.01)
    biases = []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        imu = measure_inertial(rng, settings, lambda t: np.repeat(np.eye(4)[None], len(t), 0), 5.4)
        off = imu["acceleration"] - imu["true_acceleration"]
        biases.append(off.mean(0))
        assert (off - off.mean(0)).std() == pytest.approx(2e-3 * np.sqrt(100.0), rel=0.08)
        turn = imu["angular_rate"] - imu["true_angular_rate"]
        assert (turn - turn.mean(0)).std() == pytest.approx(1e-3 * np.sqrt(100.0), rel=0.08)
        assert len(off) == 1080 == len(imu["timestamps"])
    assert np.std(biases) == pytest.approx(0.05, rel=0.2)


def test_a_sensor_without_errors_measures_the_truth():
    pose_at, times = mover(), np.arange(0.1, 5.0, 0.05)
    calibration = calibration_error(np.random.default_rng(0), SILENT)
    found = measure_poses(np.random.default_rng(0), SILENT, pose_at, times, calibration)
    assert np.allclose(found, pose_at(times), atol=1e-9)


def test_a_lag_measures_the_pose_of_an_earlier_time():
    pose_at, times = mover(), np.arange(0.1, 5.0, 0.05)
    late = replace(SILENT, lag_s=0.04)
    found = measure_poses(np.random.default_rng(0), late, pose_at, times, np.eye(4))
    assert np.allclose(found, pose_at(times - 0.04), atol=1e-9)


def test_a_calibration_error_is_the_same_fixed_transform_for_all_frames():
    pose_at, times = mover(), np.arange(0.1, 5.0, 0.05)
    settings = replace(SILENT, calibration_mm=0.5, calibration_deg=0.3)
    errors = []
    for seed in range(200):
        calibration = calibration_error(np.random.default_rng(seed), settings)
        errors.append(geometry.log(calibration))
    found = measure_poses(np.random.default_rng(0), settings, pose_at, times, calibration)
    assert np.allclose(geometry.inverse(pose_at(times)) @ found, calibration, atol=1e-9)
    assert np.std(errors, axis=0)[:3] == pytest.approx([0.5] * 3, rel=0.15)
    assert np.rad2deg(np.std(errors, axis=0)[3:]) == pytest.approx([0.3] * 3, rel=0.15)


def test_noise_is_white_along_the_worlds_axes_and_levers_turn_it_into_more():
    pose_at, times = mover(), np.linspace(0.1, 5.0, 4000)
    settings = replace(SILENT, noise_mm=(0.05, 0.1, 0.2))
    off = measure_poses(np.random.default_rng(0), settings, pose_at, times, np.eye(4))
    off = off[:, :3, 3] - pose_at(times)[:, :3, 3]
    assert off.std(0) == pytest.approx([0.05, 0.1, 0.2], rel=0.08)
    assert abs(np.corrcoef(off[1:, 2], off[:-1, 2])[0, 1]) < 0.06
    turning = replace(SILENT, noise_deg=0.1, lever_mm=100.0)
    found = measure_poses(np.random.default_rng(0), turning, pose_at, times, np.eye(4))
    off = geometry.inverse(pose_at(times)) @ found
    assert off[:, 0, 3].std() == pytest.approx(100.0 * np.deg2rad(0.1), rel=0.08)


def test_an_electromagnetic_field_bends_smoothly():
    settings = replace(SILENT, kind="electromagnetic", distortion_mm=1.0)
    times = np.linspace(0.1, 5.0, 100)
    sizes = []
    for seed in range(60):
        pose_at = mover()
        off = measure_poses(np.random.default_rng(seed), settings, pose_at, times, np.eye(4))
        off = off[:, :3, 3] - pose_at(times)[:, :3, 3]
        sizes.append(off[0])
        assert np.abs(np.diff(off, axis=0)).max() < 0.15
    assert np.std(sizes) == pytest.approx(1.0, rel=0.25)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: PoseSensorSettings(kind="radar"), "pose_sensor.kind"),
        (lambda: PoseSensorSettings(noise_deg=-1.0), "pose_sensor.noise_deg"),
        (lambda: PoseSensorSettings(noise_mm=(0.1, -0.1, 0.1)), "pose_sensor.noise_mm"),
        (lambda: InertialSettings(rate_hz=-1.0), "imu.rate_hz"),
        (lambda: InertialSettings(rate_hz=1000.0), "imu.rate_hz"),
    ],
)
def test_impossible_sensors_are_refused(make, words):
    with pytest.raises(UserError, match=words):
        make()
