"""Tracks: what a tracker may see, so that only equals are ranked against each other.

A tracker declares what it `reads`; an observation holds that and nothing else.
"""

from collections.abc import Collection, Mapping
from types import MappingProxyType

from benchmark.errors import UserError

BMODE, IMU, PHOTOACOUSTIC = "bmode", "imu", "pa"
#: Inputs of each track, the plain one first.
TRACKS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "image": frozenset({BMODE}),
        "image+imu": frozenset({BMODE, IMU}),
        "bmode+pa": frozenset({BMODE, PHOTOACOUSTIC}),
    }
)
PLAIN = "image"


def track_of(reads: Collection[str]) -> str:
    """Return the track of a tracker that reads these inputs.

    Raises
    ------
    UserError : no track has exactly these inputs.
    """
    for name, inputs in TRACKS.items():
        if inputs == set(reads):
            return name
    known = ", ".join(f"{name} ({', '.join(sorted(v))})" for name, v in TRACKS.items())
    asked = ", ".join(sorted(reads)) or "nothing"
    raise UserError(f"reads: no track has {asked} (tracks: {known})")
