"""Recordings as frames alone: of any format, the file's own poses kept apart."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmark.errors import Report, UserError, silent
from benchmark.frames import MappedFrames
from benchmark.interop.cine_images import pixel_matrix, read_cine_images
from benchmark.interop.formats import CINE, SEQUENCE, kind_of, open_sweep
from benchmark.interop.igsio import read_sequence
from benchmark.interop.poses.calibration import read_calibration
from benchmark.interop.poses.rigid import settled_poses, split_calibration
from benchmark.interop.sequence import (
    Reading,
    Sequence,
    name_of,
    seen,
    shown,
    tracked_poses,
    world_of,
)
from benchmark.runs.domain import ranges
from benchmark.sweep import Images, Sweep, WithheldChannel, World

SAME = 1e-9  # a spacing this near to 1 means that the file does not give one


@dataclass(frozen=True)
class Recording:
    """Frames whose poses are kept apart.

    sweep: the frames and what belongs to them, poses withheld; own[channel] (N, 4, 4): the file's
    own poses, NaN in frames without a valid one; probe_from_pixel (4, 4): the calibration, where
    the file or the user gives one; world: of the own poses.
    """

    sweep: Sweep
    own: Mapping[str, np.ndarray] = field(default_factory=dict)
    probe_from_pixel: np.ndarray | None = None
    world: World = field(default_factory=World)

    @property
    def name(self) -> str:
        """The recording's name."""
        return self.sweep.name

    @property
    def world_from_image(self) -> np.ndarray | None:
        """The file's own poses (N, 4, 4) of the B-mode frames, None where it has none."""
        return self.own.get("bmode")

    @property
    def images(self) -> Images:
        """The B-mode frames."""
        return self.sweep.observe().bmode


def open_recording(
    path: Path | str,
    reading: Reading | None = None,
    report: Report = silent,
) -> Recording:
    """Return the frames of any file that holds a sweep, tracked or not.

    Raises
    ------
    UserError : frames that are not 8-bit, no pixel size, and every fault of the format.
    """
    path, reading = Path(path), reading or Reading()
    kind = kind_of(path)
    if kind == CINE:
        cine, images = read_cine_images(path, reading, report)
        recording = Recording(
            _bare(cine.name, images, {"probe": cine.probe}), {}, _calibration({}, reading)
        )
    elif kind == SEQUENCE:
        recording = _of_sequence(read_sequence(path, report), reading, report)
    else:
        recording = _of_sweep(open_sweep(path, reading, report), reading, report)
    if recording.images.frames.dtype != np.uint8:
        found = recording.images.frames.dtype
        raise UserError(f"{path}: expected 8-bit B-mode frames (uint8), got {found}")
    return recording


def _bare(name: str, images: Images, record: Mapping[str, Any]) -> Sweep:
    """Return a sweep of B-mode frames without poses; record: its landmarks, probe and factors."""
    landmarks = np.array(record.get("landmarks", []), float).reshape(-1, 3)
    channels = {"bmode": WithheldChannel(**vars(images))}
    return Sweep(name, channels, landmarks, record.get("probe", {}), record.get("factors", {}))


def _of_sweep(sweep: Sweep, reading: Reading, report: Report) -> Recording:
    """Return a sweep's frames, and its poses unless they are withheld or the pixels are others."""
    bare = sweep.observe(sweep.channels).channels
    own = {n: c.world_from_image for n, c in sweep.channels.items() if not c.is_withheld}
    if reading.pixel_mm:
        scale, own = pixel_matrix(reading.pixel_mm), {}
        bare = {name: replace(images, mm_from_pixel=scale) for name, images in bare.items()}
        report(f"{sweep.name}: poses of its own hold for its own pixels: left out by --pixel-mm")
    channels = {name: WithheldChannel(**vars(images)) for name, images in bare.items()}
    probe_from_pixel = _calibration({}, reading)
    tool_from_image = sweep.probe.get("tool_from_image")  # of TUS-REC
    if probe_from_pixel is None and tool_from_image is not None:
        probe_from_pixel = np.array(tool_from_image, float) @ bare["bmode"].mm_from_pixel
    world = sweep.bmode.world if own else World()
    return Recording(replace(sweep, channels=channels), own, probe_from_pixel, world)


