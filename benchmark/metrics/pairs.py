"""Pairs of frames some way apart in truth, and the error of a prediction from one to the other.

Pairs are chosen on the truth, so they are the same for every tracker.
"""

from functools import lru_cache
from typing import TypeAlias

import numpy as np

from benchmark import geometry
from benchmark.metrics.case import Case

#: A pair may overshoot its distance by this share (sparse frames), or it is left out.
TOLERANCE = 0.1
KITTI = "Geiger et al. 2012 (KITTI), over lengths of this field"

#: Indices (P,) of the frames i and (P,) of the frames j.
Pairs: TypeAlias = tuple[np.ndarray, np.ndarray]


@lru_cache(maxsize=16)  # one search serves both errors; a Case never changes
def pairs_by_path(case: Case, distance: float, overshoot: float = TOLERANCE) -> Pairs:
    """Return frames i and the first frames j at least `distance` mm of true path later.

    Pairs that overshoot by more than the share `overshoot` are left out.
    """
    path = case.paths[0]
    # The margin keeps a frame that lies exactly on the distance, up to rounding.
    last = np.searchsorted(path, path + distance * (1 - 1e-9))
    first = np.flatnonzero(last < len(path))
    last = last[first]
    near = path[last] - path[first] <= (1 + overshoot) * distance
    return first[near], last[near]


@lru_cache(maxsize=16)
def pairs_by_angle(case: Case, degrees: float) -> Pairs:
    """Return frames i and the first later frames j turned from i by at least `degrees` in truth.

    Pairs that overshoot by more than a tenth are left out.
    """
    nowhere = np.zeros(0, int)
    most = np.degrees(geometry.rotation_angle(case.true_first_from_frame).max())
    if 2 * most < degrees:  # no two frames can be turned so far from each other
        return nowhere, nowhere
    flat = case.true_first_from_frame[:, :3, :3].reshape(-1, 9)
    first, last = [], []
    for begin in range(0, len(flat), 256):  # in blocks: N x N angles would not fit for long sweeps
        block = flat[begin : begin + 256]
        cosine = np.clip((block @ flat.T - 1) / 2, -1, 1)  # (trace(R_i^T R_j) - 1) / 2
        rows = np.arange(begin, begin + len(block))
        far = cosine <= np.cos(np.radians(degrees)) + 1e-12
        far &= np.arange(len(flat)) > rows[:, None]
        found = far.argmax(1)
        limit = np.cos(np.radians(min(180.0, (1 + TOLERANCE) * degrees))) - 1e-12
        good = far.any(1) & (cosine[np.arange(len(block)), found] >= limit)
        first.append(rows[good])
        last.append(found[good])
    return np.concatenate(first), np.concatenate(last)


def relative_errors(case: Case, pairs: Pairs) -> tuple[np.ndarray, np.ndarray]:
    """Return position errors (P,) of the centre (mm) and rotation errors (P,) (deg) of pairs.

    The error of a pair is Q_ij^-1 P_ij, so it depends neither on the world nor on the first frame.
    """
    first, last = pairs
    true, predicted = (
        geometry.inverse(poses[first]) @ poses[last]
        for poses in (case.true_first_from_frame, case.predicted_first_from_frame)
    )
    error = geometry.inverse(true) @ predicted
    moved = geometry.about(case.centre, error)[:, :3, 3]
    return np.linalg.norm(moved, axis=-1), np.degrees(geometry.rotation_angle(error))
