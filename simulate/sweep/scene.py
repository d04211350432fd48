"""Everything random about one sweep: the scene drawn before rendering, and streams by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from typing import Any

import numpy as np

from benchmark.geometry import multiply
from simulate.hand.motion import poses, sample_motion
from simulate.hand.trajectory import Trajectory
from simulate.probe.acquisition import frame_times
from simulate.spec import Spec
from simulate.spec.draw import draw_spec
from simulate.spec.factors import at_level
from simulate.spec.plan import SweepPlan
from simulate.streams import stream
from simulate.tissue.answers import Tissue
from simulate.tissue.kinds import sample_tissue
from simulate.tissue.motion import TissueMotion, sample_tissue_motion
from simulate.tissue.settings import TissueMotionSettings, TissueSettings

# The streams of random numbers of one sweep, by name (`simulate.streams`): their order here is
# free, and a further one leaves the bytes of all others as they are.
STREAMS = (
    "hand",
    "clock",
    "noise",
    "laser",
    "pose_sensor",
    "imu",
    "contact",
    "gain",
    "tissue_motion",
    "doppler",
    "machine",
    "overlay",
)


def subject_tissue(spec: Spec, subject_index: int, entropy: int | None = None) -> Tissue:
    """Return the tissue of a subject: the same for all of its sweeps.

    spec: that of any of them, with what varies drawn (`simulate.spec.draw`); entropy: used in place
    of the spec's seed.
    """
    at_rest = replace(spec.tissue, motion=TissueMotionSettings())
    return _tissue(at_rest, spec.seed if entropy is None else entropy, subject_index)


@lru_cache(maxsize=4)  # a rich tissue takes a second to draw, and a subject has several sweeps
def _tissue(settings: TissueSettings, entropy: int, subject_index: int) -> Tissue:
    return sample_tissue(stream(entropy, "subject", subject_index), settings)


@dataclass(frozen=True)
class Scene:
    """Everything random about one sweep, before rendering.

    Renderers and sensors draw from the scene's streams, each of which starts from its beginning
    whenever it is asked for: a scene rendered again gives the same bytes.

    spec: of the sweep, with what varies drawn and its stress factor applied; motion: of the hand;
    times (N,): of the B-mode frames, s; entropy: of all streams of random numbers; drawn: the
    values of what varies, see `simulate.spec.draw.Draw`.
    """

    spec: Spec
    plan: SweepPlan
    tissue: Tissue
    motion: Trajectory
    times: np.ndarray
    entropy: int
    drawn: Mapping[str, Any] = field(default_factory=dict)

    def stream(self, name: str) -> np.random.Generator:
        """Return one of the sweep's `STREAMS` of random numbers, from its beginning."""
        return sweep_stream(self.entropy, self.plan, name)

    def seed(self, name: str) -> int:
        """Return the seed of a renderer, the first integer in [0, 2^63) of a stream."""
        return int(self.stream(name).integers(2**63))

    def calibration_stream(self) -> np.random.Generator:
        """Return the stream of the pose sensor's calibration, the same for all sweeps."""
        return stream(self.spec.seed, "calibration")

    def pose_at(self, times: np.ndarray) -> np.ndarray:
        """Return world_from_image (N, 4, 4) at times (N,) s: of the probe, sunk into the skin."""
        moving, found = self.tissue_motion, self.unpressed_pose_at(times)
        return found if moving is None else multiply(found, moving.sinking(times))

    def unpressed_pose_at(self, times: np.ndarray) -> np.ndarray:
        """Return world_from_image (N, 4, 4) at times (N,) s of a probe that does not press."""
        return poses(self.plan.profile, times, self.motion, self.tissue.skin_surface)

    @cached_property
    def trajectory(self) -> np.ndarray:
        """The true poses world_from_image (N, 4, 4) of the B-mode frames."""
        return self.pose_at(self.times)

    @property
    def line_poses(self) -> np.ndarray | None:
        """The true poses (N, lines, 4, 4) of their scan lines; None for instantaneous frames."""
        if not self.spec.bmode.line_time_s:
            return None
        instants = self.spec.bmode.line_times(self.times)
        return self.pose_at(instants.ravel()).reshape(*instants.shape, 4, 4)

    @cached_property
    def tissue_motion(self) -> TissueMotion | None:
        """The motion of the tissue during the sweep; None where it is at rest."""
        settings = self.spec.tissue.motion
        if settings.still:
            return None
        return sample_tissue_motion(self.stream("tissue_motion"), settings, self.tissue.vessels)


def sweep_stream(entropy: int, plan: SweepPlan, name: str) -> np.random.Generator:
    """Return the stream `name` of a planned sweep, from its beginning.

    A stressed sweep has the streams of the same sweep without stress.

    Raises
    ------
    KeyError : a name that is not among `STREAMS`.
    """
    if name not in STREAMS:
        raise KeyError(name)
    return stream(entropy, "sweep", plan.drawn_as, name)


def draw_scene(spec: Spec, plan: SweepPlan, entropy: int | None = None) -> Scene:
    """Draw one planned sweep of a data set.

    entropy: used in place of the spec's seed for sweeps that nobody else may draw again.
    """
    draw = draw_spec(spec, plan, entropy)
    local = at_level(draw.spec, plan.factor, plan.severity)
    source = spec.seed if entropy is None else entropy
    hand, clock = (sweep_stream(source, plan, name) for name in ("hand", "clock"))
    duration = local.acquisition.duration_s
    return Scene(
        spec=local,
        plan=plan,
        tissue=subject_tissue(local, plan.subject_index, entropy),
        motion=sample_motion(plan.profile, hand, local.motion, plan.orientation, duration),
        times=frame_times(clock, local.acquisition),
        entropy=source,
        drawn=draw.values,
    )