def _of_sequence(sequence: Sequence, reading: Reading, report: Report) -> Recording:
    sequence.require_images()
    poses: np.ndarray | None = None
    mm_from_pixel: np.ndarray | None = None
    try:
        own, valid, mm_from_pixel = tracked_poses(sequence, reading)
        poses = np.where(valid[:, None, None], own, np.nan)
    except UserError as error:
        report(f"read without its own poses: {error}")
    if reading.pixel_mm:
        poses, mm_from_pixel = None, pixel_matrix(reading.pixel_mm)
    if mm_from_pixel is None:
        mm_from_pixel = _pixel_size(sequence, reading)
    times, kept = _times(sequence, reading, report)
    frames: Any = shown(sequence, reading)
    if len(kept) < len(sequence):
        frames = MappedFrames(frames, kept)
    record = {"factors": {"source": sequence.path.name}, **sequence.record}
    sweep = _bare(
        sequence.record.get("name", name_of(sequence.path)),
        seen(sequence, Images(frames, times, mm_from_pixel), reading, report),
        record,
    )
    if poses is None:
        return Recording(sweep, {}, _calibration(sequence.transforms, reading))
    lost = np.isnan(poses[kept]).any((1, 2))
    if lost.any():
        report(
            f"{sequence.path}: {lost.sum()} of {len(kept)} frames without a valid "
            f"{reading.transform}: {ranges(np.flatnonzero(lost))}"
        )
    settled = poses[kept]
    settled[~lost] = settled_poses(settled[~lost], f"{sequence.path}: {reading.transform}")
    return Recording(
        sweep,
        {"bmode": settled},
        _calibration(sequence.transforms, reading),
        world_of(sequence, reading),
    )


def _times(sequence: Sequence, reading: Reading, report: Report) -> tuple[np.ndarray, np.ndarray]:
    """Return times (M,) of the frames that are images, and their indices."""
    kept = np.flatnonzero(sequence.image_valid)
    if len(kept) < len(sequence):
        report(
            f"{sequence.path}: {len(sequence) - len(kept)} frames without a valid image left out"
        )
    if not len(kept):
        raise UserError(f"{sequence.path}: none of {len(sequence)} frames is valid")
    times = sequence.timestamps[kept]
    if reading.frame_rate is not None:
        times = kept / reading.frame_rate
    if not np.isfinite(times).all() or not (np.diff(times) > 0).all():
        raise UserError(f"{sequence.path}: times are missing or do not rise; give --frame-rate")
    return times, kept


def _pixel_size(sequence: Sequence, reading: Reading) -> np.ndarray:
    """Return mm_from_pixel (4, 4) of the calibration, the file's transforms, or its spacing."""
    probe_from_pixel = _calibration(sequence.transforms, reading)
    if probe_from_pixel is not None:
        what = f"{reading.calibration or sequence.path}: {reading.image}"
        _, mm_from_pixel = split_calibration(probe_from_pixel, what)
        if not np.array_equal(mm_from_pixel[:2, :2], np.eye(2)):
            return mm_from_pixel
    if np.abs(sequence.spacing - 1).max() > SAME:
        return np.diag([*sequence.spacing, 1.0, 1.0])
    raise UserError(
        f"{sequence.path}: the size of a pixel is not known; give --calibration or --pixel-mm"
    )


def _calibration(transforms: Mapping[str, np.ndarray], reading: Reading) -> np.ndarray | None:
    """Return the matrix (4, 4) from pixels to mm of the probe, None where nothing gives it.

    It is that of --calibration, else of the transforms (N, 4, 4) in a file; of several, that into
    the frame whose poses --transform names.
    """
    image, moving = reading.image, reading.transform.split("To")[0]
    if reading.calibration:
        given = read_calibration(reading.calibration)
        found = {target: matrix for (source, target), matrix in given.items() if source == image}
    else:
        found = {
            name.removeprefix(f"{image}To"): matrices[0]
            for name, matrices in transforms.items()
            if name.startswith(f"{image}To") and np.isfinite(matrices[0]).all()
        }
    return found.get(moving, next(iter(found.values()), None))
