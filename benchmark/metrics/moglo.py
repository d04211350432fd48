"""The measures of MoGLo-Net (Lee et al., IEEE TMI 2025) as its paper and evaluation define them.

Points are a 16 x 16 grid, every 16th part of a frame's rows and columns beginning at pixel 0.
Parameters are three translations and three Euler angles, intrinsic Y-Z-X, in MoGLo's axes
(x axial, y lateral, hence z against the elevational axis here). Their origin is the image centre.
In that paper's code it is the tracked sensor on the probe, whose translation differs from that of
the image centre by what the rotation does to the vector between the two: values of `rae_*`, `aae_*`
and `corr_moglo` here and from there are not comparable.
"""

import numpy as np

from benchmark import geometry
from benchmark.metrics.case import SHORTEST_PATH, Case, path_lengths
from benchmark.metrics.drift import CLOSED_SHARE, NAN, PERCENT
from benchmark.metrics.registry import metric
from benchmark.metrics.rotation import wrap_degrees

MOGLO = "MoGLo-Net"
GRID = 16
STILL = 1e-9  # mm
#: Axes of MoGLo from axes here: x axial, y lateral, z their product. A rotation, determinant +1.
MOGLO_FROM_IMAGE = np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, -1.0]])


def moglo_parameters(case: Case, a_from_b: np.ndarray) -> np.ndarray:
    """Return (N, 6) of poses (N, 4, 4): mm along MoGLo's x, y, z, then the angles a1 (about y),
    a2 (z), a3 (x) in degrees with R = R_y(a1) R_z(a2) R_x(a3)."""
    from scipy.spatial.transform import Rotation

    moved = geometry.about(case.centre, a_from_b)
    rotation = MOGLO_FROM_IMAGE @ moved[:, :3, :3] @ MOGLO_FROM_IMAGE.T
    angles = Rotation.from_matrix(rotation).as_euler("YZX", degrees=True)
    return np.hstack([moved[:, :3, 3] @ MOGLO_FROM_IMAGE.T, angles])


