"""What an optical or electromagnetic tracker would have measured, beside the exact poses."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Literal

import numpy as np

from benchmark.errors import UserError
from benchmark.geometry import compose, exp, inverse
from simulate.harmonics import sample_band

PoseAt = Callable[[np.ndarray], np.ndarray]  # times (N,) s -> world_from_image (N, 4, 4)

# Metal nearby bends the field of an electromagnetic tracker over some decimetres.
DISTORTION_PER_MM = (1 / 400.0, 1 / 150.0)


@dataclass(frozen=True)
class PoseSensorSettings:
    """A tracker on the probe and its errors; the `pose_sensor` table of a spec.

    Parameters
    ----------
    kind
        "none", "optical" or "electromagnetic": the name of what is measured; its errors are the
        numbers below.
    noise_mm, noise_deg
        White noise of each measurement: along the world's axes, and about each axis.
    distortion_mm
        Root mean square of a displacement that changes smoothly with the place.
    calibration_mm, calibration_deg
        Standard deviation of the image's calibrated place and direction on the sensor; drawn once
        per data set.
    lag_s
        How long before its frame's time stamp a pose was measured.
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
    """Return world_from_image (N, 4, 4) as the sensor and its calibration give it for frames.

    Parameters
    ----------
    pose_at : the true motion.
    times : time stamps (N,) s of the frames.
    calibration : as `calibration_error` returns it.
    """
    image_from_sensor = compose(np.eye(3), np.array([0.0, -settings.lever_mm, 0.0]))
    world_from_sensor = pose_at(np.asarray(times) - settings.lag_s) @ image_from_sensor
    moved = _distorted(rng, settings.distortion_mm, world_from_sensor)
    moved[:, :3, 3] += np.asarray(settings.noise_mm) * rng.standard_normal((len(moved), 3))
    turn = np.zeros((len(moved), 6))
    turn[:, 3:] = np.deg2rad(settings.noise_deg) * rng.standard_normal((len(moved), 3))
    return moved @ exp(turn) @ inverse(image_from_sensor) @ calibration


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
