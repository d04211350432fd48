"""The tables `acquisition`, `pose_sensor` and `imu` of a spec.

The table `probe` is `simulate.probe.transducer.Probe`, which holds the physics of its beam too.
"""

from dataclasses import dataclass, fields
from typing import Literal

import numpy as np

from benchmark.errors import UserError


@dataclass(frozen=True)
class AcquisitionSettings:
    """The number and times of a sweep's frames, and its gain; the `acquisition` table of a spec.

    Parameters
    ----------
    frames, frame_rate_hz
        Of a sweep, lost frames included.
    frame_jitter_s
        Standard deviation of a frame's time about its place in the regular series.
    dropped_share
        Share of frames that are lost; the first and the last frame are always kept.
    gain_change_db
        Root mean square of the changes of gain during the sweep.
    """

    frames: int = 100
    frame_rate_hz: float = 20.0
    frame_jitter_s: float = 0.0
    dropped_share: float = 0.0
    gain_change_db: float = 0.0

    def __post_init__(self) -> None:
        if self.frames < 2:
            raise UserError(f"acquisition.frames: expected at least 2, got {self.frames}")
        if not 0 < self.frame_rate_hz < np.inf:
            raise UserError(
                f"acquisition.frame_rate_hz: expected more than 0, got {self.frame_rate_hz}"
            )
        if not 0 <= self.frame_jitter_s < np.inf:
            raise UserError(
                f"acquisition.frame_jitter_s: expected at least 0, got {self.frame_jitter_s}"
            )
        if not 0 <= self.dropped_share < 1:
            raise UserError(
                f"acquisition.dropped_share: expected 0 to less than 1, got {self.dropped_share}"
            )
        if not 0 <= self.gain_change_db < np.inf:
            raise UserError(
                f"acquisition.gain_change_db: expected at least 0, got {self.gain_change_db}"
            )

    @property
    def duration_s(self) -> float:
        """Duration of a sweep, s; the first frame's middle is half a frame after its start."""
        return self.frames / self.frame_rate_hz


@dataclass(frozen=True)
class PoseSensorSettings:
    """A tracker on the probe and its errors; the `pose_sensor` table of a spec.

    Parameters
    ----------
    kind
        "none", "optical" or "electromagnetic": the name under which the poses are stored; the
        errors are the numbers below, whatever the kind.
    noise_mm, noise_deg
        White noise of each measurement: along the world's axes, and about each axis.
    distortion_mm
        Root mean square of a displacement that changes smoothly with position.
    calibration_mm, calibration_deg
        Standard deviation of the error of the image's calibrated position and direction on the
        sensor; drawn once per data set.
    lag_s
        Time from the measurement of a pose to its frame's time stamp.
    lever_mm
        Distance of the sensor behind the probe's face.
    """

    kind: Literal["none", "optical", "electromagnetic"] = "none"
    noise_mm: tuple[float, float, float] = (0.05, 0.05, 0.15)
    noise_deg: float = 0.05
    distortion_mm: float = 0.0
    calibration_mm: float = 0.5
    calibration_deg: float = 0.3
    lag_s: float = 0.0
    lever_mm: float = 100.0

    def __post_init__(self) -> None:
        if self.kind not in ("none", "optical", "electromagnetic"):
            raise UserError(
                "pose_sensor.kind: expected 'none', 'optical' or 'electromagnetic', got "
                f"{self.kind!r}"
            )
        for item in fields(self):
            value = getattr(self, item.name)
            numbers = value if isinstance(value, tuple) else (value,)
            signed = item.name == "lag_s"
            if item.name != "kind" and not all(
                np.isfinite(n) and (signed or n >= 0) for n in numbers
            ):
                raise UserError(
                    f"pose_sensor.{item.name}: expected finite numbers"
                    f"{'' if signed else ' of at least 0'}, got {value}"
                )


@dataclass(frozen=True)
class InertialSettings:
    """An inertial sensor on the probe; the `imu` table of a spec.

    Parameters
    ----------
    rate_hz
        Samples per second, at most 250; 0 for no sensor.
    acceleration_noise, angular_rate_noise
        Densities of white noise, m/s^2 and rad/s per square root of Hz; the sensor's bandwidth is
        half its rate.
    acceleration_bias, angular_rate_bias
        Standard deviation of an error that is constant during a sweep, m/s^2 and rad/s.
    """

    rate_hz: float = 0.0
    acceleration_noise: float = 1.5e-3
    angular_rate_noise: float = 1.7e-4
    acceleration_bias: float = 0.02
    angular_rate_bias: float = 2e-3

    def __post_init__(self) -> None:
        for item in fields(self):
            value = getattr(self, item.name)
            if not 0 <= value < np.inf:
                raise UserError(f"imu.{item.name}: expected at least 0, got {value}")
        if self.rate_hz > 250:
            raise UserError(f"imu.rate_hz: expected at most 250, got {self.rate_hz}")
