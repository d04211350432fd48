"""The velocity of blood at any point of a vessel tree's lumens."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from simulate.doppler.flow_kernel import velocity
from simulate.doppler.settings import FlowSettings
from simulate.vessels.heartbeat import flow_wave
from simulate.vessels.index import VesselIndex, build_index
from simulate.vessels.tree import ARTERY, VesselTree

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Flow:
    """The flow of blood in one tree: in arteries away from their roots, in veins towards them.

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
    def _speed(self) -> Array:
        """(S,) signed mean speed, mm/s, of each segment along its own direction."""
        arterial = self.index.kind == ARTERY
        radius = self.index.segments[:, 6:8].mean(1) / self.settings.reference_radius_mm
        speed = np.where(arterial, self.settings.artery_mm_s, -self.settings.vein_mm_s)
        return speed * radius

    def velocity_mm_s(self, points_mm: Array, time_s: float) -> Array:
        """Return the velocity (M, 3) mm/s at world points (M, 3) mm; 0 outside of the lumens."""
        phase = self.settings.heart_hz * time_s + self.phase
        wave = np.where(
            self.index.kind == ARTERY,
            flow_wave(phase, self.settings.pulsatility_artery),
            flow_wave(phase, self.settings.pulsatility_vein),
        )
        points = np.ascontiguousarray(points_mm, np.float64)
        plug = self.settings.profile == "plug"
        return velocity(points, self._speed * wave, plug, self.index.lookup)

    def cells(self) -> Array:
        """Return the low corners (C, 3) mm of the 1 mm cells of the world that hold blood."""
        counts = np.diff(self.index.start)
        where = np.stack(np.unravel_index(np.flatnonzero(counts), tuple(self.index.shape)), -1)
        return self.index.origin_mm + where
