"""Slow-time ensembles: the IQ of tissue and of flowing blood at each pulse of a Doppler frame.

Tissue is rendered from the probe's pose at each pulse; the motion of the hand between pulses makes
it clutter. Blood is drawn anew for every frame and moves along its vessel from pulse to pulse. The
two are added: echoes superpose.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from benchmark.geometry import inverse
from simulate.bmode.render import beam_for, render_iq
from simulate.bmode.settings import BmodeSettings
from simulate.doppler.flow import Flow
from simulate.doppler.pulses import slow_time
from simulate.doppler.settings import DopplerSettings
from simulate.iq.beam import scatterer_density
from simulate.iq.drawing import CELLS, Part
from simulate.iq.one_frame import Frame, frame_iq
from simulate.iq.scatterers import bundled
from simulate.iq.shadow import transmission
from simulate.iq.staging import workspace
from simulate.probe.transducer import Probe
from simulate.tissue.answers import Displacement, Tissue

Array = NDArray[np.float64]
Complex = NDArray[np.complexfloating]

MEMORY_BYTES = 128e6  # of the tissue ensembles made at once
NEAR_MM = 15.0  # from the image plane, within which displacements are sampled
EVERYWHERE_MM = 1000.0  # side of a cell that no frame can miss
# A scatterer that enters the slab between two pulses is a step, which no wall filter removes. At
# four sigmas it has 3e-4 of its amplitude; at the three sigmas of B-mode frames it would have 1e-2
# and make specks of colour.
CUT_SIGMAS = 4.0


class _Bloodless:
    """A tissue whose lumens are empty, as the IQ engine asks for it."""

    def __init__(self, tissue: Tissue) -> None:
        self.tissue, self.key = tissue, tissue.key
        self.attenuation_db_cm_mhz = tissue.attenuation_db_cm_mhz
        self.reflectors = tissue.reflectors
        self.attenuation_db_per_mm = tissue.attenuation_db_per_mm

    def backscatter(self, points_mm: NDArray[np.floating]) -> Array:
        """Return the echo amplitudes (M,) of tissue, 0 in lumens, at world points (M, 3) mm."""
        return np.where(self.tissue.in_lumen(points_mm), 0.0, self.tissue.backscatter(points_mm))


class EnsembleMaker:
    """Makes the ensembles of a sweep's Doppler frames; parameters as in `render_doppler`."""

    def __init__(
        self,
        tissue: Tissue,
        probe: Probe,
        settings: DopplerSettings,
        bmode: BmodeSettings,
        seed: int,
        displacement: Displacement | None,
        beat_phase: float = 0.0,
    ) -> None:
        self.bmode = bmode.single_scattering
        self.tissue, self.probe, self.settings = tissue, probe, settings
        self.seed, self.displacement = seed, displacement
        self.beam = beam_for(tissue, probe, bmode, CUT_SIGMAS)
        self.density = scatterer_density(probe, bmode.scatterers_per_cell)
        self.shape = (len(self.beam.grid.depths_mm), len(self.beam.grid.lateral))
        size = 8 * settings.pulses * self.shape[0] * self.shape[1]
        self.batch = max(1, int(MEMORY_BYTES / size))
        self.flow = Flow(tissue.vessels, settings.flow, beat_phase)
        self.cells: Array = np.zeros((0, 3))
        if len(tissue.vessels):
            self.cells = self.flow.cells()
        self.work = workspace(self.beam.grid)

    def tissue_iq(self, pulse_poses: Array, times: Array, first_frame: int) -> Complex:
        """Return the IQ (F, P, rows, columns) of tissue and noise.

        pulse_poses (F, P, 4, 4) at times (F, P) s. All pulses of an ensemble share one shadow, as
        its blood does: a shadow's edge that moved from one grid sample to the next would be a step
        in slow time at every bone.
        """
        frames, pulses = times.shape
        empty = _Bloodless(self.tissue)
        iq = render_iq(
            empty, self.probe, self.bmode, np.asarray(pulse_poses, np.float64).reshape(-1, 4, 4),
            timestamps=None if self.displacement is None else times.ravel(),
            displacement=self.displacement, first_frame=first_frame * pulses, seed=self.seed,
            cut_sigmas=CUT_SIGMAS, shadow_frames=pulses,
        )  # fmt: skip
        return iq.reshape(frames, pulses, *self.shape)

    def blood_iq(self, frame: int, times: Array, pulse_poses: Array) -> Complex:
        """Return the IQ (P, rows, columns) of blood that moves during one ensemble.

        frame: its number in the sweep, from which its blood is drawn; times (P,) s; pulse_poses
        (P, 4, 4).
        """
        result = np.zeros((self.settings.pulses, *self.shape), np.complex64)
        rng = np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=(frame,)))
        middle = len(times) // 2
        points, signs = self._draw_blood(rng, float(times[middle]), pulse_poses[middle])
        if not len(points):
            return result
        level = self.tissue.blood_level * 10.0 ** (self.settings.blood_db / 20.0)
        velocity = self.flow.velocity_mm_s(points, float(times.mean()))
        shadow = self._shadow(float(times[middle]), pulse_poses[middle])
        out = np.empty((self.shape[0], 2 * self.shape[1]), np.float32)
        for pulse, later in enumerate(slow_time(self.settings)):
            moved = points + later * velocity
            if self.displacement is not None:
                moved = moved + self.displacement(points, float(times[pulse]), pulse_poses[pulse])
            seen = Frame(inverse(pulse_poses[pulse])[None], shadow=shadow)
            part, corner = _one_block(moved, level * signs)
            blood = bundled([part], corner[None], EVERYWHERE_MM)
            frame_iq(blood, seen, self.beam, self.work, out)
            result[pulse] = out.view(np.complex64)
        return result

    def _shadow(self, time_s: float, pose: Array) -> NDArray[np.float32] | None:
        """Return the share of a frame's echoes that shadows leave; None without shadows."""
        if not self.bmode.shadows:
            return None
        field, displace = self.displacement, None
        if field is not None:
            displace = lambda points: field(points, time_s, pose)  # noqa: E731
        return transmission(self.tissue.attenuation_db_per_mm, self.beam, pose[None], displace)

    def _draw_blood(
        self, rng: np.random.Generator, time_s: float, pose: Array
    ) -> tuple[Array, Array]:
        """Return blood scatterers near an image: (M, 3) mm, uniform in lumens, and signs (M,)."""
        reach = float(self.beam.elevation_reach.max()) + 0.87 + self._farthest_mm(time_s, pose)
        local = (self.cells + 0.5 - pose[:3, 3]) @ pose[:3, :3]
        near = self.cells[np.abs(local[:, 2]) < reach]
        counts = rng.poisson(self.density, len(near))
        points = np.repeat(near, counts, 0) + rng.random((int(counts.sum()), 3))
        points = points[np.asarray(self.tissue.in_lumen(points), bool)]
        return points, rng.choice((-1.0, 1.0), len(points))

    def _farthest_mm(self, time_s: float, pose: Array) -> float:
        """Return the largest distance, mm, of blood from its place at rest in mid-ensemble."""
        radius = self.tissue.vessels.radius_mm.max(initial=0.0)
        flow = self.settings.flow
        mean = max(flow.artery_mm_s * (1 + flow.pulsatility_artery), 2 * flow.vein_mm_s)
        fastest = 2.0 * mean * radius / flow.reference_radius_mm
        run = float(fastest * 0.5 * self.settings.pulses / self.settings.prf_hz)
        near = np.abs((self.cells - pose[:3, 3]) @ pose[:3, 2]) < NEAR_MM
        if self.displacement is None or not near.any():
            return run
        aside = self.displacement(self.cells[near], time_s, pose)
        return run + 1.25 * float(np.linalg.norm(aside, axis=1).max())


def _one_block(points_mm: Array, amplitudes: Array) -> tuple[Part, Array]:
    """Return points (M, 3) mm as a block whose first cell holds them all, and its corner (3,)."""
    corner = points_mm.mean(0)
    starts, counts = np.zeros(CELLS + 1, np.int32), np.zeros(CELLS, np.int32)
    starts[1:] = counts[0] = len(points_mm)
    entries = np.concatenate([(points_mm - corner).T, amplitudes[None]])
    return Part(entries.astype(np.float32, order="C"), starts, counts, False), corner
