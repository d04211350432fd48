"""TODO."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np

from simulate.hand.motion import poses, sample_motion
from simulate.hand.trajectory import Trajectory
from simulate.probe.acquisition import frame_times
from simulate.spec.factors import at_level
from simulate.spec.plan import SweepPlan, plan_sweeps
from simulate.spec.record import Spec
from simulate.tissue.answers import Tissue
from simulate.tissue.kinds import sample_tissue
from simulate.tissue.motion import TissueMotion, sample_tissue_motion
from simulate.tissue.settings import TissueSettings

SUBJECT_STREAM = 2**31  # spawn keys of subjects stand apart from those of sweeps


SENSOR_STREAM = 2**31 + 1  # and so does that of the one calibration of a data set


def subject_tissue(spec: Spec, subject_index: int, entropy: int | None = None) -> Tissue:
    """Return the tissue of a subject: the same for all of its sweeps; see `make_sweep`."""
    return _tissue(spec.tissue, spec.seed if entropy is None else entropy, subject_index)


@lru_cache(maxsize=4)  # a rich tissue takes a second to draw, and a subject has several sweeps
def _tissue(settings: TissueSettings, entropy: int, subject_index: int) -> Tissue:
    sequence = np.random.SeedSequence(entropy, spawn_key=(SUBJECT_STREAM, subject_index))
    return sample_tissue(np.random.default_rng(sequence), settings)


@dataclass(frozen=True)
class Scene:
    """All that is drawn for one sweep before anything is rendered; spec: with its stress."""

    spec: Spec
    plan: SweepPlan
    tissue: Tissue
    motion: Trajectory
    times: np.ndarray
    noise_seed: int
    laser: np.random.Generator
    extras: tuple[np.random.SeedSequence, ...]

    def pose_at(self, times: np.ndarray) -> np.ndarray:
        """Return world_from_image (N, 4, 4) at times (N,) s."""
        return poses(self.plan.profile, times, self.motion, self.tissue.skin_surface)

    @cached_property
    def trajectory(self) -> np.ndarray:
        """The true poses (N, 4, 4) of the B-mode frames."""
        return self.pose_at(self.times)

    @property
    def line_poses(self) -> np.ndarray | None:
        """The true poses (N, lines, 4, 4) of their scan lines, or None where all are as one."""
        if not self.spec.bmode.line_time_s:
            return None
        instants = self.spec.bmode.line_times(self.times)
        return self.pose_at(instants.ravel()).reshape(*instants.shape, 4, 4)

    @property
    def tissue_motion(self) -> TissueMotion | None:
        """How tissue moves during the sweep, or None where it does not."""
        settings = self.spec.tissue.motion
        if settings.still:
            return None
        return sample_tissue_motion(self.sensor(4), settings, self.tissue.vessels)

    def sensor(self, number: int) -> np.random.Generator:
        """Return a stream of random numbers of its own for something beside the frames."""
        return np.random.default_rng(self.extras[number])


def open_scene(spec: Spec, index: int, entropy: int | None = None) -> Scene:
    """Draw sweep `index` of a data set; see `make_sweep`."""
    plan = plan_sweeps(spec)[index]
    local = at_level(spec, plan.factor, plan.severity)
    seed = spec.seed if entropy is None else entropy
    sequence = np.random.SeedSequence(seed, spawn_key=(plan.drawn_as,))
    streams, extras = sequence.spawn(4), sequence.spawn(6)
    hand, clock, noise, laser = (np.random.default_rng(child) for child in streams)
    duration = local.acquisition.duration_s
    return Scene(
        spec=local,
        plan=plan,
        tissue=subject_tissue(local, plan.subject_index, entropy),
        motion=sample_motion(plan.profile, hand, local.motion, plan.orientation, duration),
        times=frame_times(clock, local.acquisition),
        noise_seed=int(noise.integers(2**63)),
        laser=laser,
        extras=tuple(extras),
    )