def _parameter_errors(case: Case, true: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    if not len(true):
        return np.full(6, NAN)
    error = moglo_parameters(case, predicted) - moglo_parameters(case, true)
    error[:, 3:] = wrap_degrees(error[:, 3:])
    return np.abs(error).mean(0)


def _relative_errors(case: Case) -> np.ndarray:
    return _parameter_errors(case, case.true_prev_from_frame, case.predicted_prev_from_frame)


def _accumulated_errors(case: Case) -> np.ndarray:
    return _parameter_errors(case, case.true_first_from_frame, case.predicted_first_from_frame)


@metric("rae_translation_moglo", "rAE, translation", "mm", "lower", MOGLO, digits=3)
def rae_translation(case: Case) -> float:
    """mean over steps and tx, ty, tz of |predicted - true| of the relative parameters; origin: the
    image centre, in that paper's code the sensor"""
    return float(_relative_errors(case)[:3].mean())


@metric("rae_rotation_moglo", "rAE, rotation", "deg", "lower", MOGLO, digits=3)
def rae_rotation(case: Case) -> float:
    """mean over steps and the 3 Euler angles of |predicted - true| of the relative parameters;
    axes: those of the image, in that paper's code the sensor's"""
    return float(_relative_errors(case)[3:].mean())


@metric("aae_translation_moglo", "aAE, translation", "mm", "lower", MOGLO)
def aae_translation(case: Case) -> float:
    """mean over all N frames and tx, ty, tz of |predicted - true| of the accumulated parameters;
    origin: the image centre, in that paper's code the sensor"""
    return float(_accumulated_errors(case)[:3].mean())


@metric("aae_rotation_moglo", "aAE, rotation", "deg", "lower", MOGLO)
def aae_rotation(case: Case) -> float:
    """mean over all N frames and the 3 Euler angles of |predicted - true|, accumulated; axes: those
    of the image, in that paper's code the sensor's"""
    return float(_accumulated_errors(case)[3:].mean())


def moglo_grid(case: Case) -> np.ndarray:
    """Return the 16 x 16 points (256, 3), row by row, in image mm."""
    rows, columns = (np.arange(GRID) * size / GRID for size in case.shape)
    column, row = np.meshgrid(columns, rows)
    return case.image_points(np.column_stack([column.ravel(), row.ravel()]))


def _grid_errors(case: Case, true: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    difference = true - predicted
    moved = difference[:, :3, :3] @ moglo_grid(case).T + difference[:, :3, 3:]
    return np.linalg.norm(moved, axis=1).mean(1)


@metric("rfe_moglo", "rFE", "mm", "lower", MOGLO, digits=3)
def rfe(case: Case) -> float:
    """mean over steps and grid points of |(g_i - p_i) q|, each frame moved by its step only"""
    errors = _grid_errors(case, case.true_prev_from_frame, case.predicted_prev_from_frame)
    return float(errors.mean()) if len(errors) else NAN


def _accumulated_grid_errors(case: Case) -> np.ndarray:
    return _grid_errors(case, case.true_first_from_frame, case.predicted_first_from_frame)


@metric("afe_moglo", "aFE", "mm", "lower", MOGLO)
def afe(case: Case) -> float:
    """mean over all N frames and grid points of |(G_i - P_i) q|"""
    return float(_accumulated_grid_errors(case).mean())


@metric("fd_moglo", "FD", "mm", "lower", MOGLO)
def final_error(case: Case) -> float:
    """mean over grid points of |(G_N - P_N) q|"""
    return float(_accumulated_grid_errors(case)[-1])


def _reference_path(case: Case) -> np.ndarray:
    """Return true positions (N, 3) of the pixel whose path divides the rates: column 0, row H/2."""
    point = case.image_points(np.array([[0.0, case.shape[0] / 2]]))
    return geometry.apply(case.true_first_from_frame, point)[:, 0]


@metric("fdr_chord_moglo", "FDR over the chord", "%", "lower", MOGLO + ", as coded")
def fdr_chord(case: Case) -> float:
    """100 fd_moglo / straight distance from first to last true place of pixel (column 0, row H/2);
    not defined on closed paths"""
    track = _reference_path(case)
    chord = float(np.linalg.norm(track[-1] - track[0]))
    if chord < max(SHORTEST_PATH, CLOSED_SHARE * path_lengths(track)[-1]):
        return NAN
    return PERCENT * final_error(case) / chord


@metric("fdr_path_moglo", "FDR over the path", "%", "lower", MOGLO + ", as written")
def fdr_path(case: Case) -> float:
    """100 fd_moglo / true path length of pixel (column 0, row H/2)"""
    path = float(path_lengths(_reference_path(case))[-1])
    return PERCENT * final_error(case) / path if path >= SHORTEST_PATH else NAN


def _similarity(case: Case, centred: bool) -> float:
    grid = moglo_grid(case) - case.centre
    true, predicted = (
        geometry.apply(geometry.about(case.centre, poses), grid)
        for poses in (case.true_first_from_frame, case.predicted_first_from_frame)
    )
    if centred:
        true, predicted = true - true.mean(0), predicted - predicted.mean(0)
    true_norm, predicted_norm = np.linalg.norm(true, axis=0), np.linalg.norm(predicted, axis=0)
    # A coordinate that neither moves (up to rounding) is left out; one that only one moves is 0.
    counts = np.maximum(true_norm, predicted_norm) > STILL
    both = np.minimum(true_norm, predicted_norm) > STILL
    cosine = np.zeros_like(true_norm)
    cosine[both] = (true * predicted).sum(0)[both] / (true_norm * predicted_norm)[both]
    return float(cosine[counts].mean()) if counts.any() else NAN


@metric("corr_moglo", "Corr, un-centred as published", "", "higher", MOGLO)
def corr(case: Case) -> float:
    """mean over grid points and x, y, z of the un-centred cosine over time of true and predicted
    place (origin: image centre of the first frame, in that paper's code the sensor), 0 where only
    one of them moves; near 1 for any monotone travel"""
    return _similarity(case, centred=False)


@metric("corr_pearson", "Pearson correlation of places", "", "higher", "MoGLo-Net's Corr, centred")
def corr_pearson(case: Case) -> float:
    """as corr_moglo with the mean over time taken off first"""
    return _similarity(case, centred=True)
