"""Trajectories as text: TUM (time, position, quaternion), KITTI (3 × 4 matrices), named columns.

TUM and KITTI are in metres, as evo and other tools expect; poses here are in mm. All hold
`world_from_frame`. `columns` reads named columns.
"""

from pathlib import Path
from typing import Literal

import numpy as np

from benchmark import geometry
from benchmark.errors import UserError
from benchmark.files import atomic_path
from benchmark.interop.poses.rigid import settled_poses
from benchmark.interop.poses.text import read_rows
from benchmark.tables import csv_text, write_text

MM_PER = {"m": 1000.0, "mm": 1.0}
Unit = Literal["m", "mm"]
CSV_COLUMNS = ("x_mm", "y_mm", "z_mm", "qx", "qy", "qz", "qw")
UNIT_LENGTH = 1e-2  # deviation of a quaternion's length from 1 that rounding may cause


def write_trajectory(
    path: Path | str,
    timestamps: np.ndarray | None,
    world_from_frame: np.ndarray,
    unit: Unit = "m",
) -> bool:
    """Write times (N,) s and poses (N, 4, 4) mm in the format of the name's ending.

    That is .tum, .kitti or .csv; the last two need no times. Returns whether it is one of these.
    unit: of TUM and KITTI.
    """
    suffix = Path(path).suffix.lower()
    if suffix == ".tum" and timestamps is not None:
        write_tum(path, timestamps, world_from_frame, unit)
    elif suffix == ".kitti":
        write_kitti(path, world_from_frame, unit)
    elif suffix == ".csv":
        write_csv(path, timestamps, world_from_frame)
    else:
        return False
    return True


def write_tum(
    path: Path | str, timestamps: np.ndarray, world_from_frame: np.ndarray, unit: Unit = "m"
) -> None:
    """Write times (N,) s and poses (N, 4, 4) mm: one line `t x y z qx qy qz qw` per frame."""
    from scipy.spatial.transform import Rotation

    poses = np.asarray(world_from_frame, float)
    xyzw = Rotation.from_matrix(poses[:, :3, :3]).as_quat()
    rows = np.hstack([np.asarray(timestamps, float)[:, None], poses[:, :3, 3] / MM_PER[unit], xyzw])
    _write_rows(Path(path), rows, f"# timestamp_s tx_{unit} ty_{unit} tz_{unit} qx qy qz qw")


def read_tum(path: Path | str, unit: Unit = "m") -> tuple[np.ndarray, np.ndarray]:
    """Return times (N,) s and poses (N, 4, 4) mm of a TUM file.

    Raises
    ------
    UserError : no such file, a line without 8 numbers, a quaternion whose length is not 1.
    """
    rows = _read_rows(Path(path), 8)
    rotation = rotations_of_quaternions(rows[:, 4:], str(path))
    return rows[:, 0], geometry.compose(rotation, rows[:, 1:4] * MM_PER[unit])


def rotations_of_quaternions(xyzw: np.ndarray, what: str) -> np.ndarray:
    """Return rotations (M, 3, 3) of quaternions (M, 4), the scalar last.

    A quaternion of zeros, which trackers write where they see nothing, is no rotation: NaN.

    Raises
    ------
    UserError : a quaternion whose length is not 1, with its row.
    """
    from scipy.spatial.transform import Rotation

    xyzw = np.where((xyzw == 0).all(1, keepdims=True), np.nan, xyzw)
    length = np.linalg.norm(xyzw, axis=1)
    if (np.abs(length - 1) > UNIT_LENGTH).any():
        bad = int(np.argmax(np.abs(length - 1) > UNIT_LENGTH))
        raise UserError(f"{what}: pose {bad}: quaternion of length {length[bad]:.3g}, expected 1")
    seen = np.isfinite(length)
    rotations = np.full((len(xyzw), 3, 3), np.nan)
    rotations[seen] = Rotation.from_quat(xyzw[seen]).as_matrix().reshape(-1, 3, 3)
    return rotations


def write_kitti(path: Path | str, world_from_frame: np.ndarray, unit: Unit = "m") -> None:
    """Write poses (N, 4, 4) mm: the upper 3 × 4 matrix row by row, one line per frame."""
    top = np.array(world_from_frame, float)[:, :3]
    top[:, :, 3] /= MM_PER[unit]
    _write_rows(Path(path), top.reshape(-1, 12))


def read_kitti(path: Path | str, unit: Unit = "m") -> np.ndarray:
    """Return poses (N, 4, 4) mm of a KITTI file.

    Raises
    ------
    UserError : no such file, a line without 12 numbers, a matrix that is not rigid.
    """
    top = _read_rows(Path(path), 12).reshape(-1, 3, 4)
    poses = geometry.compose(top[:, :, :3], top[:, :, 3] * MM_PER[unit])
    return settled_poses(poses, str(path))


def write_csv(
    path: Path | str, timestamps: np.ndarray | None, world_from_frame: np.ndarray
) -> None:
    """Write poses (N, 4, 4) mm as named columns: time_s (or frame), x_mm, y_mm, z_mm, qx ... qw.

    timestamps (N,) s; None: rows are numbered from 0 in a column `frame`.
    """
    from scipy.spatial.transform import Rotation

    poses = np.asarray(world_from_frame, float)
    first = {"frame": range(len(poses))} if timestamps is None else {"time_s": timestamps}
    xyzw = Rotation.from_matrix(poses[:, :3, :3]).as_quat()
    named = dict(zip(CSV_COLUMNS, [*poses[:, :3, 3].T, *xyzw.T], strict=True))
    columns = {**first, **named}
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    write_text(Path(path), csv_text(rows))


def _write_rows(path: Path, rows: np.ndarray, title: str | None = None) -> None:
    with atomic_path(path) as temporary, temporary.open("w", encoding="ascii") as file:
        if title:
            file.write(title + "\n")
        for row in rows:
            file.write(" ".join(repr(float(value)) for value in row) + "\n")


def _read_rows(path: Path, width: int) -> np.ndarray:
    numbers = []
    for row in read_rows(path):
        try:
            values = [float(cell) for cell in row.cells]
        except ValueError as error:
            raise UserError(
                f"{path}: line {row.line}: expected lines of {width} numbers ({error})"
            ) from error
        if len(values) != width or not np.isfinite(values).all():
            raise UserError(
                f"{path}: line {row.line}: expected {width} finite numbers, "
                f"got {' '.join(row.cells)}"
            )
        numbers.append(values)
    return np.array(numbers)
