"""Motion profiles by name: what each draws in addition to what all profiles share."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from benchmark.addresses import find
from simulate.hand.limb import loop_turns, spiral_turns
from simulate.hand.settings import MotionSettings
from simulate.hand.trajectory import Surface, Trajectory, follow_skin
from simulate.harmonics import Harmonics, sample_band


@dataclass(frozen=True)
class Profile:
    """A motion profile: the function that draws its record, and its pose at any time.

    sample(rng, settings, hand) returns the profile's record, made from `hand`, which is drawn in
    the same way for all profiles; pose(t, record, surface) returns world_from_image (N, 4, 4);
    reverses: whether the probe also goes back along its path.
    """

    sample: Callable[[np.random.Generator, MotionSettings, Trajectory], Trajectory]
    pose: Callable[[np.ndarray, Trajectory, Surface], np.ndarray] = follow_skin
    reverses: bool = False


def find_profile(name: str) -> Profile:
    """Return the profile of a name, or of an address "module:attribute".

    Raises
    ------
    UserError : an unknown name (the nearest is suggested), or an address that leads nowhere.
    """
    return find("motion profile", name, PROFILES, Profile)


def _angle(rng: np.random.Generator, degrees: tuple[float, float]) -> float:
    """Draw an angle (rad) of either sign."""
    return float(np.deg2rad(rng.uniform(*degrees)) * rng.choice((-1.0, 1.0)))


def _straight(rng: np.random.Generator, settings: MotionSettings, hand: Trajectory) -> Trajectory:
    """Draw a path along one direction."""
    return hand


def _c(rng: np.random.Generator, settings: MotionSettings, hand: Trajectory) -> Trajectory:
    """Draw an arc whose heading runs from one side of the axis to the other."""
    return replace(hand, bend_rad=2 * _angle(rng, settings.curve_deg))


def _s(rng: np.random.Generator, settings: MotionSettings, hand: Trajectory) -> Trajectory:
    """Draw full waves of heading: to one side, across and back; one, or more on a long path."""
    waves = max(1, round(hand.length_mm / settings.wave_mm))
    return replace(hand, wave_rad=_angle(rng, settings.curve_deg), waves=waves)


def _loop(rng: np.random.Generator, settings: MotionSettings, hand: Trajectory) -> Trajectory:
    """Draw a circle, gone round as often as the limb's width asks for.

    The probe turns with it by the share `follow`.
    """
    turns = loop_turns(hand.length_mm, settings.half_width_mm)
    return replace(hand, bend_rad=2 * np.pi * turns * float(rng.choice((-1.0, 1.0))))


def _spiral(rng: np.random.Generator, settings: MotionSettings, hand: Trajectory) -> Trajectory:
    """Draw a clothoid: a path whose curvature grows with distance, narrower than the limb."""
    turns = spiral_turns(hand.length_mm, settings.half_width_mm)
    return replace(hand, coil_rad=2 * np.pi * turns * float(rng.choice((-1.0, 1.0))))


def _sector(rng: np.random.Generator, settings: MotionSettings, hand: Trajectory) -> Trajectory:
    """Draw an arc along which the probe always points, as around a joint."""
    return replace(hand, bend_rad=_angle(rng, settings.swing_deg), follow=1.0)


def _free(rng: np.random.Generator, settings: MotionSettings, hand: Trajectory) -> Trajectory:
    """Draw a wandering path: a random smooth heading along it."""
    size = abs(_angle(rng, settings.curve_deg)) / np.sqrt(2)
    return replace(hand, wander=sample_band(rng, (0.3, 2.0), value_rms=size))


def _swing(axis: int) -> Callable[[np.random.Generator, MotionSettings, Trajectory], Trajectory]:
    """Return the sampler of a swing about one image axis while the contact creeps on.

    Tilt has the sign that moves the deep part of the image in the direction of the contact.
    """

    def sample(rng: np.random.Generator, settings: MotionSettings, hand: Trajectory) -> Trajectory:
        angle = _angle(rng, settings.swing_deg)
        swing = [0.0, 0.0, 0.0]
        swing[axis] = abs(angle) if axis == 0 else angle
        moved = replace(hand, length_mm=hand.length_mm * settings.creep)
        return replace(moved, swing_rad=(swing[0], swing[1], swing[2]))

    return sample


def _there_and_back(
    rng: np.random.Generator, settings: MotionSettings, hand: Trajectory
) -> Trajectory:
    """Draw a straight path that turns round once or twice."""
    share = (np.arange(1, 2 + rng.integers(2)) + rng.uniform(-0.2, 0.2)) / 2.5
    turns = tuple(float(s * hand.pace.duration_s) for s in share)
    return replace(hand, pace=replace(hand.pace, turns=turns))


def _fast_slow(rng: np.random.Generator, settings: MotionSettings, hand: Trajectory) -> Trajectory:
    """Draw a straight path whose speed falls or rises three- to fourfold over it."""
    slow = Harmonics(
        amplitude=(float(rng.uniform(0.55, 0.7)),),
        frequency_hz=(0.5 / hand.pace.duration_s,),
        phase_rad=(float(rng.choice((0.5, -0.5)) * np.pi),),
    )
    return replace(hand, pace=replace(hand.pace, log_speed=hand.pace.log_speed + slow))


def _stop_and_go(
    rng: np.random.Generator, settings: MotionSettings, hand: Trajectory
) -> Trajectory:
    """Draw a straight path with two or three standstills."""
    count = int(rng.integers(2, 4))
    share = (np.arange(count) + rng.uniform(0.3, 0.7, count)) / count
    stops = tuple((share * hand.pace.duration_s).tolist())
    return replace(hand, pace=replace(hand.pace, stops=stops))


PROFILES: dict[str, Profile] = {
    "straight": Profile(_straight),
    "c": Profile(_c),
    "s": Profile(_s),
    "loop": Profile(_loop, reverses=True),
    "spiral": Profile(_spiral, reverses=True),
    "sector": Profile(_sector),
    "free": Profile(_free),
    "fan": Profile(_swing(axis=0)),
    "turn": Profile(_swing(axis=1)),
    "rock": Profile(_swing(axis=2)),
    "to-and-fro": Profile(_there_and_back, reverses=True),
    "fast-slow": Profile(_fast_slow),
    "stop-and-go": Profile(_stop_and_go),
}
