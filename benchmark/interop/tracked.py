"""Sweeps of any recording with poses: its own or a table's, on one clock, outliers said or dropped.

sweep = open_tracked("frames/", Reading(poses=Path("poses.csv"), frame_rate=20)).sweep
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from benchmark import geometry
from benchmark.errors import Report, UserError, silent
from benchmark.hdf5 import read_prediction
from benchmark.interop.formats import TRAJECTORIES, kind_of, open_sweep
from benchmark.interop.poses import plausible
from benchmark.interop.poses.attach import of_image, posed, selected
from benchmark.interop.poses.clock import poses_at_frames
from benchmark.interop.poses.lag import lag_s
from benchmark.interop.poses.table import PoseTable, read_pose_table
from benchmark.interop.sequence import Reading
from benchmark.interop.untracked import Recording, open_recording
from benchmark.sweep import Channel, Images, Sweep, WithheldChannel, World

PREDICTIONS = (".h5", ".hdf5", ".npz")
POSES = f"a table ({', '.join(TRAJECTORIES)}) or a prediction ({', '.join(PREDICTIONS)})"


@dataclass(frozen=True)
class Tracked:
    """A sweep at the poses asked for.

    own[channel] (N, 4, 4): the recording's own poses of the same frames, NaN where it has none;
    empty where the sweep's poses are its own.
    """

    sweep: Sweep
    own: Mapping[str, np.ndarray] = field(default_factory=dict)


def open_tracked(
    path: Path | str, reading: Reading | None = None, report: Report = silent
) -> Tracked:
    """Return the sweep of a recording, its frames left on disk; frames without a pose left out.

    Told: frames without a pose, poses that lie apart from the others, and units that look wrong.

    Raises
    ------
    UserError : frames without poses, a table that does not fit them, frames that span no plane,
        and every fault of the formats.
    """
    path, reading = Path(path), reading or Reading()
    if reading.poses is None:
        sweep = open_sweep(path, reading, report)
        if reading.pixel_mm is not None:
            raise UserError(
                f"--pixel-mm: the poses of {path} hold for its own pixels; it is for frames "
                "without poses (track, --poses)"
            )
        return Tracked(checked(_on_clock(sweep, path, reading, report), path, reading, report))
    recording = open_recording(path, reading, report)
    asked = _asked(recording, path, reading, report)
    sweep = _at_poses(recording.sweep, asked, _world(recording, reading), reading.poses)
    sweep = checked(sweep, path, reading, report)
    own = {}
    for name, poses in recording.own.items():
        times = recording.sweep.channels[name].timestamps
        own[name] = poses[np.isin(times, sweep.channels[name].timestamps)]
    return Tracked(sweep, own)


def open_compared(
    path: Path | str, reading: Reading | None = None, report: Report = silent
) -> Recording:
    """Return the frames of a recording with the poses asked for as its own, to compare with.

    All frames stay; those without a pose, and outliers to be dropped, have NaN. Told and raised is
    what `open_tracked` does, but for frames without poses.
    """
    path, reading = Path(path), reading or Reading()
    recording = open_recording(path, reading, report)
    plausible.refuse_no_plane(recording.images, path)
    own = {
        name: _without_outliers(
            recording.sweep.channels[name], poses, f"{path}: {name}", reading, report
        )
        for name, poses in _asked(recording, path, reading, report).items()
    }
    return replace(recording, own=own, world=_world(recording, reading))


def checked(sweep: Sweep, path: Path, reading: Reading, report: Report) -> Sweep:
    """Return a sweep whose faults were told, without its outliers if they are to be dropped.

    Raises
    ------
    UserError : frames of one row or column.
    """
    bmode = sweep.bmode
    plausible.refuse_no_plane(bmode, path)
    if bmode.is_withheld:
        return sweep
    lines = [*plausible.pixel_suspicions(bmode)]
    if reading.poses is None:
        lines += plausible.path_suspicions(bmode, bmode.world_from_image)
    for line in lines:
        report(f"{path}: {line}")
    channels: dict[str, Channel | WithheldChannel] = {}
    for name, channel in sweep.channels.items():
        channels[name] = channel
        if isinstance(channel, Channel):
            poses = channel.world_from_image
            poses = _without_outliers(channel, poses, f"{path}: {name}", reading, report)
            channels[name] = selected(channel, np.flatnonzero(np.isfinite(poses).all((1, 2))))
    return with_channels(sweep, channels)


def _without_outliers(
    images: Images, world_from_image: np.ndarray, what: str, reading: Reading, report: Report
) -> np.ndarray:
    """Return poses (N, 4, 4) with NaN for outliers, if they are to be dropped; tell of them."""
    jumps = plausible.jumps_of(images, world_from_image)
    line = plausible.jump_line(jumps, reading.drop_outliers)
    if line:
        report(f"{what}: {line}")
    drop = jumps.outliers & reading.drop_outliers
    return np.where(drop[:, None, None], np.nan, world_from_image)


def with_channels(sweep: Sweep, channels: Mapping[str, Channel | WithheldChannel]) -> Sweep:
    """Return a sweep of some of its frames; landmarks stay on their frames, or go with them."""
    kept = np.isin(sweep.bmode.timestamps, channels["bmode"].timestamps)
    marks = np.array(sweep.landmarks, float)
    marks = marks[kept[marks[:, 0].astype(int)]]
    marks[:, 0] = (np.cumsum(kept) - 1)[marks[:, 0].astype(int)]
    return replace(sweep, channels=dict(channels), landmarks=marks)


def anchored(world_from_image: np.ndarray, first_from_frame: np.ndarray) -> np.ndarray:
    """Return predicted poses (N, 4, 4) in the world of known ones (N, 4, 4), NaN where unknown.

    The first frame whose pose is known has it in both.
    """
    known = np.isfinite(world_from_image).all((1, 2))
    if not known.any():
        return first_from_frame
    first = int(np.argmax(known))
    return world_from_image[first] @ geometry.inverse(first_from_frame[first]) @ first_from_frame


def _on_clock(sweep: Sweep, path: Path, reading: Reading, report: Report) -> Sweep:
    """Return a sweep whose own poses are taken later by the lag asked for."""
    if reading.lag is None:
        return sweep
    own = {name: channel.world_from_image for name, channel in sweep.channels.items()}
    asked = _asked(Recording(sweep, own), path, reading, report)
    return _at_poses(sweep, asked, sweep.bmode.world, path)


def _at_poses(sweep: Sweep, poses: Mapping[str, np.ndarray], world: World, path: Path) -> Sweep:
    """Return the frames of a sweep that have poses (N, 4, 4) by channel, at these."""
    channels = {
        name: posed(images, poses[name], world, str(path))
        for name, images in sweep.channels.items()
    }
    return with_channels(sweep, channels)


def _world(recording: Recording, reading: Reading) -> World:
    """Return the world of the poses asked for: a table's has no name, and the recording's axes."""
    is_table = reading.poses is not None and _is_table(reading.poses)
    return World(axes=recording.world.axes) if is_table else recording.world


def _is_table(poses: Path) -> bool:
    """Return whether a file of poses is a table; else it is a prediction."""
    return poses.suffix.lower() in TRAJECTORIES


def _asked(
    recording: Recording, path: Path, reading: Reading, report: Report
) -> Mapping[str, np.ndarray]:
    """Return the poses (N, 4, 4) asked for by channel: a table's or its own, by the lag."""
    bmode, own = recording.images, recording.world_from_image
    if reading.poses is not None:
        table = _table(reading.poses, reading, bmode, own)
        for line in plausible.path_suspicions(bmode, table.world_from_body):
            report(f"{reading.poses}: {line}")
        table = of_image(table, bmode, recording.probe_from_pixel)
        table = _without_outlying_rows(table, bmode, reading, report)
    elif reading.lag is not None and own is not None:
        table = PoseTable(path, own, bmode.timestamps)
    else:
        return recording.own
    lag = lag_s(bmode, table, reading.lag, report)
    return {
        name: poses_at_frames(table, images.timestamps + lag, report)[0]
        for name, images in recording.sweep.channels.items()
    }


