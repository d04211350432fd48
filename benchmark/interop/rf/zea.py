"""Sweeps in the HDF5 files of the zea toolbox, the format of OpenH-RF's data sets.

Written to the specification of zea 0.1 (https://zea.readthedocs.io, Apache-2.0): one group per
acquisition track in `tracks/` with `data/` (raw_data, image, ...) and `scan/`, beside them `probe/`
and `metadata/`; earlier files have `data/` and `scan/` at their root.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from benchmark.errors import Report, UserError, silent
from benchmark.frames import MappedFrames, reading_hdf5
from benchmark.geometry import se3_fault
from benchmark.interop.rf.forming import Forming
from benchmark.interop.rf.hdf5_values import numbers, text
from benchmark.interop.rf.probe_pose import (
    MM_PER_M,
    TIP_FROM_IMAGE,
    ProbePose,
    poses_at_frames,
    read_probe_pose,
)
from benchmark.interop.rf.zea_channels import read_channels, transmit_times
from benchmark.interop.rf.zea_images import image_group, read_images
from benchmark.interop.rf.zea_writing import read_record
from benchmark.stored.hdf5 import group_of
from benchmark.sweep import SE3_TOLERANCE, Channel, Sweep, WithheldChannel, World

Calibration = tuple[np.ndarray, np.ndarray]


def is_zea(file: h5py.File) -> bool:
    """Return whether an opened HDF5 file is of zea's layout, of version 0.1 or before."""
    return "zea_version" in file.attrs or ("data" in file and "scan" in file)


def read_zea(
    path: Path | str,
    forming: Forming | None = None,
    *,
    calibration: Calibration | None = None,
    frame_rate: float | None = None,
    part: int | None = None,
    report: Report = silent,
) -> Sweep:
    """Return the sweep of a file, its frames left on disk; withheld poses where it has none.

    B-mode is the file's image, or formed from its channel data where it has none or `forming` asks
    for it. Poses are those of `metadata/probe_pose` at the frames' times.

    Parameters
    ----------
    calibration : (tip_from_image, mm_from_pixel), (4, 4) each, where what was tracked is not the
        tip; by default the image lies below the tip as the file's coordinates say. Images that are
        formed have pixels of their own: for them the product of the two maps mm.
    frame_rate : frames per second, in place of the file's times.
    part : value of `custom/sweep_index` of the frames to read, where a file holds several sweeps.

    Raises
    ------
    UserError : a truncated file, another layout, a key that is missing or does not fit, clocks of
        frames and poses that do not meet, compressed data without the package that unpacks them.
    """
    path = Path(path)
    with reading_hdf5(path) as file:
        content = _content(path, file, forming or Forming(), calibration, frame_rate, report)
        chosen = _part(path, file, len(content.frames), part, report)
    channel = _channel(path, content, chosen, report)
    record = content.record
    whole = len(channel.frames) == len(content.frames)
    landmarks = record.get("landmarks", []) if whole else []
    return Sweep(
        record.get("name", path.name.split(".")[0] + ("" if part is None else f"-{part}")),
        {"bmode": channel},
        landmarks=np.reshape(np.array(landmarks, float), (-1, 3)),
        probe=record["probe"],
        factors=record["factors"],
    )


@dataclass(frozen=True)
class _Content:
    """What a file holds: frames (N, H, W), their times (N,) s, the probe's poses, and the rest.

    tip_from_image, mm_from_pixel: (4, 4); record: probe, factors, and in files that this program
    wrote name, landmarks, mask and world.
    """

    frames: Any
    times: np.ndarray
    mm_from_pixel: np.ndarray
    tip_from_image: np.ndarray
    pose: ProbePose | None
    record: Mapping[str, Any]


def _content(
    path: Path,
    file: h5py.File,
    forming: Forming,
    calibration: Calibration | None,
    frame_rate: float | None,
    report: Report,
) -> _Content:
    track = _track(file, path, report)
    image = None if forming.from_channels else image_group(track)
    tip_from_image = TIP_FROM_IMAGE
    frames: Any
    if image is None:
        frames, mm_from_pixel = read_channels(path, file, track, forming, report)
        if calibration is not None:
            tip_from_image = _rigid(path, calibration)
    else:
        frames, mm_from_pixel = read_images(
            path, image, forming.dynamic_range_db, placed=calibration is None
        )
        if calibration is not None:
            tip_from_image, mm_from_pixel = calibration
    pose = None
    if "metadata/probe_pose" in file:
        pose = read_probe_pose(group_of(file, "metadata/probe_pose"), path)
    return _Content(
        frames,
        _times(path, file, track, image, len(frames), frame_rate),
        mm_from_pixel,
        tip_from_image,
        pose,
        {"probe": _probe(path, file), "factors": _factors(path, file), **read_record(file)},
    )


