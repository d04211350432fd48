"""Sweeps with an IMU and photoacoustic frames, a data set of them, and a tracker that reads both
images and IMU."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmark import geometry
from benchmark.dataset import Dataset, write_dataset, write_entry
from benchmark.sweep import Channel, Observation, Prediction, Sweep
from benchmark.tracker import Tracker
from tests.benchmark.shared.folders import make_sweep

ME = "tests.benchmark.shared.sensed:Gyroscope"
SEEN: list[Observation] = []


class Gyroscope(Tracker):
    """Turns as the gyroscope says and advances by a constant; keeps what it was given in SEEN."""

    name = "gyroscope"
    reads = ("bmode", "imu")

    def track(self, observation: Observation) -> Prediction:
        SEEN.append(observation)
        times, imu = observation.bmode.timestamps, observation.imu
        middle = (times[1:] + times[:-1]) / 2
        rate = [np.interp(middle, imu["timestamps"], axis) for axis in imu["angular_rate"].T]
        motion = np.zeros((len(times) - 1, 6))
        motion[:, 2] = 0.8
        motion[:, 3:] = np.stack(rate, 1) * np.diff(times)[:, None]
        return Prediction.from_steps(geometry.from_degrees_of_freedom(motion))


def sensed_sweep(name: str, subject: str) -> Sweep:
    """Return a sweep with an IMU that turns as the probe does, and with photoacoustic frames."""
    sweep = make_sweep(name, subject)
    times = sweep.bmode.timestamps
    steps = geometry.degrees_of_freedom(geometry.relative(sweep.bmode.world_from_image))
    rate = steps[:, 3:] / np.diff(times)[:, None]
    imu = {
        "timestamps": (times[1:] + times[:-1]) / 2,
        "acceleration": np.zeros((len(rate), 3)),
        "angular_rate": rate,
        "true_angular_rate": rate,
    }
    glow = Channel(
        np.ones((3, 4, 4), np.float32),
        times[:3],
        np.eye(4),
        np.full(3, 800.0),
        world_from_image=sweep.bmode.world_from_image[:3],
    )
    return replace(sweep, channels={**sweep.channels, "pa": glow}, imu=imu)


def write_sensed(folder: Path) -> Dataset:
    """Write a data set of such sweeps: one to train on, two to test."""
    entries = []
    for index, split in enumerate(("train", "test", "test")):
        sweep = sensed_sweep(f"s{index}", f"p{index}")
        entries.append(write_entry(folder, f"{sweep.name}.h5", sweep, split, f"p{index}"))
    return write_dataset(folder, "sensed", entries, {})
