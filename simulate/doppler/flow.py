"""How blood runs through a vessel tree: the velocity at any point of a lumen."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from benchmark.errors import UserError
from simulate.vessels.heartbeat import flow_wave
from simulate.vessels.index import VesselIndex, build_index
from simulate.vessels.tree import ARTERY, VesselTree

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
class Flow:
    """Blood in one tree: arteries run away from their roots, veins towards them.

    phase : of the beat at time 0; 1 is one period.
    """

    vessels: VesselTree
    settings: FlowSettings
    phase: float = 0.0

    @cached_property
    def index(self) -> VesselIndex:
        """Spatial index of the lumens."""
        return build_index(self.vessels, 0.1)

    @cached_property
    def _lookup(self) -> tuple[Any, ...]:
        index = self.index
        return (index.origin_mm, index.shape, index.start, index.entries, index.segments)

    @cached_property
    def _speed(self) -> Array:
        """(S,) signed mean speed, mm/s, of each segment along its own direction."""
        arterial = self.index.kind == ARTERY
        radius = self.index.segments[:, 6:8].mean(1) / self.settings.reference_radius_mm
        speed = np.where(arterial, self.settings.artery_mm_s, -self.settings.vein_mm_s)
        return speed * radius

    def velocity_mm_s(self, points_mm: Array, time_s: float) -> Array:
        """Return the velocity (M, 3) mm/s at world points (M, 3) mm; 0 outside of the lumens."""
        from simulate.doppler.flow_kernel import velocity

        phase = self.settings.heart_hz * time_s + self.phase
        wave = np.where(
            self.index.kind == ARTERY,
            flow_wave(phase, self.settings.pulsatility_artery),
            flow_wave(phase, self.settings.pulsatility_vein),
        )
        points = np.ascontiguousarray(points_mm, np.float64)
        plug = self.settings.profile == "plug"
        return velocity(points, self._speed * wave, plug, *self._lookup)

    def cells(self) -> Array:
        """Return the low corners (C, 3) mm of the 1 mm cells of the world that hold blood."""
        counts = np.diff(self.index.start)
        where = np.stack(np.unravel_index(np.flatnonzero(counts), tuple(self.index.shape)), -1)
        return self.index.origin_mm + where
