"""A small sweep with all that one can hold."""

from dataclasses import replace

import numpy as np

from benchmark import geometry
from benchmark.sweep import Channel, Sweep


def full_sweep(frames=7, seed=0):
    """Return a sweep with all that one can hold: three channels, landmarks, IMU, factors."""
    rng = np.random.default_rng(seed)
    poses = geometry.exp(rng.normal(size=6)) @ geometry.chain(
        geometry.exp(0.1 * rng.normal(size=(frames - 1, 6)))
    )
    mm_from_pixel = np.diag([0.2, 0.3, 1.0, 1.0])
    times = np.arange(frames) / 20.0
    channels = {
        "bmode": Channel(
            rng.integers(0, 255, (frames, 5, 6)).astype(np.uint8),
            times,
            mm_from_pixel,
            world_from_image=poses,
        ),
        "pa": Channel(
            rng.normal(size=(2, 4, 6)).astype(np.float32),
            times[:2] + 0.01,
            mm_from_pixel,
            np.array([750.0, 850.0]),
            world_from_image=poses[:2],
        ),
    }
    imu = {
        "timestamps": times,
        "acceleration": rng.normal(size=(frames, 3)),
        "angular_rate": rng.normal(size=(frames, 3)),
    }
    landmarks = np.array([[0.0, 1.5, 2.0], [3.0, 0.0, 4.0]])
    return Sweep("s", channels, landmarks, {"name": "linear"}, {"subject": "p0", "level": 0.5}, imu)


def with_measured(sweep: Sweep, **measured) -> Sweep:
    """Return the sweep with poses (N, 4, 4) of B-mode as sensors of these names measured them."""
    channels = dict(sweep.channels)
    channels["bmode"] = replace(sweep.bmode, measured=measured)
    return replace(sweep, channels=channels)
