"""Pose tables: csv with named columns, TUM and KITTI, read into one record.

table = read_pose_table("poses.csv", of="probe", unit="mm")
poses, valid = poses_at_frames(table, timestamps)  # benchmark.interop.poses.clock
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from benchmark.errors import UserError
from benchmark.interop.poses import columns, trajectory
from benchmark.interop.poses.text import Row, read_rows

Whose = Literal["image", "probe"]
SUFFIXES = (".tum", ".kitti", ".csv", ".tsv", ".txt")
SAME = 1e-6  # difference between two poses of one time that counts as none, mm and radians


@dataclass(frozen=True)
class PoseTable:
    """Poses as a tracker logged them.

    world_from_body (M, 4, 4), mm: of the image or of the probe, as `of` says; NaN in rows in which
    the tracker saw nothing. times (M,) s, rising, of a clock that need not begin with the images';
    None in a table without times, whose rows are those of the frames.
    """

    path: Path
    world_from_body: np.ndarray
    times: np.ndarray | None
    of: Whose = "image"

    def __len__(self) -> int:
        return len(self.world_from_body)


def read_pose_table(
    path: Path | str,
    of: Whose = "image",
    unit: trajectory.Unit | None = None,
    euler: str | None = None,
) -> PoseTable:
    """Return the poses of a text file; its content tells its layout.

    A first row of names makes a table with named columns (`columns` lists the names); without one,
    rows of 8 numbers are TUM and rows of 12 are KITTI. Timed rows are sorted by time.

    Parameters
    ----------
    of : whose poses they are: of the image (mm, origin and axes of `mm_from_pixel`), or of the
        probe's sensor, to which a calibration leads from the image.
    unit : of positions, where the names of columns give none; TUM and KITTI are in metres.
    euler : order of rotations about the axes, e.g. "zyx_intrinsic", for tables of angles.

    Raises
    ------
    UserError : the line of a cell that is no number, columns that are missing, a unit or an order
        that is not known, two poses at one time that differ, a rotation that is none.
    """
    path = Path(path)
    rows = read_rows(path)
    if not _is_number(rows[0].cells[0]) or not any(map(_is_number, rows[0].cells)):
        table = columns.columns_of(rows[0], rows[1:], str(path))
        poses, times = columns.poses_of(table, unit, euler), columns.times_of(table)
        if times is None and table.has(["frame"]):
            poses = poses[_order_of_frames(table.numbers(["frame"])[:, 0], path)]
    else:
        times, poses = _bare_numbers(path, rows[0], unit)
    if times is not None:
        times, poses = _sorted_by_time(times, poses, path)
    return PoseTable(path, poses, times, of)


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _bare_numbers(
    path: Path, first: Row, unit: trajectory.Unit | None
) -> tuple[np.ndarray | None, np.ndarray]:
    if len(first.cells) == 12:
        return None, trajectory.read_kitti(path, unit or "m")
    if len(first.cells) == 8:
        return trajectory.read_tum(path, unit or "m")
    raise UserError(
        f"{path}: line {first.line}: expected a row of column names, 8 numbers (TUM) or 12 "
        f"(KITTI), got {len(first.cells)} cells"
    )


def _order_of_frames(frames: np.ndarray, path: Path) -> np.ndarray:
    """Return the order (M,) that sorts rows by their frame; every frame has one row."""
    order = np.argsort(frames, kind="stable")
    gaps = np.diff(frames[order]) != 1
    if gaps.any() or not np.isfinite(frames).all():
        before = frames[order][int(np.argmax(gaps))]
        raise UserError(
            f"{path}: 'frame': expected one row for each frame, got another after {before:g}; "
            "give rows without a pose empty cells"
        )
    return order


def _sorted_by_time(
    times: np.ndarray, poses: np.ndarray, path: Path
) -> tuple[np.ndarray, np.ndarray]:
    """Return times that rise and their poses; of two equal rows one is kept."""
    order = np.argsort(times, kind="stable")
    times, poses = times[order], poses[order]
    doubled = np.flatnonzero(np.diff(times) == 0)
    for index in doubled:
        pair = poses[index : index + 2]
        if np.isfinite(pair).all() and np.abs(pair[1] - pair[0]).max() > SAME:
            raise UserError(f"{path}: two different poses at time {times[index]:.10g} s")
        if np.isnan(pair[1]).any():
            poses[index + 1] = pair[0]
    kept = np.setdiff1d(np.arange(len(times)), doubled)
    return times[kept], poses[kept]
