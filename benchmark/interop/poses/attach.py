"""Frames and their poses made a channel: the calibration applied, frames without a pose left out.

table = of_image(read_pose_table("poses.csv", of="probe"), images, probe_from_pixel)
poses, _ = poses_at_frames(table, images.timestamps)
channel = posed(images, poses, World(), "poses.csv")
"""

from dataclasses import fields, replace
from typing import Any

import numpy as np

from benchmark import geometry
from benchmark.errors import UserError
from benchmark.frames import MappedFrames
from benchmark.interop.poses.rigid import ROUNDING, nearest_rigid
from benchmark.interop.poses.table import PoseTable
from benchmark.sweep import Channel, Images, World


def posed(images: Images, world_from_image: np.ndarray, world: World, what: str) -> Channel:
    """Return the frames that have a pose, at their poses (N, 4, 4), NaN being none; lazily.

    Raises
    ------
    UserError : no frame with a pose.
    """
    valid = np.isfinite(world_from_image).all((1, 2))
    if not valid.any():
        raise UserError(f"{what}: none of {len(valid)} frames has a pose")
    named = {field.name: getattr(images, field.name) for field in fields(Images)}
    whole = Channel(**named, world_from_image=world_from_image, world=world)
    return selected(whole, np.flatnonzero(valid))


def selected(channel: Channel, kept: np.ndarray) -> Channel:
    """Return the frames of a channel at the indices `kept` (M,), with all that belongs to them."""
    if len(kept) == len(channel.frames):
        return channel
    frames: Any = MappedFrames(channel.frames, kept)
    lengths, lines = channel.wavelength_nm, channel.line_world_from_image
    return replace(
        channel,
        frames=frames,
        timestamps=channel.timestamps[kept],
        wavelength_nm=None if lengths is None else lengths[kept],
        world_from_image=channel.world_from_image[kept],
        measured={name: poses[kept] for name, poses in channel.measured.items()},
        line_world_from_image=None if lines is None else lines[kept],
    )


def of_image(table: PoseTable, images: Images, probe_from_pixel: np.ndarray | None) -> PoseTable:
    """Return a table whose poses are those of the images, whosever they were.

    probe_from_pixel (4, 4): the calibration, pixels (column, row, 0, 1) to mm of the probe's
    sensor, for tables of the probe.

    Raises
    ------
    UserError : poses of the probe without a calibration, or one of pixels of another size.
    """
    if table.of == "image":
        return table
    if probe_from_pixel is None:
        raise UserError(
            f"{table.path}: poses of the probe need the calibration from image to probe; give it "
            "by --calibration"
        )
    rigid = probe_from_image(probe_from_pixel, images.mm_from_pixel, str(table.path))
    return replace(table, world_from_body=table.world_from_body @ rigid, of="image")


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
        sizes = [np.linalg.norm(m[:3, :2], axis=0) for m in (probe_from_pixel, mm_from_pixel)]
        theirs, mine = (f"{size[0]:.5g} x {size[1]:.5g} mm" for size in sizes)
        raise UserError(
            f"{what}: the calibration's pixels are {theirs}, those of the images {mine}; expected "
            "the same size and angle between axes"
        )
    return nearest_rigid(whole)


def _with_normal(a_from_pixel: np.ndarray) -> np.ndarray:
    """Return a calibration (4, 4) whose third column is the image's unit normal."""
    matrix = np.array(a_from_pixel, float)
    normal = np.cross(matrix[:3, 0], matrix[:3, 1])
    matrix[:3, 2] = normal / np.linalg.norm(normal)
    return matrix
