"""The SLAM family: absolute trajectory error, aligned or not, and relative error over a distance.

Positions are those of the image centre. Alignment hides drift: the aligned errors are diagnostics.
Pairs for relative errors are chosen on the truth, the same for every tracker.
"""

from functools import lru_cache

import numpy as np

from benchmark import geometry
from benchmark.metrics.case import Case
from benchmark.metrics.registry import metric

PATHS_MM = (5, 10, 20, 50, 100)
ANGLES_DEG = (5, 10, 20, 45, 90)
#: A pair may overshoot its distance by this share (sparse frames), or it is left out.
TOLERANCE = 0.1
ATE = "Sturm et al. 2012; Zhang and Scaramuzza 2018"
RPE = "Geiger et al. 2012 (KITTI), over lengths of this field"


def align(
    source: np.ndarray, target: np.ndarray, *, scaled: bool
) -> tuple[float, np.ndarray, np.ndarray]:
    """Return s, R (3, 3), t (3,) that minimise sum |s R source_i + t - target_i|^2.

    Umeyama 1991, eqs 34 to 43; source, target (N, 3). s is 1 unless `scaled`.
    """
    from_centre, to_centre = source - source.mean(0), target - target.mean(0)
    u, singular, vt = np.linalg.svd(to_centre.T @ from_centre)
    signs = np.array([1.0, 1.0, np.sign(np.linalg.det(u) * np.linalg.det(vt))])
    rotation = (u * signs) @ vt
    spread = float((from_centre**2).sum())
    scale = float((singular * signs).sum()) / spread if scaled and spread > 0 else 1.0
    return scale, rotation, target.mean(0) - scale * rotation @ source.mean(0)


def _rmse(error: np.ndarray) -> float:
    return float(np.sqrt((error**2).sum(-1).mean()))


def _aligned_error(case: Case, scaled: bool) -> float:
    scale, rotation, shift = align(case.predicted_track, case.true_track, scaled=scaled)
    return _rmse(scale * case.predicted_track @ rotation.T + shift - case.true_track)


@metric("ate_anchored", "ATE, first frame anchored", "mm", "lower", ATE)
def ate_anchored(case: Case) -> float:
    """sqrt(mean_i |p_i - g_i|^2) over all N frames, no alignment beyond the first frame"""
    return _rmse(case.predicted_track - case.true_track)


@metric("ate_se3", "ATE, SE(3)-aligned (diagnostic)", "mm", "lower", ATE)
def ate_se3(case: Case) -> float:
    """min over R, t of sqrt(mean_i |R p_i + t - g_i|^2)"""
    return _aligned_error(case, scaled=False)


@metric("ate_sim3", "ATE, Sim(3)-aligned (diagnostic)", "mm", "lower", ATE)
def ate_sim3(case: Case) -> float:
    """min over s, R, t of sqrt(mean_i |s R p_i + t - g_i|^2)"""
    return _aligned_error(case, scaled=True)


@lru_cache(maxsize=16)  # one search serves both errors; a Case never changes
def pairs_by_path(case: Case, distance: float) -> tuple[np.ndarray, np.ndarray]:
    """Return frames i and the first frames j at least `distance` mm of true path later.

    Pairs that overshoot by more than a tenth are left out.
    """
    path = case.paths[0]
    # The margin keeps a frame that lies exactly on the distance, up to rounding.
    last = np.searchsorted(path, path + distance * (1 - 1e-9))
    first = np.flatnonzero(last < len(path))
    last = last[first]
    near = path[last] - path[first] <= (1 + TOLERANCE) * distance
    return first[near], last[near]


@lru_cache(maxsize=16)
def pairs_by_angle(case: Case, degrees: float) -> tuple[np.ndarray, np.ndarray]:
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


def _relative_errors(
    case: Case, pairs: tuple[np.ndarray, np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """Return position errors of the centre (mm) and rotation errors (deg) of pairs i -> j."""
    first, last = pairs
    true, predicted = (
        geometry.inverse(poses[first]) @ poses[last]
        for poses in (case.true_first_from_frame, case.predicted_first_from_frame)
    )
    error = geometry.inverse(true) @ predicted
    moved = geometry.about(case.centre, error)[:, :3, 3]
    return np.linalg.norm(moved, axis=-1), np.degrees(geometry.rotation_angle(error))


def _mean(values: np.ndarray) -> float:
    return float(values.mean()) if len(values) else float("nan")


def _enter_path(distance: int) -> None:
    where = f"over {distance} mm of true path"

    @metric(
        f"rpe_translation_{distance}mm",
        f"RPE translation {where}",
        "mm",
        "lower",
        RPE,
        f"mean over all pairs of |(Q_ij^-1 P_ij) c - c|, {where}",
    )
    def translation(case: Case) -> float:
        return _mean(_relative_errors(case, pairs_by_path(case, distance))[0])

    @metric(
        f"rpe_rotation_{distance}mm",
        f"RPE rotation {where}",
        "deg",
        "lower",
        RPE,
        f"mean over all pairs of the angle of Q_ij^-1 P_ij, {where}",
    )
    def rotation(case: Case) -> float:
        return _mean(_relative_errors(case, pairs_by_path(case, distance))[1])


def _enter_angle(degrees: int) -> None:
    where = f"over {degrees} degrees of true turn"

    @metric(
        f"rpe_translation_{degrees}deg",
        f"RPE translation {where}",
        "mm",
        "lower",
        RPE,
        f"mean over all pairs of |(Q_ij^-1 P_ij) c - c|, {where}",
    )
    def translation(case: Case) -> float:
        return _mean(_relative_errors(case, pairs_by_angle(case, degrees))[0])

    @metric(
        f"rpe_rotation_{degrees}deg",
        f"RPE rotation {where}",
        "deg",
        "lower",
        RPE,
        f"mean over all pairs of the angle of Q_ij^-1 P_ij, {where}",
    )
    def rotation(case: Case) -> float:
        return _mean(_relative_errors(case, pairs_by_angle(case, degrees))[1])


for _distance in PATHS_MM:
    _enter_path(_distance)
for _degrees in ANGLES_DEG:
    _enter_angle(_degrees)
