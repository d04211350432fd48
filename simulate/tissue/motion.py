"""Motion of tissue during a sweep: pressed by the probe, with the breath, with the pulse.

Displacements are fields in world mm, functions of a frozen record that is drawn once per sweep.
Where the probe presses, it sinks into the skin (`TissueMotion.sinking`); deep tissue stays where it
is. Breath and pulse move tissue, not the probe. With all strengths at zero nothing moves.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from benchmark.geometry import multiply
from simulate.elementary import exp
from simulate.harmonics import Harmonics, sample_band
from simulate.streams import child
from simulate.tissue.pulsation import pulsation
from simulate.tissue.settings import TissueMotionSettings
from simulate.vessels.heartbeat import pressure_wave
from simulate.vessels.index import Lookup, build_index
from simulate.vessels.tree import VesselTree, only_arteries

Array = NDArray[np.float64]

PULSE_REACH_MM = 6.0  # distance from an artery's lumen at which its pulsation has faded out

TOGETHER = 8192  # points displaced in one step: its arrays stay in the cache


@dataclass(frozen=True)
class TissueMotion:
    """The motion of tissue drawn for one sweep.

    strain, depth_mm, press, share: see `compression`; breath_mm, breath_hz, breath_phase,
    breath_direction (3,), breath_depth_mm: see `breathing`; pulse_mm, pulse_hz, pulse_phase: see
    `pulsation`; arteries: a vessel tree, of which only the arteries beat.
    """

    strain: float = 0.0
    depth_mm: float = 15.0
    press: Harmonics = Harmonics()  # noqa: RUF009  (immutable)
    share: float = 0.5
    breath_mm: float = 0.0
    breath_hz: float = 0.25
    breath_phase: float = 0.0
    breath_depth_mm: float = 12.0
    breath_direction: tuple[float, float, float] = (0.0, 0.0, 1.0)
    pulse_mm: float = 0.0
    pulse_hz: float = 1.0
    pulse_phase: float = 0.0
    arteries: VesselTree = VesselTree.empty()  # noqa: RUF009  (immutable)

    @property
    def still(self) -> bool:
        """Whether nothing ever moves."""
        return self.strain == self.breath_mm == self.pulse_mm == 0.0

    def displacement(self, points_mm: Array, time_s: float, world_from_image: Array) -> Array:
        """Return the displacement of tissue at a time: (M, 3) mm to be added to its place at rest.

        Parameters
        ----------
        points_mm : (M, 3) at rest, world mm.
        time_s : within the sweep.
        world_from_image : (4, 4) of the probe at that time, sunk as `sinking` says: it presses
            along its own axis.
        """
        points = np.asarray(points_mm, np.float64)
        result = np.zeros_like(points)
        for first in range(0, len(points), TOGETHER):
            some, moved = points[first : first + TOGETHER], result[first : first + TOGETHER]
            if self.strain:
                moved += self.compression(some, time_s, world_from_image)
            if self.breath_mm:
                moved += self.breathing(some, time_s)
        if self.pulse_mm:
            result += self.pulsation(points, time_s)
        return result

    def pressure(self, time_s: ArrayLike) -> Array:
        """Return the compression (...) at times (...) s as a share of the largest, 0 to 1."""
        return 0.5 + 0.5 * np.sin(self.press(np.asarray(time_s)))

    def sinking(self, time_s: ArrayLike) -> Array:
        """Return unpressed_image_from_image (..., 4, 4) at times (...) s.

        The probe has sunk along its own axis by e D times the pressure, as far as the compression
        moves the skin at its face.
        """
        sunk = np.zeros((*np.shape(time_s), 4, 4))
        sunk[...] = np.eye(4)
        sunk[..., 1, 3] = self.strain * self.depth_mm * self.pressure(time_s)
        return sunk

    def compression(self, points: Array, time_s: float, world_from_image: Array) -> Array:
        """Return the displacement (M, 3) by the probe's pressure; far below, tissue stays.

        In the image frame of the probe before it sank, with strain e(y) = e exp(-y / D) below the
        face: u_y = e D exp(-y / D), u_x = share e(y) x, u_z = (1 - share) e(y) z. The divergence
        is exactly zero: tissue compressed in depth bulges sideways.
        """
        strain = self.strain * float(self.pressure(time_s))
        rotation = world_from_image[:3, :3]
        local = multiply(points - world_from_image[:3, 3], rotation)
        depth = np.maximum(local[:, 1] + strain * self.depth_mm, 0.0)
        fading = strain * exp(-depth / self.depth_mm)
        moved = np.empty_like(local)
        moved[:, 0] = self.share * fading * local[:, 0]
        moved[:, 1] = self.depth_mm * fading
        moved[:, 2] = (1.0 - self.share) * fading * local[:, 2]
        return multiply(moved, rotation.T)

    def breathing(self, points: Array, time_s: float) -> Array:
        """Return the displacement (M, 3) with the breath, along the limb and a little outward.

        The waveform is 1 - cos^4(pi f t + phase), which rests for long (Lujan et al., Med. Phys. 26
        (1999) 715, eq. 1, n = 2). Along x and z it grows with depth as 1 - exp(-y / D), along y it
        is the same everywhere, so its divergence is zero.
        """
        wave = 1.0 - math.cos(math.pi * self.breath_hz * time_s + self.breath_phase) ** 4
        across, outward, along = self.breath_direction
        grown = 1.0 - exp(-np.maximum(points[:, 1], 0.0) / self.breath_depth_mm)
        moved = np.empty_like(points)
        moved[:, 0] = across * grown
        moved[:, 1] = outward
        moved[:, 2] = along * grown
        return self.breath_mm * wave * moved

    def pulsation(self, points: Array, time_s: float) -> Array:
        """Return the displacement (M, 3) away from the nearest artery.

        With u the widening of the radius R: outside, at r from the centreline, u R / r, which has
        no divergence in the plane across the vessel, faded out towards PULSE_REACH_MM; inside
        u r / R, so that the lumen widens evenly.
        """
        swell = self.pulse_mm * float(pressure_wave(self.pulse_hz * time_s + self.pulse_phase))
        return pulsation(np.ascontiguousarray(points), swell, PULSE_REACH_MM, self._lookup)

    @cached_property
    def _lookup(self) -> Lookup:
        return build_index(only_arteries(self.arteries), PULSE_REACH_MM).lookup


def sample_tissue_motion(
    rng: np.random.Generator, settings: TissueMotionSettings, vessels: VesselTree
) -> TissueMotion:
    """Draw how tissue moves during one sweep; each number is from a stream of its own, by name."""

    def drawn(name: str, span: tuple[float, float]) -> float:
        return float(child(rng, name).uniform(*span))

    return TissueMotion(
        strain=drawn("strain", settings.strain),
        depth_mm=drawn("strain depth", settings.strain_depth_mm),
        press=sample_band(child(rng, "press"), settings.strain_change_hz, value_rms=1.2),
        share=drawn("bulge", settings.bulge_share),
        breath_mm=drawn("breath", settings.breath_mm),
        breath_hz=drawn("breath rate", settings.breath_hz),
        breath_phase=drawn("breath phase", (0.0, math.pi)),
        breath_direction=(drawn("aside", (-0.2, 0.2)), drawn("outward", (-0.3, -0.1)), 1.0),
        pulse_mm=drawn("pulse", settings.pulse_mm),
        pulse_hz=drawn("pulse rate", settings.pulse_hz),
        pulse_phase=drawn("pulse phase", (0.0, 1.0)),
        arteries=vessels,
    )
