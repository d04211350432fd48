"""Frames and a pose table made a channel: the calibration applied, frames without a pose left out.

channel = posed(images, read_pose_table("poses.csv", of="probe"), probe_from_pixel, report)
"""

from typing import Any

import numpy as np

from benchmark import geometry
from benchmark.errors import Report, UserError, silent
from benchmark.frames import MappedFrames
from benchmark.interop.poses.clock import poses_at_frames
from benchmark.interop.poses.rigid import ROUNDING, nearest_rigid
from benchmark.interop.poses.table import PoseTable
from benchmark.sweep import Channel, Images


def posed(
    images: Images,
    table: PoseTable,
    probe_from_pixel: np.ndarray | None = None,
    report: Report = silent,
) -> Channel:
    """Return the frames that have a pose in a table, at those poses; frames stay on disk.

    probe_from_pixel (4, 4): the calibration, pixels (column, row, 0, 1) to mm of the probe's
    sensor, for tables of the probe. The clocks of table and frames must be one.

    Raises
    ------
    UserError : poses of the probe without a calibration, one that does not fit the images' pixels,
        no frame with a pose, and as `poses_at_frames`.
    """
    poses, valid = poses_at_frames(table, images.timestamps, report)
    if not valid.any():
        raise UserError(f"{table.path}: none of {len(valid)} frames has a pose")
    if table.of == "probe":
        if probe_from_pixel is None:
            raise UserError(
                f"{table.path}: poses of the probe need the calibration from image to probe; give "
                "it by --calibration"
            )
        poses = poses @ probe_from_image(probe_from_pixel, images.mm_from_pixel, str(table.path))
    kept = np.flatnonzero(valid)
    frames: Any = images.frames if valid.all() else MappedFrames(images.frames, kept)
    lengths = images.wavelength_nm
    return Channel(
        frames,
        images.timestamps[kept],
        images.mm_from_pixel,
        None if lengths is None else lengths[kept],
        images.mask,
        world_from_image=poses[kept],
    )


def probe_from_image(
    probe_from_pixel: np.ndarray, mm_from_pixel: np.ndarray, what: str
) -> np.ndarray:
    """Return the rigid part (4, 4) of a calibration that belongs to images with `mm_from_pixel`.

    Raises
    ------
    UserError : a calibration whose pixels are of another size than the images'.
    """
    whole = _with_normal(probe_from_pixel) @ np.linalg.inv(_with_normal(mm_from_pixel))
    if geometry.se3_fault(whole, ROUNDING):
        theirs, mine = (
            np.linalg.norm(m[:3, :2], axis=0) for m in (probe_from_pixel, mm_from_pixel)
        )
        raise UserError(
            f"{what}: the calibration's pixels are {theirs[0]:.5g} x {theirs[1]:.5g} mm, those of "
            f"the images {mine[0]:.5g} x {mine[1]:.5g} mm; expected the same"
        )
    return nearest_rigid(whole)


def _with_normal(a_from_pixel: np.ndarray) -> np.ndarray:
    """Return a calibration (4, 4) whose third column is the image's unit normal."""
    matrix = np.array(a_from_pixel, float)
    normal = np.cross(matrix[:3, 0], matrix[:3, 1])
    matrix[:3, 2] = normal / np.linalg.norm(normal)
    return matrix
