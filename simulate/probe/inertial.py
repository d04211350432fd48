"""Measurements of an inertial sensor at the middle of the probe's face, exact and with errors.

The motion is a smooth function of time. Its derivatives are central differences of fourth order
with a step of a millisecond, exact to about 1e-5 of a tremor's acceleration.
"""

import numpy as np

from benchmark.geometry import multiply
from simulate.probe.pose_sensor import PoseAt
from simulate.probe.settings import InertialSettings

GRAVITY_M_S2 = (0.0, 9.80665, 0.0)  # the world's y axis points down, into the body
STEP_S = 1e-3
STENCIL = np.arange(-2, 3)
FIRST = np.array([1.0, -8.0, 0.0, 8.0, -1.0]) / 12.0
SECOND = np.array([-1.0, 16.0, -30.0, 16.0, -1.0]) / 12.0


def exact_inertial(pose_at: PoseAt, times: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return specific force (M, 3) m/s^2 and angular rate (M, 3) rad/s, both in the image frame.

    Specific force is acceleration less gravity: at rest 1 g upwards. The angular rate is the vector
    of the skew matrix R^T dR/dt, where R(t) is the rotation of world_from_image.
    """
    instants = np.asarray(times)[:, None] + STEP_S * STENCIL
    poses = pose_at(instants.ravel()).reshape(len(times), len(STENCIL), 4, 4)
    image_from_world = poses[:, 2, :3, :3].swapaxes(-1, -2)
    acceleration_mm = (SECOND[:, None] * poses[:, :, :3, 3]).sum(1) / STEP_S**2
    force = 1e-3 * acceleration_mm - np.asarray(GRAVITY_M_S2)
    slope = (FIRST[:, None, None] * poses[:, :, :3, :3]).sum(1) / STEP_S
    turning = multiply(image_from_world, slope)
    turning = 0.5 * (turning - turning.swapaxes(-1, -2))
    rate = np.stack([turning[:, 2, 1], turning[:, 0, 2], turning[:, 1, 0]], -1)
    return multiply(image_from_world, force[..., None])[..., 0], rate


def measure_inertial(
    rng: np.random.Generator, settings: InertialSettings, pose_at: PoseAt, duration_s: float
) -> dict[str, np.ndarray]:
    """Return a sweep's `imu`: what the sensor measures, and the same without errors (`true_...`).

    Samples are regular; the first is half an interval after the sweep's start.
    """
    count = int(duration_s * settings.rate_hz)
    times = (np.arange(count) + 0.5) / settings.rate_hz
    force, rate = exact_inertial(pose_at, times)
    spread = np.sqrt(settings.rate_hz / 2.0)
    errors = (
        (settings.acceleration_bias, settings.acceleration_noise),
        (settings.angular_rate_bias, settings.angular_rate_noise),
    )
    seen = [
        exact + bias * rng.standard_normal(3) + spread * noise * rng.standard_normal(exact.shape)
        for exact, (bias, noise) in zip((force, rate), errors, strict=True)
    ]
    return {
        "timestamps": times,
        "acceleration": seen[0],
        "angular_rate": seen[1],
        "true_acceleration": force,
        "true_angular_rate": rate,
    }
