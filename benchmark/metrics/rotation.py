"""Rotation errors of the accumulated poses: three measures that papers call by one name."""

import numpy as np

from benchmark import geometry
from benchmark.metrics.case import Case
from benchmark.metrics.registry import metric

GEODESIC = "SO(3) geodesic distance"


def _geodesic(case: Case) -> np.ndarray:
    error = geometry.inverse(case.true_first_from_frame) @ case.predicted_first_from_frame
    return np.degrees(geometry.rotation_angle(error))


def wrap_degrees(angle: np.ndarray) -> np.ndarray:
    """Return angles brought into [-180, 180)."""
    return (angle + 180) % 360 - 180


@metric(
    "rotation_geodesic",
    "rotation error, geodesic",
    "deg",
    "lower",
    GEODESIC,
    short="Rotation error",
    meaning="angle between true and predicted orientation, averaged over frames",
)
def rotation_geodesic(case: Case) -> float:
    """mean over frames i >= 2 of the angle of G_i^-1 P_i"""
    return float(_geodesic(case)[1:].mean()) if len(case) > 1 else float("nan")


@metric("rotation_geodesic_final", "final rotation error", "deg", "lower", GEODESIC)
def rotation_geodesic_final(case: Case) -> float:
    """angle of G_N^-1 P_N"""
    return float(_geodesic(case)[-1])


@metric("rotation_euler_xyz", "rotation error, Euler", "deg", "lower", "DualTrack's evaluation")
def rotation_euler_xyz(case: Case) -> float:
    """mean over frames i >= 2 and 3 extrinsic x-y-z Euler angles of their absolute difference"""
    from scipy.spatial.transform import Rotation

    if len(case) < 2:
        return float("nan")
    true, predicted = (
        Rotation.from_matrix(poses[1:, :3, :3]).as_euler("xyz", degrees=True)
        for poses in (case.true_first_from_frame, case.predicted_first_from_frame)
    )
    return float(np.abs(wrap_degrees(predicted - true)).mean())


@metric("rotation_axes", "rotation error, axis-wise", "deg", "lower", "MEA as coded in RecON/MoNet")
def rotation_axes(case: Case) -> float:
    """mean over frames i >= 2 and x, y, z of the angle between true and predicted frame axis"""
    true = case.true_first_from_frame[1:, :3, :3]
    predicted = case.predicted_first_from_frame[1:, :3, :3]
    # The half-angle form keeps its digits near zero, where arccos of the product loses them.
    chord = np.linalg.norm(true - predicted, axis=1)
    angle = 2 * np.arcsin(np.clip(chord / 2, 0, 1))
    return float(np.degrees(angle).mean()) if len(true) else float("nan")
