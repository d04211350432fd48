"""Trajectories as text: TUM (time, position, quaternion) and KITTI (3 × 4 matrices).

Files are in metres, as evo and other tools expect; poses here are in mm. Both formats hold
`world_from_frame`.
"""

from pathlib import Path
from typing import Literal

import numpy as np

from benchmark import geometry
from benchmark.errors import UserError
from benchmark.files import atomic_path
from benchmark.interop.parts.rigid import settled_poses

MM_PER = {"m": 1000.0, "mm": 1.0}
Unit = Literal["m", "mm"]


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
    from scipy.spatial.transform import Rotation

    rows = _read_rows(Path(path), 8)
    length = np.linalg.norm(rows[:, 4:], axis=1)
    if (np.abs(length - 1) > 1e-2).any():
        bad = int(np.argmax(np.abs(length - 1) > 1e-2))
        raise UserError(f"{path}: pose {bad}: quaternion of length {length[bad]:.3g}, expected 1")
    rotation = Rotation.from_quat(rows[:, 4:]).as_matrix()
    return rows[:, 0], geometry.compose(rotation, rows[:, 1:4] * MM_PER[unit])


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


def _write_rows(path: Path, rows: np.ndarray, title: str | None = None) -> None:
    with atomic_path(path) as temporary, temporary.open("w", encoding="ascii") as file:
        if title:
            file.write(title + "\n")
        for row in rows:
            file.write(" ".join(repr(float(value)) for value in row) + "\n")


def _read_rows(path: Path, width: int) -> np.ndarray:
    rows = []
    try:
        with path.open(encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                words = line.split("#")[0].replace(",", " ").split()
                if not words:
                    continue
                values = [float(word) for word in words]
                if len(values) != width or not np.isfinite(values).all():
                    found = f"{len(values)} numbers"
                    raise UserError(
                        f"{path}: line {number}: expected {width} finite numbers, got {found}"
                    )
                rows.append(values)
    except FileNotFoundError as error:
        raise UserError(f"{path}: no such file") from error
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: expected lines of {width} numbers ({error})") from error
    if not rows:
        raise UserError(f"{path}: holds no pose")
    return np.array(rows)
