"""Tracks: what a tracker may see, so that only equals are ranked against each other.

A tracker declares what it `reads`; an observation holds that and nothing else. Two copies of a
sweep are the same to a track if the parts that it reads, and those that are scored, are the same.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from benchmark.errors import UserError
from benchmark.files import fingerprint_gap

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

#: By how much fingerprints of the same data differ at most, as a share of their norm: bits of
#: poses and B-mode frames hardly depend on the processor, the last digits of float32 frames do.
SAME = 1e-9
SAME_FLOAT32 = MappingProxyType({"pa/frames": 1e-4, "doppler/frames": 1e-4})


def told_track(value: Any) -> str:
    """Return the track that a file tells under "track": the plain one where it tells none."""
    return value if value in tuple(TRACKS) else PLAIN


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


def parts_of(track: str, fingerprint: Mapping[str, Sequence[float]]) -> list[str]:
    """Return the parts of a sweep's fingerprint that count on a track: what is read or scored."""
    scored = ("bmode/world_from_image", "landmarks")
    return [part for part in fingerprint if part in scored or part.split("/")[0] in TRACKS[track]]


@dataclass(frozen=True)
class Gap:
    """A part of a sweep in which two copies differ: by how much, and how much is allowed.

    Both are shares of the norm.
    """

    part: str
    size: float
    allowed: float

    def __str__(self) -> str:
        """The difference in words."""
        return f"{self.part} differ by {self.size:.2g} of their norm (allowed {self.allowed:g})"


def data_gap(
    ours: Mapping[str, Sequence[float]],
    theirs: Mapping[str, Sequence[float]],
    parts: Collection[str],
) -> Gap | None:
    """Return the first of some parts in which two copies of a sweep differ, None if there is none.

    Parts that only one of them has, such as withheld poses, are not compared.
    """
    for part in parts:
        if part in ours and part in theirs:
            gap, allowed = fingerprint_gap(ours[part], theirs[part]), SAME_FLOAT32.get(part, SAME)
            if not gap <= allowed:
                return Gap(part, gap, allowed)
    return None
