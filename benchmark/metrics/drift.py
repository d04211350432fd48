"""The drift family: the position error of a point, alone or as a share of its true path.

d_i = |p_i - g_i| is the position error at frame i, l_i the true path length up to it, n_i the true
straight distance from the start. `centre` is the image centre, `3pt` the mean over the image
centre and the two bottom corners. Rates over the straight distance are not defined on closed
paths, where it vanishes: see `is_closed`. On a sweep that only rotates, the path of the centre
is that of its swing about the pivot.
"""

from collections.abc import Callable

import numpy as np

from benchmark.metrics.case import SHORTEST_PATH, Case, path_lengths
from benchmark.metrics.registry import metric

LUO = "Luo et al., MoNet/RecON family"
PERCENT = 100.0
NAN = float("nan")
#: A path that ends nearer to its start than this share of its length counts as closed.
CLOSED_SHARE = 0.2

PointFunction = Callable[[Case, int], float]


def is_closed(case: Case, point: int = 0) -> bool:
    """Return whether a path (loop, fan, to and fro) ends near its start, by less than 0.2 of its
    length: a rate over so small a net distance means nothing. A half circle ends at 0.64.
    """
    return bool(case.nets[point, -1] < CLOSED_SHARE * case.paths[point, -1])


def final_drift(case: Case, point: int) -> float:
    """d_N"""
    return float(case.drifts[point, -1])


def max_drift(case: Case, point: int) -> float:
    """max_i d_i"""
    return float(case.drifts[point].max())


def mean_drift(case: Case, point: int) -> float:
    """mean_i d_i over i >= 2"""
    return float(case.drifts[point, 1:].mean()) if len(case) > 1 else NAN


def sum_drift(case: Case, point: int) -> float:
    """sum_i d_i; grows with the number of frames, so compare within one sweep only"""
    return float(case.drifts[point].sum())


def hausdorff(case: Case, point: int) -> float:
    """larger of the two directed Hausdorff distances between true and predicted positions"""
    from scipy.spatial import cKDTree

    true, predicted = case.true_tracks[point], case.predicted_tracks[point]
    there = cKDTree(true).query(predicted)[0].max()
    return float(max(there, cKDTree(predicted).query(true)[0].max()))


def fdr_path(case: Case, point: int) -> float:
    """100 d_N / l_N"""
    path = case.paths[point, -1]
    return PERCENT * final_drift(case, point) / path if path >= SHORTEST_PATH else NAN


def fdr_net(case: Case, point: int) -> float:
    """100 d_N / n_N; not defined on closed paths"""
    net = case.nets[point, -1]
    if net < SHORTEST_PATH or is_closed(case, point):
        return NAN
    return PERCENT * final_drift(case, point) / net


def adr_path(case: Case, point: int) -> float:
    """100 mean_i d_i / l_i over the frames with l_i >= 0.1 mm"""
    return _mean_rate(case.drifts[point], case.paths[point])


def adr_net(case: Case, point: int) -> float:
    """100 mean_i d_i / n_i over the frames with n_i >= 0.1 mm; not defined on closed paths"""
    return NAN if is_closed(case, point) else _mean_rate(case.drifts[point], case.nets[point])


def _mean_rate(drift: np.ndarray, length: np.ndarray) -> float:
    far = length >= SHORTEST_PATH
    return PERCENT * float(np.mean(drift[far] / length[far])) if far.any() else NAN


def _enter(
    name: str,
    title: str,
    unit: str,
    function: PointFunction,
    suffix: str,
    short: str = "",
    meaning: str = "",
) -> None:
    """Enter a drift metric for the image centre and for the mean over three points.

    suffix: of the id for the image centre; short, meaning: of the metric of the image centre.
    """
    text = " ".join((function.__doc__ or "").split())
    full = f"{title}, image centre"

    @metric(name + suffix, full, unit, "lower", LUO, text, short=short, meaning=meaning)
    def at_centre(case: Case) -> float:
        return function(case, 0)

    @metric(f"{name}_3pt", f"{title}, 3 points", unit, "lower", LUO, f"mean over 3pt of {text}")
    def at_three(case: Case) -> float:
        return float(np.mean([function(case, point) for point in range(3)]))


_enter("final_drift", "final drift", "mm", final_drift, "")
_enter("max_drift", "maximum drift", "mm", max_drift, "")
_enter("mean_drift", "mean drift", "mm", mean_drift, "")
_enter("sum_drift", "sum of drift", "mm", sum_drift, "")
_enter("hausdorff", "Hausdorff distance", "mm", hausdorff, "")
_enter(
    "fdr_path",
    "final drift rate over path",
    "%",
    fdr_path,
    "_centre",
    "Final drift",
    "how far the centre of the last image is from its true place, as a share of the path it "
    "travelled",
)
_enter("fdr_net", "final drift rate over net distance", "%", fdr_net, "_centre")
_enter(
    "adr_path",
    "average drift rate over path",
    "%",
    adr_path,
    "_centre",
    "Average drift",
    "the same share, averaged over all frames instead of taken at the last",
)
_enter("adr_net", "average drift rate over net distance", "%", adr_net, "_centre")


@metric("path_length_error", "path length error", "%", "lower", "Wein et al. 2020")
def path_length_error(case: Case) -> float:
    """100 |predicted path length - l_N| / l_N of the image centre"""
    true = case.paths[0, -1]
    predicted = path_lengths(case.predicted_track)[-1]
    return PERCENT * float(abs(predicted - true)) / true if true >= SHORTEST_PATH else NAN


@metric("de_4pt", "distance error, 4 corners", "mm", "lower", "DCL-Net, DC2-Net, PLPPI")
def de_4pt(case: Case) -> float:
    """mean over frames i >= 2 and the 4 corner pixels of |(G_i - P_i) p|"""
    difference = case.true_first_from_frame - case.predicted_first_from_frame
    return _over_corners(case, difference[1:])


@metric(
    "fe_4pt",
    "frame error, 4 corners",
    "mm",
    "lower",
    "DC2-Net, PLPPI; Li et al. 2023",
    digits=3,
)
def fe_4pt(case: Case) -> float:
    """mean over frames i >= 2 and the 4 corner pixels of |(g_i - p_i) p|, steps"""
    return _over_corners(case, case.true_prev_from_frame - case.predicted_prev_from_frame)


def _over_corners(case: Case, difference: np.ndarray) -> float:
    moved = difference[:, :3, :3] @ case.corners.T + difference[:, :3, 3:]
    return float(np.linalg.norm(moved, axis=1).mean()) if len(difference) else NAN
