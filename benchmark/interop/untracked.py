"""Recordings for a tracker: frames of any format, with the file's own poses only to compare."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmark.errors import Report, UserError, silent
from benchmark.frames import MappedFrames
from benchmark.interop.formats import kind_of, open_sweep
from benchmark.interop.igsio import read_sequence
from benchmark.interop.parts.calibration import read_calibration
from benchmark.interop.parts.rigid import split_calibration
from benchmark.interop.sequence import Reading, Sequence, name_of, tracked_poses, world_of
from benchmark.sweep import Images, Sweep, World

SAME = 1e-9  # a spacing this near to 1 means that the file does not give one


@dataclass(frozen=True)
class Recording:
    """Frames without poses, and the file's own poses (N, 4, 4) where it has any for all frames.

    world: of these poses.
    """

    name: str
    images: Images
    probe: Mapping[str, Any]
    world_from_image: np.ndarray | None
    world: World


def open_recording(
    path: Path | str,
    reading: Reading | None = None,
    pixel_mm: tuple[float, float] | None = None,
    report: Report = silent,
) -> Recording:
    """Return the frames of any file that holds a sweep, tracked or not.

    pixel_mm: size of a pixel across and down, where neither file nor calibration gives it.

    Raises
    ------
    UserError : frames that are not 8-bit, no pixel size, and every fault of the format.
    """
    path, reading = Path(path), reading or Reading()
    if kind_of(path) == "sequence":
        recording = _of_sequence(read_sequence(path, report), reading, pixel_mm, report)
    else:
        recording = _of_sweep(open_sweep(path, reading, report), pixel_mm)
    if recording.images.frames.dtype != np.uint8:
        found = recording.images.frames.dtype
        raise UserError(f"{path}: expected 8-bit B-mode frames (uint8), got {found}")
    return recording


def _of_sweep(sweep: Sweep, pixel_mm: tuple[float, float] | None) -> Recording:
    """Return a sweep's frames, and its poses unless they are withheld or `pixel_mm` is given."""
    images, poses = sweep.observe().bmode, None
    if pixel_mm:
        images = replace(images, mm_from_pixel=np.diag([*pixel_mm, 1.0, 1.0]))
    elif not sweep.bmode.is_withheld:
        poses = sweep.bmode.world_from_image
    world = World() if poses is None else sweep.bmode.world
    return Recording(sweep.name, images, sweep.probe, poses, world)


def _of_sequence(
    sequence: Sequence, reading: Reading, pixel_mm: tuple[float, float] | None, report: Report
) -> Recording:
    poses: np.ndarray | None = None
    calibration: np.ndarray | None = None
    try:
        own, valid, calibration = tracked_poses(sequence, reading)
        poses = own if valid.all() else None
    except UserError as error:
        report(f"tracked without poses to compare with: {error}")
    if pixel_mm:
        poses, calibration = None, np.diag([*pixel_mm, 1.0, 1.0])
    if calibration is None:
        calibration = _pixel_size(sequence, reading)
    times, kept = _times(sequence, reading, report)
    frames: Any = (
        sequence.frames if len(kept) == len(sequence) else MappedFrames(sequence.frames, kept)
    )
    name = sequence.record.get("name", name_of(sequence.path))
    return Recording(
        name,
        Images(frames, times, calibration),
        sequence.record.get("probe", {}),
        None if poses is None else poses[kept],
        World() if poses is None else world_of(sequence, reading),
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
    if reading.calibration:
        for (source, _), matrix in read_calibration(reading.calibration).items():
            if source == reading.image:
                return split_calibration(matrix, str(reading.calibration))[1]
    for name, matrices in sequence.transforms.items():
        if name.startswith(f"{reading.image}To") and np.isfinite(matrices[0]).all():
            _, mm_from_pixel = split_calibration(matrices[0], f"{sequence.path}: {name}")
            if not np.array_equal(mm_from_pixel[:2, :2], np.eye(2)):
                return mm_from_pixel
    if np.abs(sequence.spacing - 1).max() > SAME:
        return np.diag([*sequence.spacing, 1.0, 1.0])
    raise UserError(
        f"{sequence.path}: the size of a pixel is not known; give --calibration or --pixel-mm"
    )
