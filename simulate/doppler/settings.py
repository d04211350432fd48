"""The tables `doppler` and `doppler.flow` of a spec, and a check of them against the probe."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal

from benchmark.errors import UserError
from simulate.probe.transducer import Probe


@dataclass(frozen=True)
class FlowSettings:
    """How fast blood runs; the `doppler.flow` table of a spec.

    Parameters
    ----------
    profile
        "parabolic": v = 2 mean (1 - r² / R²), as in long vessels; "plug": the same speed over the
        whole lumen.
    artery_mm_s, vein_mm_s, reference_radius_mm
        Mean speed, over the lumen and over time, of a vessel of the reference radius. In others it
        is proportional to the radius: flow goes as the radius cubed, so that branchings that obey
        Murray's law conserve it.
    pulsatility_artery, pulsatility_vein
        (Largest - least) over mean flow within a beat.
    heart_hz
        Beats per second; replaced by `pulse_hz` where `tissue.motion` makes arteries pulsate.
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
        "polynomial": regression up to that order; "svd": the order + 1 strongest components are
        removed; "none".
    blood_db
        Added to the tissue's own echo of blood, for contrast agents or weak scanners.
    smooth_mm
        Sigma of the smoothing of the autocorrelation, along x and y.
    threshold_db
        Velocity is 0 where the filtered power is less than this above the electronic noise.
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
    """Refuse a pulse repetition frequency that is too high or too low.

    Raises
    ------
    UserError : a pulse would be fired before the deepest echo of the last one is back, or an
        ensemble would be longer than a frame.
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
