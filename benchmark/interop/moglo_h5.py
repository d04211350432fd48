"""The sample files of MoGLo-Net's authors: `img_B`, `y_rel` and `y_abs` of one scan in HDF5.

Labels are three translations in cm and three Euler angles in degrees, intrinsic Y-Z-X, in axes
x axial, y lateral, z = x × y; their origin is the tracked sensor, whose image lies at
pixel - (20, 0, 7) mm along those axes. Frames cover 38 × 38 mm.
"""

from pathlib import Path
from typing import Any

import numpy as np

from benchmark import geometry
from benchmark.errors import Report, UserError, silent
from benchmark.frames import LazyFrames, MappedFrames, reading_hdf5
from benchmark.stored.hdf5 import WholeArrays, frames_of
from benchmark.sweep import Channel, Sweep

FIELD_OF_VIEW_MM = 38.0
FRAME_RATE = 20.0  # the files hold no times
SENSOR_OFFSET_MM = (-20.0, 0.0, -7.0)  # of the image, along the labels' axes
AXES = np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, -1.0]])  # image from label, and back
MM_PER_CM = 10.0
AGREEMENT_MM = 0.5


def read_moglo(path: Path | str, frame_rate: float | None = None, report: Report = silent) -> Sweep:
    """Return the sweep of a sample file, its poses those of `y_abs`, its frames left on disk.

    Without `y_abs`, `y_rel` is chained; if there are both and they disagree, that is reported.

    Raises
    ------
    UserError : a truncated file, a missing key, shapes that do not fit.
    """
    path = Path(path)
    with reading_hdf5(path) as file:
        if "img_B" not in file:
            raise UserError(f"{path}: img_B is missing")
        whole = WholeArrays(file)
        labels = {key: whole(file, key) for key in ("y_abs", "y_rel") if key in file}
        shape = frames_of(file, "img_B").shape
    if len(shape) != 4 or shape[1] != 1 or shape[0] < 1:
        raise UserError(f"{path}: img_B: expected shape (N, 1, H, W), got {shape}")
    count, _, rows, columns = shape
    sensor = _sensor_poses(labels, count, path, report)
    image_from_label = geometry.compose(AXES, np.zeros(3))
    offset = geometry.compose(np.eye(3), np.array(SENSOR_OFFSET_MM))
    poses = image_from_label @ sensor @ offset @ image_from_label
    frames: Any = MappedFrames(LazyFrames(path, "img_B"), None, lambda frame: frame[0])
    channel = Channel(
        frames,
        np.arange(count) / (FRAME_RATE if frame_rate is None else frame_rate),
        np.diag([FIELD_OF_VIEW_MM / columns, FIELD_OF_VIEW_MM / rows, 1.0, 1.0]),
        world_from_image=poses,
    )
    return Sweep(path.stem, {"bmode": channel}, factors={"source": path.name})


def _sensor_poses(
    labels: dict[str, np.ndarray], count: int, path: Path, report: Report
) -> np.ndarray:
    for key, length in (("y_abs", count), ("y_rel", count - 1)):
        if key in labels and labels[key].shape != (length, 6):
            found = labels[key].shape
            raise UserError(f"{path}: {key}: expected shape {(length, 6)}, got {found}")
        if key in labels and not np.isfinite(labels[key]).all():
            raise UserError(f"{path}: {key}: holds NaN or infinite values")
    if not labels:
        raise UserError(f"{path}: y_abs and y_rel are missing")
    poses = {key: pose_of_label(label) for key, label in labels.items()}
    if "y_rel" in poses:
        chained = geometry.chain(poses["y_rel"])
        if "y_abs" not in poses:
            return chained
        apart = np.abs(geometry.anchor(poses["y_abs"]) - chained)[:, :3, 3].max()
        if apart > AGREEMENT_MM:
            report(f"{path}: y_rel, chained, is up to {apart:.2g} mm from y_abs; y_abs is taken")
    return poses["y_abs"]


def pose_of_label(label: np.ndarray) -> np.ndarray:
    """Return poses (N, 4, 4) mm of labels (N, 6): R = R_y(a1) R_z(a2) R_x(a3)."""
    from scipy.spatial.transform import Rotation

    values = np.asarray(label, float)
    rotation = Rotation.from_euler("YZX", values[:, 3:], degrees=True).as_matrix()
    return geometry.compose(rotation, values[:, :3] * MM_PER_CM)


def label_of_pose(pose: np.ndarray) -> np.ndarray:
    """Return labels (N, 6), cm and degrees, of poses (N, 4, 4) mm; undoes `pose_of_label`."""
    from scipy.spatial.transform import Rotation

    angles = Rotation.from_matrix(pose[:, :3, :3]).as_euler("YZX", degrees=True)
    return np.hstack([pose[:, :3, 3] / MM_PER_CM, angles])