def _refuse_no_prediction(path: Path) -> None:
    """Refuse a file that holds no poses, or those of a sweep."""
    if path.suffix.lower() not in PREDICTIONS:
        raise UserError(f"{path}: expected poses: {POSES}")
    if path.is_file() and kind_of(path) == "sweep":
        raise UserError(
            f"{path}: holds a sweep; 'convert {path} poses.csv' takes its poses out for --poses"
        )


def _without_outlying_rows(
    table: PoseTable, bmode: Images, reading: Reading, report: Report
) -> PoseTable:
    """Return a table with NaN for rows off the path of the others, if they are to be dropped.

    A frame between two rows takes a share of either: a small one hides a row that is far off. Rows
    at the times of the frames are looked at as frames.
    """
    if table.times is None or np.isin(table.times, bmode.timestamps).all():
        return table
    rows = plausible.jumps_of(bmode, table.world_from_body, table.times)
    if not rows.outliers.any():
        return table
    line = plausible.jump_line(rows, reading.drop_outliers, "rows")
    report(f"{table.path}: {line}")
    drop = rows.outliers & reading.drop_outliers
    return replace(
        table, world_from_body=np.where(drop[:, None, None], np.nan, table.world_from_body)
    )


def _table(poses: Path, reading: Reading, bmode: Images, own: np.ndarray | None) -> PoseTable:
    """Return the poses of a file at times of its own, or at those of the B-mode frames.

    A prediction begins at the first of the recording's own poses (N, 4, 4).
    """
    if poses.is_dir():
        raise UserError(f"{poses}: a folder; expected a file of poses ({POSES})")
    if _is_table(poses):
        if reading.poses_of is None and reading.calibration:
            raise UserError(
                f"{poses}: whose poses are these? With a calibration they may be the image's or "
                "the probe's; give --poses-of image or probe"
            )
        table = read_pose_table(
            poses, reading.poses_of or "image", reading.poses_unit, reading.poses_euler
        )
    else:
        if reading.poses_of == "probe":
            raise UserError(f"{poses}: a prediction holds poses of the image, not of the probe")
        _refuse_no_prediction(poses)
        first_from_frame = read_prediction(poses).first_from_frame
        table = PoseTable(poses, first_from_frame, None)
    if table.times is not None:
        return table
    at_frames, _ = poses_at_frames(table, bmode.timestamps)
    if not _is_table(poses) and own is not None:
        at_frames = anchored(own, at_frames)
    return replace(table, world_from_body=at_frames, times=bmode.timestamps)
