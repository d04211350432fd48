"""What the machine adds: when frames are taken, which are lost, and what can be named in them."""

from dataclasses import dataclass

import numpy as np

from benchmark.errors import UserError
from simulate.harmonics import sample_band

GAIN_HZ = (0.1, 0.5)


@dataclass(frozen=True)
class AcquisitionSettings:
    """How many frames a sweep has and when; the `acquisition` table of a spec.

    Parameters
    ----------
    frames, frame_rate_hz
        Of a sweep, before any is lost.
    frame_jitter_s
        Standard deviation of the time of a frame about its place in the regular series.
    dropped_share
        Share of frames that are lost; the first and the last never are.
    gain_change_db
        Root mean square of a gain that somebody turns up and down during the sweep.
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
        """Length of a sweep in s; the first frame's middle is half a frame after its start."""
        return self.frames / self.frame_rate_hz


def frame_times(rng: np.random.Generator, settings: AcquisitionSettings) -> np.ndarray:
    """Return the mid-frame times (N,) s, rising, of the frames that are not lost.

    Jitter is cut at 0.45 of the frame interval, so that frames keep their order.
    """
    interval = 1.0 / settings.frame_rate_hz
    regular = (np.arange(settings.frames) + 0.5) * interval
    jitter = settings.frame_jitter_s * rng.standard_normal(settings.frames)
    times = regular + np.clip(jitter, -0.45 * interval, 0.45 * interval)
    kept = rng.random(settings.frames) >= settings.dropped_share
    kept[[0, -1]] = True
    return times[kept]


def gain_changes(
    rng: np.random.Generator, settings: AcquisitionSettings, times: np.ndarray
) -> np.ndarray:
    """Return the change of gain (N,) dB at frames' times (N,) s: smooth, over some seconds."""
    return sample_band(rng, GAIN_HZ, value_rms=settings.gain_change_db)(times)


def laser_times(settings: AcquisitionSettings, frames_per_second: float, most: int) -> np.ndarray:
    """Return the times (P,) s of at most `most` laser frames spread evenly over a sweep.

    Where more fit at the laser's rate, it fires slower, so that the whole sweep is covered.
    """
    count = min(most, max(1, int(settings.duration_s * frames_per_second)))
    return (np.arange(count) + 0.5) * settings.duration_s / count
