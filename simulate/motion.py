"""The hand: how trajectories of the probe are drawn, by name, in continuous time.

A profile is a pair of functions: `sample` draws all that is random once into a plain record,
`pose(t, record, surface)` is a smooth function of time. Speed, wobble and tremor are sums of
sinusoids, so a trajectory can be sampled at any rate and at any instant.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from benchmark.errors import UserError, unknown_name
from simulate.harmonics import Harmonics, sample_band, sample_correlated
from simulate.trajectory import Pace, Surface, Trajectory, follow_skin

ORIENTATIONS = ("perpendicular", "parallel")
DIRECTIONS = ("advance", "retreat", "both")
TREMOR_HZ = (6.0, 12.0)  # physiological tremor (Lakie et al. 2015)


@dataclass(frozen=True)
class MotionSettings:
    """How the hands of a data set move; the `motion` table of a spec.

    Parameters
    ----------
    profiles, orientations
        Names of `PROFILES`, and of the image plane against the path ("perpendicular": the probe
        travels along its elevational axis, "parallel": along its lateral axis).
    direction
        "advance": always towards the positive axis of travel, "retreat": always away, "both":
        drawn per sweep.
    path_length_mm
        Smallest and largest distance along the skin; the mean speed follows from the duration.
    speed_spread, speed_correlation_s
        Standard deviation of the logarithm of speed within a sweep (0.28: two and a half times
        between its 5th and 95th percentile), and the range of its correlation time.
    curve_deg, follow
        Largest heading off the axis in curved paths, and the share of it that the probe turns
        with (0: it keeps its direction, 1: it follows the path).
    swing_deg, creep
        Angle swept by fan, rock and turn, and the share of the path length by which the contact
        moves meanwhile.
    wobble_frequency_hz, wobble_across_mm_s, wobble_axial_mm_s, wobble_deg_s, wobble_severity
        Band of the wobble, its root mean square rates across the path, along the normal and
        about each axis, and the range of a factor on them drawn per sweep.
    tremor_mm, tremor_deg
        Root mean square of a tremor of 6 to 12 Hz in each translation and rotation.
    start_mm
        Where paths start: z is drawn within plus and minus this, x within half of it.
    gel_mm
        Mean thickness of the coupling gel between the middle of the face and the skin.
    """

    profiles: tuple[str, ...] = ("straight", "c", "s", "fan")
    orientations: tuple[str, ...] = ("perpendicular",)
    direction: str = "advance"
    path_length_mm: tuple[float, float] = (18.0, 38.0)
    speed_spread: float = 0.28
    speed_correlation_s: tuple[float, float] = (0.25, 1.0)
    curve_deg: tuple[float, float] = (12.0, 25.0)
    follow: tuple[float, float] = (0.0, 1.0)
    swing_deg: tuple[float, float] = (35.0, 60.0)
    creep: float = 0.5
    wobble_frequency_hz: tuple[float, float] = (0.1, 0.8)
    wobble_across_mm_s: float = 1.2
    wobble_axial_mm_s: float = 0.4
    wobble_deg_s: float = 2.5
    wobble_severity: tuple[float, float] = (0.6, 1.4)
    tremor_mm: float = 0.0
    tremor_deg: float = 0.0
    start_mm: float = 4.0
    gel_mm: float = 1.0

    def __post_init__(self) -> None:
        for name in self.profiles:
            if name not in PROFILES:
                raise unknown_name("motion.profiles: profile", name, PROFILES)
            if self.direction == "advance" and PROFILES[name].reverses:
                raise UserError(
                    f"motion.direction: profile '{name}' goes both ways, expected 'both', "
                    "got 'advance'"
                )
        for name in self.orientations:
            if name not in ORIENTATIONS:
                raise unknown_name("motion.orientations: orientation", name, ORIENTATIONS)
        if self.direction not in DIRECTIONS:
            raise unknown_name("motion.direction: direction", self.direction, DIRECTIONS)
        if not self.profiles or not self.orientations:
            raise UserError("motion.profiles, motion.orientations: expected at least one, got none")
        self._refuse_impossible_numbers()

    def _refuse_impossible_numbers(self) -> None:
        above_zero = ("path_length_mm", "speed_correlation_s", "wobble_frequency_hz")
        ranges = (*above_zero, "curve_deg", "follow", "swing_deg", "wobble_severity")
        for key in ranges:
            low, high = getattr(self, key)
            least = "more than 0" if key in above_zero else "at least 0"
            fits = low > 0 if key in above_zero else low >= 0
            if not (fits and low <= high and np.isfinite(high)):
                raise UserError(
                    f"motion.{key}: expected two rising numbers, {least}, got [{low}, {high}]"
                )
        for key in ("speed_spread", "creep", "tremor_mm", "tremor_deg", "start_mm", "gel_mm"):
            value = getattr(self, key)
            if not (value >= 0 and np.isfinite(value)):
                raise UserError(f"motion.{key}: expected a number of at least 0, got {value}")
        for key in ("wobble_across_mm_s", "wobble_axial_mm_s", "wobble_deg_s"):
            value = getattr(self, key)
            if not (value >= 0 and np.isfinite(value)):
                raise UserError(f"motion.{key}: expected a rate of at least 0, got {value}")


@dataclass(frozen=True)
class Profile:
    """A kind of motion: how its record is drawn, and the pose it gives at any time.

    sample(rng, settings, hand) returns the record, made from the one that `_hand` drew for all
    profiles alike; pose(t, record, surface) returns world_from_image (N, 4, 4); reverses: whether
    the probe also goes back along its path.
    """

    sample: Callable[[np.random.Generator, MotionSettings, Trajectory], Trajectory]
    pose: Callable[[np.ndarray, Trajectory, Surface], np.ndarray] = follow_skin
    reverses: bool = False


def sample_motion(
    profile: str,
    rng: np.random.Generator,
    settings: MotionSettings,
    orientation: str,
    duration_s: float,
) -> Trajectory:
    """Draw one trajectory of a profile over `duration_s`.

    Raises
    ------
    UserError : an unknown profile (the nearest is suggested).
    """
    if profile not in PROFILES:
        raise unknown_name("motion profile", profile, PROFILES)
    return PROFILES[profile].sample(rng, settings, _hand(rng, settings, orientation, duration_s))


def poses(profile: str, t: np.ndarray, trajectory: Trajectory, surface: Surface) -> np.ndarray:
    """Return world_from_image (N, 4, 4) of a drawn trajectory at times (N,) s."""
    return PROFILES[profile].pose(t, trajectory, surface)


def _hand(
    rng: np.random.Generator, settings: MotionSettings, orientation: str, duration_s: float
) -> Trajectory:
    """Draw what all profiles share: length, pace, start, orientation, wobble and tremor."""
    correlation = np.exp(rng.uniform(*np.log(settings.speed_correlation_s)))
    length = np.exp(rng.uniform(*np.log(settings.path_length_mm)))
    start = settings.start_mm * rng.uniform((-0.5, -1.0), (0.5, 1.0))
    severity = rng.uniform(*settings.wobble_severity)
    goes_back = bool(rng.integers(2))
    turning = np.deg2rad(settings.wobble_deg_s)
    rates = (settings.wobble_across_mm_s, settings.wobble_axial_mm_s, turning, turning, turning)
    band = settings.wobble_frequency_hz
    wobble = [sample_band(rng, band, rate_rms=severity * rate) for rate in rates]
    return Trajectory(
        pace=Pace(duration_s, sample_correlated(rng, correlation, settings.speed_spread)),
        length_mm=float(length),
        start_mm=(float(start[0]), float(start[1])),
        follow=float(rng.uniform(*settings.follow)),
        azimuth_rad=0.0 if orientation == "perpendicular" else -np.pi / 2,
        backwards=settings.direction == "retreat" or (settings.direction == "both" and goes_back),
        gel_mm=settings.gel_mm,
        across_mm=wobble[0],
        axial_mm=wobble[1],
        rotation_rad=(wobble[2], wobble[3], wobble[4]),
        tremor=_tremor(rng, settings),
    )


def _tremor(rng: np.random.Generator, settings: MotionSettings) -> tuple[Harmonics, ...]:
    if settings.tremor_mm == 0.0 and settings.tremor_deg == 0.0:
        return ()
    levels = [settings.tremor_mm] * 3 + [np.deg2rad(settings.tremor_deg)] * 3
    return tuple(sample_band(rng, TREMOR_HZ, value_rms=level) for level in levels)


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
    """Draw one full wave of heading: to one side, across and back."""
    return replace(hand, wave_rad=_angle(rng, settings.curve_deg))


def _loop(rng: np.random.Generator, settings: MotionSettings, hand: Trajectory) -> Trajectory:
    """Draw a closed circle, with the probe turning along by its share `follow`."""
    return replace(hand, bend_rad=2 * np.pi * float(rng.choice((-1.0, 1.0))))


def _spiral(rng: np.random.Generator, settings: MotionSettings, hand: Trajectory) -> Trajectory:
    """Draw a clothoid: the path curls up, its curvature growing with the distance."""
    return replace(hand, coil_rad=2 * np.pi * float(rng.choice((-1.0, 1.0))))


def _sector(rng: np.random.Generator, settings: MotionSettings, hand: Trajectory) -> Trajectory:
    """Draw an arc whose probe always points along it, as around a joint."""
    return replace(hand, bend_rad=_angle(rng, settings.swing_deg), follow=1.0)


def _free(rng: np.random.Generator, settings: MotionSettings, hand: Trajectory) -> Trajectory:
    """Draw a wandering path: a random smooth heading along it."""
    size = abs(_angle(rng, settings.curve_deg)) / np.sqrt(2)
    return replace(hand, wander=sample_band(rng, (0.3, 2.0), value_rms=size))


def _swing(axis: int) -> Callable[[np.random.Generator, MotionSettings, Trajectory], Trajectory]:
    """Return the sampler of a swing about one image axis while the contact creeps on.

    Tilt is drawn with the sign that moves the deep image the way the contact goes.
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
    "loop": Profile(_loop),
    "spiral": Profile(_spiral),
    "sector": Profile(_sector),
    "free": Profile(_free),
    "fan": Profile(_swing(axis=0)),
    "turn": Profile(_swing(axis=1)),
    "rock": Profile(_swing(axis=2)),
    "to-and-fro": Profile(_there_and_back, reverses=True),
    "fast-slow": Profile(_fast_slow),
    "stop-and-go": Profile(_stop_and_go),
}
