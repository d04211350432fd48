"""Reference rows: predictions made from a part of a sweep's true motion."""

import inspect
from collections.abc import Callable
from types import MappingProxyType

import numpy as np

from benchmark import geometry
from benchmark.errors import unknown_name
from benchmark.sweep import Prediction, Sweep

Reference = Callable[[Sweep], Prediction]


def constant_motion_oracle(sweep: Sweep) -> Prediction:
    """Every step is the mean step of the sweep itself.

    A tracker that does not beat it has not measured how the speed changes. The mean is taken of
    the twists log(T), so it does not depend on where the image's origin lies.
    """
    twists = geometry.log(sweep.prev_from_frame)
    mean = twists.mean(0) if len(twists) else np.zeros(6)
    return Prediction.from_steps(np.tile(geometry.exp(mean), (len(twists), 1, 1)))


def true_in_plane(sweep: Sweep) -> Prediction:
    """True motion in the image plane of each step (x, y, rotation about z), none out of it.

    Shows the score of perfect in-plane registration. Parts are of the image centre's motion.
    """
    return _kept(sweep, [0, 1, 5])


def true_out_of_plane(sweep: Sweep) -> Prediction:
    """True motion out of the image plane of each step (z, tilt, yaw), none within it.

    Shows the score of perfect speckle decorrelation without registration.
    """
    return _kept(sweep, [2, 3, 4])


def _kept(sweep: Sweep, kept: list[int]) -> Prediction:
    """Return the prediction from some true degrees of freedom of the image centre's steps."""
    centre = sweep.bmode.centre_mm
    motion = geometry.degrees_of_freedom(geometry.about(centre, sweep.prev_from_frame))
    partial = np.zeros_like(motion)
    partial[:, kept] = motion[:, kept]
    return Prediction.from_steps(geometry.about(-centre, geometry.from_degrees_of_freedom(partial)))


REFERENCES = MappingProxyType(
    {
        "constant-motion-oracle": constant_motion_oracle,
        "true-in-plane": true_in_plane,
        "true-out-of-plane": true_out_of_plane,
    }
)


def reference_names() -> list[str]:
    """Return the names of all reference rows."""
    return sorted(REFERENCES)


def reference_prediction(name: str, sweep: Sweep) -> Prediction:
    """Return the prediction of a reference row, by name, for a sweep with its truth.

    Raises
    ------
    UserError : no such name (the nearest is suggested).
    """
    return _named(name)(sweep)


def reference_card(name: str) -> str:
    """Return the card of a reference row: what it knows and what it is for.

    Raises
    ------
    UserError : no such name (the nearest is suggested).
    """
    return inspect.getdoc(_named(name)) or ""


def _named(name: str) -> Reference:
    if name not in REFERENCES:
        raise unknown_name("reference row", name, REFERENCES)
    return REFERENCES[name]
