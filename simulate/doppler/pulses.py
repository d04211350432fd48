"""The times and poses of the pulses of Doppler frames, and the velocity limit of their rate."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from benchmark.geometry import interpolate
from simulate.doppler.settings import DopplerSettings
from simulate.probe.transducer import Probe

Array = NDArray[np.float64]


def aliasing_speed_m_s(probe: Probe, settings: DopplerSettings) -> float:
    """Return the speed along the beam, m/s, beyond which a velocity has the wrong sign."""
    return probe.sound_speed_m_s * settings.prf_hz / (4.0 * probe.centre_frequency_hz)


def slow_time(settings: DopplerSettings) -> Array:
    """Return the times (P,) s of an ensemble's pulses, 0 at its middle."""
    pulse = np.arange(settings.pulses, dtype=np.float64)
    return (pulse - 0.5 * (settings.pulses - 1)) / settings.prf_hz


def pulse_times(timestamps: Array, settings: DopplerSettings) -> Array:
    """Return the times (N, P) s of the pulses of frames with mid-ensemble times (N,) s."""
    return np.asarray(timestamps, np.float64)[:, None] + slow_time(settings)


def pulse_poses(world_from_image: Array, timestamps: Array, settings: DopplerSettings) -> Array:
    """Return the poses (N, P, 4, 4) at the pulses of frames with mid-ensemble times (N,) s.

    Poses (N, 4, 4) of frames are interpolated, and extrapolated by half an ensemble at either end,
    by screw motions. Poses (N, P, 4, 4) are returned unchanged.
    """
    if world_from_image.ndim == 4:
        return world_from_image
    instants = pulse_times(timestamps, settings)
    poses = interpolate(timestamps, world_from_image, instants.ravel())
    return poses.reshape(len(timestamps), settings.pulses, 4, 4)
