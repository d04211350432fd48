"""Disturbances of a hand's motion: tremor, pauses, runs backwards, jerks, nods and turns.

Each disturbance draws from its own stream of random numbers and changes only the record of a
trajectory, so that the rest of the sweep is the same with and without it.
"""

from dataclasses import replace

import numpy as np

from simulate.hand.settings import MotionSettings
from simulate.hand.trajectory import Jerk, Trajectory
from simulate.harmonics import Harmonics, sample_band
from simulate.streams import child

BACKUP_S = 0.6  # longest duration of a run backwards
MARGIN = 0.12  # share of the sweep at either end without pauses, runs backwards and jerks


def disturb(rng: np.random.Generator, settings: MotionSettings, hand: Trajectory) -> Trajectory:
    """Return a drawn trajectory with the disturbances that the settings ask for.

    Their streams are children of `rng` by name; no number is drawn from `rng` itself.
    """
    hand = _pauses(child(rng, "pauses"), settings.pauses, hand)
    hand = _reversals(child(rng, "reversals"), settings.reversals, hand)
    if settings.jerks and (settings.jerk_mm or settings.jerk_deg):
        hand = _jerks(child(rng, "jerks"), settings, hand)
    nod = Harmonics((np.deg2rad(settings.tilt_deg),), (1.0,), (0.0,)) if settings.tilt_deg else None
    tilt, yaw, roll = hand.swing_rad
    return replace(
        hand,
        azimuth_rad=hand.azimuth_rad - float(np.deg2rad(settings.azimuth_deg)),
        swing_rad=(tilt + float(np.deg2rad(settings.fan_deg)), yaw, roll),
        nod_rad=nod or hand.nod_rad,
        tremor=_tremor(child(rng, "tremor"), settings) or hand.tremor,
    )


def _moments(rng: np.random.Generator, count: int, duration_s: float) -> np.ndarray:
    """Draw moments (count,) s, one in each equal part of a sweep without its ends."""
    place = (np.arange(count) + rng.uniform(0.25, 0.75, count)) / max(count, 1)
    return duration_s * (MARGIN + (1.0 - 2.0 * MARGIN) * place)


def _pauses(rng: np.random.Generator, count: int, hand: Trajectory) -> Trajectory:
    """Draw standstills; the path stays the same, so the hand is faster between them."""
    moments = _moments(rng, count, hand.pace.duration_s)
    stops = tuple(float(moment) for moment in moments)
    return replace(hand, pace=replace(hand.pace, stops=hand.pace.stops + stops))


def _reversals(rng: np.random.Generator, count: int, hand: Trajectory) -> Trajectory:
    """Draw short runs backwards; the path keeps its start and its end."""
    moments = _moments(rng, count, hand.pace.duration_s)
    share = 0.35 * hand.pace.duration_s / max(count, 1)  # most of the time the hand goes forwards
    half = 0.5 * min(BACKUP_S, share)
    runs = tuple((float(m - half), float(m + half)) for m in moments)
    return replace(hand, pace=replace(hand.pace, backups=hand.pace.backups + runs))


def _jerks(rng: np.random.Generator, settings: MotionSettings, hand: Trajectory) -> Trajectory:
    """Draw twitches in all six degrees of freedom; along the normal a third as large."""
    size = np.array([1.0, 1.0, 1.0 / 3.0, 1.0, 1.0, 1.0])
    size[:3] *= settings.jerk_mm
    size[3:] *= np.deg2rad(settings.jerk_deg)
    moments = _moments(rng, settings.jerks, hand.pace.duration_s)
    jerks = tuple(
        Jerk(float(moment), tuple((size * rng.uniform(-1.0, 1.0, 6)).tolist()))
        for moment in moments
    )
    return replace(hand, jerks=hand.jerks + jerks)


def _tremor(rng: np.random.Generator, settings: MotionSettings) -> tuple[Harmonics, ...]:
    if settings.tremor_mm == 0.0 and settings.tremor_deg == 0.0:
        return ()
    levels = [settings.tremor_mm] * 3 + [np.deg2rad(settings.tremor_deg)] * 3
    return tuple(sample_band(rng, settings.tremor_hz, value_rms=level) for level in levels)
