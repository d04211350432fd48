"""Rigid motions from one frame to the next, in the frame of the first image, and their mixtures."""

import numpy as np
from scipy.spatial.transform import Rotation

from tests.simulate.probe.rayleigh import Response

NONE = (0.0, 0.0, 0.0)


def moved(degrees=NONE, shift_mm=NONE, pivot_mm=NONE) -> np.ndarray:
    """Return image 1 from image 2 (4, 4): a rotation about a pivot, then a shift."""
    matrix, pivot = np.eye(4), np.asarray(pivot_mm, float)
    matrix[:3, :3] = Rotation.from_rotvec(np.deg2rad(degrees)).as_matrix()
    matrix[:3, 3] = pivot - matrix[:3, :3] @ pivot + np.asarray(shift_mm, float)
    return matrix


def mixtures(
    true: Response, shift_mm: float, tilt_deg: float, yaw_deg: float, roll_deg: float
) -> dict[str, np.ndarray]:
    """Return motions by name: each alone, and together with both signs.

    Shift out of the plane, tilt about x and yaw about y at the middle of the face, roll about z at
    the sample itself (about the face it would be a shift along the array first of all).
    """
    pivot = (true.line_mm, true.depth_mm, 0.0)
    if true.radius_mm:
        angle, radius = true.line_mm / true.radius_mm, true.radius_mm + true.depth_mm
        pivot = (radius * np.sin(angle), radius * np.cos(angle) - true.radius_mm, 0.0)
    out = (0.0, 0.0, shift_mm)
    return {
        "shift": moved(shift_mm=out),
        "tilt": moved((tilt_deg, 0.0, 0.0)),
        "yaw": moved((0.0, yaw_deg, 0.0)),
        "roll": moved((0.0, 0.0, roll_deg), pivot_mm=pivot),
        "shift + tilt": moved((tilt_deg, 0.0, 0.0), out),
        "shift - tilt": moved((-tilt_deg, 0.0, 0.0), out),
        "shift + yaw": moved((0.0, yaw_deg, 0.0), out),
        "shift - yaw": moved((0.0, -yaw_deg, 0.0), out),
        "shift + tilt + yaw": moved((tilt_deg, yaw_deg, 0.0), out),
        "shift - tilt - yaw": moved((-tilt_deg, -yaw_deg, 0.0), out),
    }


def sizes(true: Response, wanted: float = 0.65) -> tuple[float, float, float, float]:
    """Return the shift, mm, and the tilt, yaw and roll, degrees, that leave about `wanted`."""
    kinds = [
        lambda size: moved(shift_mm=(0.0, 0.0, size)),
        lambda size: mixtures(true, 0.0, size, 0.0, 0.0)["tilt"],
        lambda size: mixtures(true, 0.0, 0.0, size, 0.0)["yaw"],
        lambda size: mixtures(true, 0.0, 0.0, 0.0, size)["roll"],
    ]
    found = []
    for kind in kinds:
        size = 0.1
        for _ in range(4):  # near a motion of 0 the logarithm goes as the square
            left = min(max(true.correlation(kind(size)), 1e-3), 0.9999)
            size *= float(np.clip(np.sqrt(np.log(wanted) / np.log(left)), 0.25, 4.0))
        found.append(float(f"{size:.2g}"))
    return found[0], found[1], found[2], found[3]