def _rigid(path: Path, calibration: Calibration) -> np.ndarray:
    """Return the calibration (4, 4) of images that are formed here, which have pixels of their own.

    Raises
    ------
    UserError : a calibration that scales pixels, instead of mapping the image's mm.
    """
    tip_from_image = calibration[0] @ calibration[1]
    fault = se3_fault(tip_from_image, SE3_TOLERANCE)
    if fault:
        raise UserError(
            f"{path}: --calibration: images formed from channel data need 16 numbers from mm of "
            f"the image (x lateral, y axial) to mm of what was tracked; {fault}"
        )
    return tip_from_image


def _channel(
    path: Path, content: _Content, chosen: np.ndarray, report: Report
) -> Channel | WithheldChannel:
    """Return the chosen frames (M,), those of them that have poses, or all without poses."""
    times, mask = content.times[chosen], content.record.get("mask")
    if not (np.diff(times) > 0).all():
        raise UserError(f"{path}: times of frames do not rise; give --frame-rate")
    if content.pose is None:
        report(f"{path}: holds no metadata/probe_pose; its frames can be tracked")
        frames = _chosen(content.frames, chosen)
        return WithheldChannel(frames, times, content.mm_from_pixel, mask=mask)
    kept, world_from_tip = poses_at_frames(content.pose, times, path, report)
    return Channel(
        _chosen(content.frames, chosen[kept]),
        times[kept],
        content.mm_from_pixel,
        mask=mask,
        world_from_image=world_from_tip @ content.tip_from_image,
        world=content.record.get("world", World()),
    )


def _track(file: h5py.File, path: Path, report: Report) -> h5py.Group:
    """Return the group with the data and scan of the first track that has data."""
    if "tracks" not in file:
        return file
    tracks = group_of(file, "tracks")
    names = [
        name for name in sorted(tracks, key=_place_of_name) if "data" in group_of(tracks, name)
    ]
    if not names:
        raise UserError(f"{path}: tracks: none holds data")
    if len(names) > 1:
        report(f"{path}: holds tracks {', '.join(names)}; {names[0]} is read")
    return tracks[names[0]]


def _place_of_name(name: str) -> tuple[int, str]:
    """Return what sorts track_2 before track_10."""
    return len(name), name


def _times(
    path: Path,
    file: h5py.File,
    track: h5py.Group,
    image: Any,
    count: int,
    frame_rate: float | None,
) -> np.ndarray:
    """Return the times (N,) s of frames after the first transmit: the middle of their transmits.

    From the image's own clock, the transmits' (`scan/time_to_next_transmit`), or, where neither is
    there and each frame has a pose, the poses'.
    """
    if frame_rate is not None:
        if not frame_rate > 0:
            raise UserError(f"--frame-rate: expected above 0, got {frame_rate}")
        return np.arange(count) / frame_rate
    if isinstance(image, h5py.Group) and "timestamps" in image:
        start = float(numbers(path, image, "start_time_offset", ()))
        times = start + numbers(path, image, "timestamps", (count,))
    elif "scan/time_to_next_transmit" in track:
        times = transmit_times(path, file, track).mean(1)
    elif "metadata/probe_pose" in file:
        times = read_probe_pose(group_of(file, "metadata/probe_pose"), path).times_s
    else:
        times = np.empty(0)
    if times.shape != (count,) or not np.isfinite(times).all():
        raise UserError(f"{path}: {len(times)} times for {count} frames; give --frame-rate")
    return times


def _part(path: Path, file: h5py.File, count: int, part: int | None, report: Report) -> np.ndarray:
    """Return the indices (M,) of the frames of the sweep that is asked for."""
    if "custom/sweep_index" not in file:
        if part is not None:
            raise UserError(f"{path}: holds one sweep (no custom/sweep_index), got --part {part}")
        return np.arange(count)
    index = numbers(path, file, "custom/sweep_index", (count,)).astype(int)
    known = np.unique(index)
    if part is None:
        if len(known) > 1:
            listed = ", ".join(map(str, known))
            report(f"{path}: holds sweeps {listed} one after the other; --part reads one of them")
        return np.arange(count)
    if part not in known:
        raise UserError(f"{path}: --part: expected one of {', '.join(map(str, known))}, got {part}")
    return np.flatnonzero(index == part)


def _factors(path: Path, file: h5py.File) -> dict[str, str]:
    """Return the source, and the subject where it is told."""
    subject = text(file, "metadata/subject/id")
    return {"source": path.name, **({"subject": subject} if subject else {})}


def _probe(path: Path, file: h5py.File) -> dict[str, Any]:
    """Return what is known of the probe: its name, geometry, elements and their pitch, mm."""
    told = {"name": text(file, "probe/name"), "geometry": text(file, "probe/type")}
    probe: dict[str, Any] = {key: value for key, value in told.items() if value}
    if "probe/probe_geometry" in file:
        places = numbers(path, file, "probe/probe_geometry", (None, 3))
        steps = np.linalg.norm(np.diff(places, axis=0), axis=1)
        probe["elements"] = len(places)
        if len(steps):
            probe["pitch_mm"] = round(float(np.median(steps)) * MM_PER_M, 6)
    return probe


def _chosen(frames: Any, chosen: np.ndarray) -> Any:
    return frames if len(chosen) == len(frames) else MappedFrames(frames, chosen)
