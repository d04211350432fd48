"""Paths that stay on the limb: in its middle, and no wider than it is."""

import math
from dataclasses import replace

import numpy as np

from simulate.hand.trajectory import Trajectory
from simulate.harmonics import Harmonics

#: Width across the limb of a clothoid of one turn, as a share of its length: S(sqrt 2) / 2, S being
#: Fresnel's integral. With n turns it is narrower by the root of n.
SPIRAL_WIDTH = 0.357
_SHARES = np.linspace(0.0, 1.0, 401)
_ROUNDS = 8  # of scaling: a path's width is nearly in proportion to its headings


def loop_turns(length_mm: float, half_width_mm: float) -> int:
    """Return the least number of whole turns with which a circular path is on the limb."""
    return max(1, math.ceil(length_mm / (2.0 * math.pi * half_width_mm)))


def spiral_turns(length_mm: float, half_width_mm: float) -> int:
    """Return the least number of whole turns with which a spiral path is on the limb."""
    return max(1, math.ceil((SPIRAL_WIDTH * length_mm / (2.0 * half_width_mm)) ** 2))


def keep_on_limb(hand: Trajectory, half_width_mm: float) -> Trajectory:
    """Return a trajectory whose path lies within `half_width_mm` to both sides of its start's x.

    The path is moved so that its middle across the limb is there. Headings of a path that is wider
    are scaled down; profiles of whole turns are drawn narrow enough.
    """
    width = _width(hand)
    for _ in range(_ROUNDS):
        if width <= 2.0 * half_width_mm * (1.0 + 1e-3):
            break
        hand = _scaled(hand, 2.0 * half_width_mm / width)
        width = _width(hand)
    x, _ = hand.ground(_SHARES)
    start, along = hand.start_mm
    return replace(hand, start_mm=(float(2.0 * start - 0.5 * (x.min() + x.max())), along))


def _width(hand: Trajectory) -> float:
    """Return the width of a path across the limb, mm."""
    return float(np.ptp(hand.ground(_SHARES)[0]))


def _scaled(hand: Trajectory, factor: float) -> Trajectory:
    """Return a trajectory with all headings times a factor."""
    wander = hand.wander
    return replace(
        hand,
        bend_rad=factor * hand.bend_rad,
        wave_rad=factor * hand.wave_rad,
        coil_rad=factor * hand.coil_rad,
        wander=Harmonics(
            tuple(factor * a for a in wander.amplitude), wander.frequency_hz, wander.phase_rad
        ),
    )
