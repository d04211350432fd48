"""The machine's clock and gain: times of frames, frames that are lost, changes of gain."""

import numpy as np

from simulate.harmonics import sample_band
from simulate.probe.settings import AcquisitionSettings

GAIN_HZ = (0.1, 0.5)  # band of the changes of gain


def frame_times(rng: np.random.Generator, settings: AcquisitionSettings) -> np.ndarray:
    """Return the mid-frame times (N,) s, rising, of the frames that are not lost.

    Jitter is limited to 0.45 of the frame interval, so that frames keep their order.
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

    If more would fit at the laser's rate, the laser fires at a lower rate, so that the frames still
    cover the whole sweep.
    """
    count = min(most, max(1, int(settings.duration_s * frames_per_second)))
    return (np.arange(count) + 0.5) * settings.duration_s / count
