"""The tables `doppler` and `doppler.flow` of a spec, and the times of the pulses they ask for."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from benchmark.errors import UserError
from benchmark.geometry import interpolate
from simulate.probe.transducer import Probe

Array = NDArray[np.float64]


@dataclass(frozen=True)
class FlowSettings:
    """How fast blood runs; the `doppler.flow` table of a spec.

    Parameters
    ----------
    profile
        "parabolic": v = 2 mean (1 - r² / R²), as in long vessels; "plug": the same all over.
    artery_mm_s, vein_mm_s, reference_radius_mm
        Mean speed over the lumen and over time of a vessel of that radius. In others it is
        proportional to the radius: the flow goes as its cube, so that Murray's law keeps it whole.
    pulsatility_artery, pulsatility_vein
        (Largest - least) over mean flow within a beat.
    heart_hz
        Beats per second; where `tissue.motion` makes arteries pulsate, its `pulse_hz` holds.
    """

    profile: Literal["parabolic", "plug"] = "parabolic"
    artery_mm_s: float = 150.0
    vein_mm_s: float = 60.0
    reference_radius_mm: float = 1.5
    pulsatility_artery: float = 1.6
    pulsatility_vein: float = 0.2
    heart_hz: float = 1.1

    def __post_init__(self) -> None:
        for key in ("artery_mm_s", "vein_mm_s", "pulsatility_artery", "pulsatility_vein"):
            if not 0.0 <= getattr(self, key) < math.inf:
                raise UserError(f"doppler.flow.{key}: expected 0 or more, got {getattr(self, key)}")
        for key in ("reference_radius_mm", "heart_hz"):
            if not 0.0 < getattr(self, key) < math.inf:
                raise UserError(
                    f"doppler.flow.{key}: expected more than 0, got {getattr(self, key)}"
                )
        if self.profile not in ("parabolic", "plug"):
            raise UserError(
                f"doppler.flow.profile: expected 'parabolic' or 'plug', got {self.profile!r}"
            )


@dataclass(frozen=True)
class DopplerSettings:
    """How Doppler frames are made; the `doppler` table of a spec.

    Parameters
    ----------
    pulses, prf_hz
        Length of the ensemble and pulse repetition frequency.
    wall_filter, order
        "polynomial": regression up to that order; "svd": that many components more than one are
        taken out; "none".
    blood_db
        Echo of blood beside what the tissue says, for contrast agents or weak scanners.
    smooth_mm
        Sigma over which the autocorrelation is averaged, along x and y.
    threshold_db
        Velocity is 0 where less power than this above the electronic noise is left.
    frames_per_second
        Of Doppler frames in a sweep.
    flow
        How fast blood runs.
    """

    pulses: int = 12
    prf_hz: float = 3000.0
    wall_filter: Literal["polynomial", "svd", "none"] = "polynomial"
    order: int = 2
    blood_db: float = 0.0
    smooth_mm: float = 0.3
    threshold_db: float = 5.0
    frames_per_second: float = 5.0
    flow: FlowSettings = field(default_factory=FlowSettings)

    def __post_init__(self) -> None:
        if not 2 <= self.pulses <= 256:
            raise UserError(f"doppler.pulses: expected 2 to 256, got {self.pulses}")
        if self.wall_filter not in ("polynomial", "svd", "none"):
            raise UserError(
                "doppler.wall_filter: expected 'polynomial', 'svd' or 'none', got "
                f"{self.wall_filter!r}"
            )
        if not 0 <= self.order <= self.pulses - 3:
            raise UserError(
                f"doppler.order: expected 0 to pulses - 3 = {self.pulses - 3}, got {self.order}"
            )
        for key in ("prf_hz", "smooth_mm", "frames_per_second"):
            if not 0.0 < getattr(self, key) < math.inf:
                raise UserError(f"doppler.{key}: expected more than 0, got {getattr(self, key)}")


def check_rate(probe: Probe, settings: DopplerSettings) -> None:
    """Refuse a pulse that is fired before the last one's deepest echo is back, or too late.

    Raises
    ------
    UserError : the repetition frequency does not fit the depth, or the ensemble the frame rate.
    """
    highest = 1e3 * probe.sound_speed_m_s / (2.0 * probe.depth_mm)
    if settings.prf_hz > highest:
        raise UserError(
            f"doppler.prf_hz: expected at most {highest:.0f} Hz, the inverse of the "
            f"{1e6 / highest:.1f} us that sound takes to probe.depth_mm = {probe.depth_mm:g} "
            f"and back, got {settings.prf_hz:g} Hz"
        )
    lowest = settings.pulses * settings.frames_per_second
    if settings.prf_hz < lowest:
        raise UserError(
            f"doppler.prf_hz: expected at least {lowest:g} Hz, for {settings.pulses} pulses within "
            f"a frame of {settings.frames_per_second:g} frames/s, got {settings.prf_hz:g} Hz"
        )


def aliasing_speed_m_s(probe: Probe, settings: DopplerSettings) -> float:
    """Return the speed along the beam, m/s, beyond which it is shown with the wrong sign."""
    return probe.sound_speed_m_s * settings.prf_hz / (4.0 * probe.centre_frequency_hz)


def slow_time(settings: DopplerSettings) -> Array:
    """Return the times (P,) s of the pulses about mid-ensemble."""
    pulse = np.arange(settings.pulses, dtype=np.float64)
    return (pulse - 0.5 * (settings.pulses - 1)) / settings.prf_hz


def pulse_times(timestamps: Array, settings: DopplerSettings) -> Array:
    """Return the times (N, P) s of the pulses of frames at mid-ensemble (N,) s."""
    return np.asarray(timestamps, np.float64)[:, None] + slow_time(settings)


def pulse_poses(world_from_image: Array, timestamps: Array, settings: DopplerSettings) -> Array:
    """Return the poses (N, P, 4, 4) at the pulses of frames at mid-ensemble (N,) s.

    From poses (N, 4, 4) of the frames: between them, and half an ensemble beyond the first and the
    last, the hand moves on screws. Poses (N, P, 4, 4) are taken as they are.
    """
    if world_from_image.ndim == 4:
        return world_from_image
    instants = pulse_times(timestamps, settings)
    poses = interpolate(timestamps, world_from_image, instants.ravel())
    return poses.reshape(len(timestamps), settings.pulses, 4, 4)
