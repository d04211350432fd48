"""Poses as an optical or electromagnetic tracker on the probe measures them."""

from collections.abc import Callable

import numpy as np

from benchmark.geometry import compose, exp, inverse, multiply
from simulate.harmonics import sample_band
from simulate.probe.settings import PoseSensorSettings

PoseAt = Callable[[np.ndarray], np.ndarray]  # times (N,) s -> world_from_image (N, 4, 4)

# Metal nearby bends the field of an electromagnetic tracker over some decimetres.
DISTORTION_PER_MM = (1 / 400.0, 1 / 150.0)


def calibration_error(rng: np.random.Generator, settings: PoseSensorSettings) -> np.ndarray:
    """Draw true_image_from_calibrated_image (4, 4), mm."""
    size = np.repeat((settings.calibration_mm, np.deg2rad(settings.calibration_deg)), 3)
    return exp(size * rng.standard_normal(6))


def measure_poses(
    rng: np.random.Generator,
    settings: PoseSensorSettings,
    pose_at: PoseAt,
    times: np.ndarray,
    calibration: np.ndarray,
) -> np.ndarray:
    """Return world_from_image (N, 4, 4) of frames by the sensor and its calibration.

    Parameters
    ----------
    pose_at : the true motion.
    times : time stamps (N,) s of the frames.
    calibration : as `calibration_error` returns it.
    """
    image_from_sensor = compose(np.eye(3), np.array([0.0, -settings.lever_mm, 0.0]))
    world_from_sensor = multiply(pose_at(np.asarray(times) - settings.lag_s), image_from_sensor)
    moved = _distorted(rng, settings.distortion_mm, world_from_sensor)
    moved[:, :3, 3] += np.asarray(settings.noise_mm) * rng.standard_normal((len(moved), 3))
    turn = np.zeros((len(moved), 6))
    turn[:, 3:] = np.deg2rad(settings.noise_deg) * rng.standard_normal((len(moved), 3))
    world_from_image = multiply(multiply(moved, exp(turn)), inverse(image_from_sensor))
    return multiply(world_from_image, calibration)


def _distorted(rng: np.random.Generator, distortion_mm: float, poses: np.ndarray) -> np.ndarray:
    """Return poses (N, 4, 4) displaced by a field that is smooth along each axis of the world."""
    moved = poses.copy()
    for axis in range(3):
        for along in range(3):
            wave = sample_band(
                rng, DISTORTION_PER_MM, value_rms=distortion_mm / np.sqrt(3), count=3
            )
            moved[:, axis, 3] += wave(poses[:, along, 3])
    return moved
