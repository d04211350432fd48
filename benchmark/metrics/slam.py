"""The SLAM family: absolute trajectory error, aligned or not, and relative error over a distance.

Positions are those of the image centre. Alignment hides drift: the aligned errors are diagnostics.
"""

import numpy as np

from benchmark.metrics.case import Case
from benchmark.metrics.pairs import KITTI, pairs_by_angle, pairs_by_path, relative_errors
from benchmark.metrics.registry import metric

PATHS_MM = (5, 10, 20, 50, 100)
ANGLES_DEG = (5, 10, 20, 45, 90)
ATE = "Sturm et al. 2012; Zhang and Scaramuzza 2018"
#: Which pairs a relative error is the mean of.
PAIRS = (
    "each frame i with the first frame j at or beyond it (as KITTI; evo takes the nearest), left "
    "out where j is more than a tenth beyond"
)


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


def _mean(values: np.ndarray) -> float:
    return float(values.mean()) if len(values) else float("nan")


def _enter_path(distance: int) -> None:
    where = f"over {distance} mm of true path"

    @metric(
        f"rpe_translation_{distance}mm",
        f"RPE translation {where}",
        "mm",
        "lower",
        KITTI,
        f"mean over pairs of |(Q_ij^-1 P_ij) c - c| {where}; {PAIRS}",
    )
    def translation(case: Case) -> float:
        return _mean(relative_errors(case, pairs_by_path(case, distance))[0])

    @metric(
        f"rpe_rotation_{distance}mm",
        f"RPE rotation {where}",
        "deg",
        "lower",
        KITTI,
        f"mean over pairs of the angle of Q_ij^-1 P_ij {where}; {PAIRS}",
    )
    def rotation(case: Case) -> float:
        return _mean(relative_errors(case, pairs_by_path(case, distance))[1])


def _enter_angle(degrees: int) -> None:
    where = f"over {degrees} degrees of true turn"

    @metric(
        f"rpe_translation_{degrees}deg",
        f"RPE translation {where}",
        "mm",
        "lower",
        KITTI,
        f"mean over pairs of |(Q_ij^-1 P_ij) c - c| {where}; {PAIRS}",
    )
    def translation(case: Case) -> float:
        return _mean(relative_errors(case, pairs_by_angle(case, degrees))[0])

    @metric(
        f"rpe_rotation_{degrees}deg",
        f"RPE rotation {where}",
        "deg",
        "lower",
        KITTI,
        f"mean over pairs of the angle of Q_ij^-1 P_ij {where}; {PAIRS}",
    )
    def rotation(case: Case) -> float:
        return _mean(relative_errors(case, pairs_by_angle(case, degrees))[1])


for _distance in PATHS_MM:
    _enter_path(_distance)
for _degrees in ANGLES_DEG:
    _enter_angle(_degrees)
