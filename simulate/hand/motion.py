"""Trajectories of the probe, drawn by the name of a profile, in continuous time.

A profile (`simulate.hand.profiles`) is a pair of functions: `sample` draws all that is random once
into a plain record, `pose(t, record, surface)` is a smooth function of time. Speed, wobble and
tremor are sums of sinusoids, so a trajectory can be sampled at any rate and at any instant.
Disturbances (tremor, pauses, jerks) are added to the record afterwards, by
`simulate.hand.disturbances`.
"""

import numpy as np

from benchmark.errors import UserError
from simulate.hand.disturbances import disturb
from simulate.hand.limb import keep_on_limb
from simulate.hand.profiles import find_profile
from simulate.hand.settings import MotionSettings
from simulate.hand.trajectory import Pace, Surface, Trajectory
from simulate.harmonics import log_uniform, sample_band, sample_correlated
from simulate.streams import child

WOBBLES = ("across", "axial", "tilt", "yaw", "roll")


def sample_motion(
    profile: str,
    rng: np.random.Generator,
    settings: MotionSettings,
    orientation: str,
    duration_s: float,
) -> Trajectory:
    """Draw one trajectory of a profile over `duration_s`.

    Every part of it has a stream of its own below `rng`, by name; no number is drawn from `rng`.

    Raises
    ------
    UserError : an unknown profile (the nearest is suggested).
    """
    kind = find_profile(profile)
    hand = _hand(rng, settings, orientation, duration_s)
    drawn = kind.sample(child(rng, "profile"), settings, hand)
    drawn = keep_on_limb(drawn, settings.half_width_mm)
    return disturb(rng, settings, drawn)


def check(settings: MotionSettings) -> None:
    """Refuse profiles that do not exist or do not agree with the direction of travel.

    Raises
    ------
    UserError : an unknown profile (the nearest is suggested); a profile that goes both ways where
        `motion.direction` is not "both".
    """
    for name in settings.profiles:
        if find_profile(name).reverses and settings.direction != "both":
            raise UserError(
                f"motion.direction: profile '{name}' goes both ways, expected 'both', "
                f"got '{settings.direction}'"
            )


def poses(profile: str, t: np.ndarray, trajectory: Trajectory, surface: Surface) -> np.ndarray:
    """Return world_from_image (N, 4, 4) of a drawn trajectory at times (N,) s."""
    return find_profile(profile).pose(t, trajectory, surface)


def _hand(
    rng: np.random.Generator, settings: MotionSettings, orientation: str, duration_s: float
) -> Trajectory:
    """Draw the part that all profiles share: length, pace, start, orientation and wobble."""
    pacing = child(rng, "speed")
    correlation = log_uniform(pacing, settings.speed_correlation_s)
    start = settings.start_mm * child(rng, "start").uniform((-0.5, -1.0), (0.5, 1.0))
    severity = child(rng, "wobble").uniform(*settings.wobble_severity)
    goes_back = bool(child(rng, "direction").integers(2))
    turning = np.deg2rad(settings.wobble_deg_s) * np.asarray(settings.wobble_axes)
    rates = (settings.wobble_across_mm_s, settings.wobble_axial_mm_s, *turning)
    band = settings.wobble_frequency_hz
    wobble = [
        sample_band(child(rng, f"wobble {name}"), band, rate_rms=severity * rate)
        for name, rate in zip(WOBBLES, rates, strict=True)
    ]
    return Trajectory(
        pace=Pace(duration_s, sample_correlated(pacing, correlation, settings.speed_spread)),
        length_mm=log_uniform(child(rng, "length"), settings.path_length_mm),
        start_mm=(float(start[0]), float(start[1])),
        follow=float(child(rng, "follow").uniform(*settings.follow)),
        azimuth_rad=0.0 if orientation == "perpendicular" else -np.pi / 2,
        backwards=settings.direction == "retreat" or (settings.direction == "both" and goes_back),
        gel_mm=settings.gel_mm,
        across_mm=wobble[0],
        axial_mm=wobble[1],
        rotation_rad=(wobble[2], wobble[3], wobble[4]),
    )
