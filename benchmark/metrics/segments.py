"""Segment drift: the error over sub-paths of fixed lengths, as a share of the way travelled.

A sub-path begins at every frame i and ends at the first frame j with l_j - l_i >= L, l being the
true path length of the image centre; frames i with less than L ahead of them begin none. Its error
counts per mm of its own length l_j - l_i, where KITTI divides by L: so neither the frame rate nor
the speed adds an error, a path that is 3 % too short has a drift of 3 % at every L, and sub-paths
that overshoot L need not be left out. Where the probe stands still, every frame of the stop begins
a sub-path, and what the prediction drifts during the stop counts in those that contain it.
"""

from functools import lru_cache

import numpy as np

from benchmark.metrics.case import Case
from benchmark.metrics.drift import NAN, PERCENT
from benchmark.metrics.pairs import KITTI, pairs_by_path, relative_errors
from benchmark.metrics.registry import metric

LENGTHS_MM = (5, 10, 20, 50, 100, 200)
ROTATION_UNIT = "deg/100 mm"
PER_LENGTH = 100.0  # mm of true path that the rotation error is stated for
DRIFT, ROTATION = 0, 1


@lru_cache(maxsize=16)  # the mean over lengths and each length's own id share it
def segment_errors(case: Case, length: float) -> tuple[float, float]:
    """Return drift (%) and rotation error (deg per 100 mm), means over the sub-paths of a length.

    length: L in mm of true path. NaN where no sub-path is as long.
    """
    first, last = pairs_by_path(case, length, np.inf)
    if not len(first):
        return NAN, NAN
    travelled = case.paths[0, last] - case.paths[0, first]
    distance, angle = relative_errors(case, (first, last))
    return (
        PERCENT * float(np.mean(distance / travelled)),
        PER_LENGTH * float(np.mean(angle / travelled)),
    )


def _over_lengths(case: Case, part: int) -> float:
    errors = [segment_errors(case, length)[part] for length in LENGTHS_MM]
    known = [error for error in errors if not np.isnan(error)]
    return float(np.mean(known)) if known else NAN


@metric(
    "segment_drift",
    "segment drift, mean over lengths",
    "%",
    "lower",
    KITTI,
    short="Segment drift",
    meaning="how far the image centre ends from its true place after each stretch of 5, 10, 20, "
    "50, 100 and 200 mm, as a share of the stretch; averaged over all stretches of a length, then "
    "over the lengths that the sweep has",
)
def segment_drift(case: Case) -> float:
    """mean of the segment drifts over 5, 10, 20, 50, 100 and 200 mm, as far as the path reaches"""
    return _over_lengths(case, DRIFT)


@metric(
    "segment_rotation",
    "segment rotation, mean over lengths",
    ROTATION_UNIT,
    "lower",
    KITTI,
    short="Segment rotation",
    meaning="the rotation error over the same stretches, in degrees per 100 mm of true path",
)
def segment_rotation(case: Case) -> float:
    """mean of the segment rotations over the same lengths"""
    return _over_lengths(case, ROTATION)


def _enter(length: int) -> None:
    where = f"mean over all frames i, j being the first frame with l_j - l_i >= {length} mm, of"

    @metric(
        f"segment_drift_{length}mm",
        f"segment drift over {length} mm",
        "%",
        "lower",
        KITTI,
        f"{where} 100 |(Q_ij^-1 P_ij) c - c| / (l_j - l_i)",
    )
    def drift(case: Case) -> float:
        return segment_errors(case, length)[DRIFT]

    @metric(
        f"segment_rotation_{length}mm",
        f"segment rotation over {length} mm",
        ROTATION_UNIT,
        "lower",
        KITTI,
        f"{where} 100 angle of Q_ij^-1 P_ij / (l_j - l_i)",
    )
    def rotation(case: Case) -> float:
        return segment_errors(case, length)[ROTATION]


for _length in LENGTHS_MM:
    _enter(_length)
