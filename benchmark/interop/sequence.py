"""Recordings of PLUS or 3D Slicer: frames with any number of tracked transforms, made a sweep.

Transforms are named AToB and map coordinates of A to those of B. They are chained where needed:
with ProbeToTracker and ReferenceToTracker in the file, ProbeToReference can be asked for.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from benchmark.errors import Report, UserError, silent, unknown_name
from benchmark.frames import MappedFrames
from benchmark.interop.cines.fan import clip_mask
from benchmark.interop.cines.field_of_view import Choice, Some, with_mask
from benchmark.interop.cines.grey import eight_bit
from benchmark.interop.poses.calibration import read_calibration
from benchmark.interop.poses.options import PoseReading
from benchmark.interop.poses.rigid import axes_angle, settled_poses, split_calibration
from benchmark.interop.rf.forming import Forming
from benchmark.sweep import Channel, Sweep, World

NAME = re.compile(r"(.+?)To([A-Z].*)")
SKEW_DEGREES = 1.0  # deviation of the image axes from a right angle that is reported
SAME_MATRIX = 1e-3  # relative to the pixel size


@dataclass(frozen=True)
class Sequence:
    """The content of a sequence file.

    frames (N, H, W), marked-far, on disk, (N, 0, 0) where a tracker was recorded without images;
    timestamps (N,) s, NaN where missing; image_valid (N,); transforms[AToB]: (N, 4, 4), NaN where
    missing; valid[AToB] (N,): their status; spacing (2,): pixel size in the file, mm (1, 1 where
    it has none); record: name, landmarks, mask, probe, factors and the world's name of a sweep, in
    files that this program wrote.
    """

    path: Path
    frames: Any
    timestamps: np.ndarray
    image_valid: np.ndarray
    transforms: Mapping[str, np.ndarray]
    valid: Mapping[str, np.ndarray]
    spacing: np.ndarray
    orientation: str
    record: Mapping[str, Any] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.frames)

    @property
    def has_images(self) -> bool:
        """Whether its frames have pixels."""
        return 0 not in self.frames.shape

    def require_images(self) -> None:
        """Refuse a recording of poses alone.

        Raises
        ------
        UserError : no pixel.
        """
        if not self.has_images:
            raise UserError(
                f"{self.path}: holds {len(self)} poses and no images; convert it to .tum, .kitti "
                "or .csv"
            )


@dataclass(frozen=True)
class Reading(PoseReading):
    """How a recording of another program is read."""

    transform: str = "ProbeToTracker"
    """Transform that holds the poses (PLUS, Slicer), or any chain of those in the file."""
    calibration: Path | None = None
    """Device set of PLUS (XML), 16 numbers of ImageToProbe, or TUS-REC's calib_matrix.csv."""
    image: str = "Image"
    """Name of the pixel frame; CroppedImage where frames were cropped after calibration."""
    invalid: Literal["drop", "keep"] = "drop"
    """Frames whose status is not OK."""
    frame_rate: float | None = None
    """Frames per second of files without times, or instead of their own."""
    pixel_mm: tuple[float, float] | None = None
    """Size of a pixel across and down, where file and calibration do not tell."""
    window: tuple[float, float] | None = None
    """Values that become black and white; frames of more than 8 bits need it."""
    mask: Choice = "auto"
    """Pixels that show tissue: an image (tissue where not 0), whole for all, or auto: those of the
    file, in recordings of the sector that they light up."""
    part: int | None = None
    """Which sweep of a file that holds several one after another (zea); by default all."""
    forming: Forming = field(default_factory=Forming)

    @property
    def finds_tissue(self) -> bool:
        """Whether pixels that show no tissue are looked for in the frames; a given mask is kept."""
        return self.mask == "auto"

    def image_calibration(self) -> tuple[np.ndarray, np.ndarray] | None:
        """Return `tool_from_image` and `mm_from_pixel`, (4, 4), of the calibration; None without.

        Raises
        ------
        UserError : a file without a calibration of `image`.
        """
        if self.calibration is None:
            return None
        for (source, _), matrix in read_calibration(self.calibration).items():
            if source == self.image:
                return split_calibration(matrix, str(self.calibration))
        raise UserError(f"{self.calibration}: holds no calibration of {self.image}")


def sweep_of(sequence: Sequence, reading: Reading, report: Report = silent) -> Sweep:
    """Return the sweep of a sequence, its frames left on disk.

    Raises
    ------
    UserError : a missing transform, no calibration, a pose that is not rigid, no valid frame.
    """
    sequence.require_images()
    poses, valid, mm_from_pixel = tracked_poses(sequence, reading, report)
    kept, times, poses = _kept(sequence, reading, sequence.image_valid, valid, poses, report)
    frames: Any = shown(sequence, reading)
    if len(kept) < len(sequence):
        frames = MappedFrames(frames, kept)
    world = world_of(sequence, reading)
    channel = Channel(frames, times, mm_from_pixel, world_from_image=poses, world=world)
    channel = seen(sequence, channel, reading, report)
    record = sequence.record
    return Sweep(
        name=record.get("name", name_of(sequence.path)),
        channels={"bmode": channel},
        landmarks=np.array(record.get("landmarks", []), float).reshape(-1, 3),
        probe=record.get("probe", {}),
        factors=record.get("factors", {"source": sequence.path.name}),
    )


def trajectory_of(
    sequence: Sequence, reading: Reading, report: Report = silent
) -> tuple[np.ndarray, np.ndarray]:
    """Return times (M,) s and poses (M, 4, 4) mm of a recording's transform AToB, `b_from_a`.

    Images and their calibration play no part: the poses are those of A, such as a tracked tool.

    Raises
    ------
    UserError : a missing transform, a pose that is not rigid, no valid frame, no times.
    """
    moving, target = _ends(reading.transform)
    poses, valid = _Graph(sequence, reading, moving).path(moving, target)
    every = np.ones(len(sequence), bool)
    _, times, poses = _kept(sequence, reading, every, valid, poses, report)
    return times, poses


def shown(sequence: Sequence, reading: Reading) -> Any:
    """Return the frames of a sequence, through the window where one is given."""
    if reading.window is None:
        return sequence.frames
    return eight_bit(sequence.frames, reading.window, sequence.path)


def seen(sequence: Sequence, images: Some, reading: Reading, report: Report) -> Some:
    """Return images of a sequence with their field of view as mask.

    It is that of the record in files of this program, else the sector that the frames light up in
    what a device set leaves.
    """
    stated = sequence.record.get("mask")
    if not sequence.record and reading.calibration and reading.image == "Image":
        stated = clip_mask(reading.calibration, images.frames.shape[1:])
    find = not sequence.record
    return with_mask(images, reading.mask, sequence.path, report, stated=stated, find=find)


def world_of(sequence: Sequence, reading: Reading) -> World:
    """Return the world of a sequence's poses: 3D Slicer shows transforms of sequences in RAS."""
    return World(sequence.record.get("world", _ends(reading.transform)[1]), "RAS")


def name_of(path: Path) -> str:
    """Return a file's name without the suffixes of its format."""
    return re.sub(r"(\.igs|\.seq)?\.(mha|mhd|nrrd|nhdr|h5|hdf5)$", "", path.name, flags=re.I)


def tracked_poses(
    sequence: Sequence, reading: Reading, report: Report = silent
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return poses `world_from_image` (N, 4, 4), which are valid (N,), and `mm_from_pixel`."""
    if not sequence.transforms:
        raise UserError(
            f"{sequence.path}: without fields of frames that hold a transform, so images without "
            "poses; track them or give their poses by --poses"
        )
    moving, target = _ends(reading.transform)
    graph = _Graph(sequence, reading, moving)
    if moving == reading.image:
        whole, valid = graph.path(moving, target)
        name, finite = f"{sequence.path}: {reading.transform}", np.isfinite(whole).all((1, 2))
        if not valid.any():
            raise UserError(f"{name}: valid in no frame")
        poses, scales = np.full_like(whole, np.nan), np.full_like(whole, np.nan)
        poses[finite], scales[finite] = split_calibration(whole[finite], name)
        mm_from_pixel = scales[int(np.argmax(valid))]
        _refuse_changes(scales[valid], mm_from_pixel, name)
    else:
        poses, valid = graph.path(moving, target)
        if not valid.any():
            raise UserError(f"{sequence.path}: {reading.transform}: valid in no frame")
        calibration, known = graph.path(reading.image, moving)
        name = f"{sequence.path}: {reading.image}To{moving}"
        if not known.any():
            raise UserError(f"{name}: valid in no frame")
        first = calibration[int(np.argmax(known))]
        _refuse_changes(calibration[known], first, name)
        rigid, mm_from_pixel = split_calibration(first, name)
        poses = poses @ rigid
    _report_calibration(sequence, reading, mm_from_pixel, report)
    return poses, valid & np.isfinite(poses).all((1, 2)), mm_from_pixel


def _refuse_changes(matrices: np.ndarray, first: np.ndarray, what: str) -> None:
    scale = np.abs(first[:3, :2]).max()
    if len(matrices) and np.abs(matrices[:, :3, :2] - first[:3, :2]).max() > SAME_MATRIX * scale:
        raise UserError(f"{what}: changes from frame to frame where one calibration is expected")


def _report_calibration(
    sequence: Sequence, reading: Reading, mm_from_pixel: np.ndarray, report: Report
) -> None:
    angle = axes_angle(mm_from_pixel)
    if abs(angle - 90) > SKEW_DEGREES:
        report(f"{sequence.path}: the calibration's image axes are {angle:.1f} degrees apart")
    cropped = f"{reading.image}ToCropped{reading.image}"
    if cropped in sequence.transforms:
        report(
            f"{sequence.path}: holds {cropped}; if its frames are the cropped ones, "
            f"give --image Cropped{reading.image}"
        )


def _ends(transform: str) -> tuple[str, str]:
    found = NAME.fullmatch(transform.removesuffix("Transform"))
    if not found:
        raise UserError(f"--transform: expected AToB, such as ProbeToTracker, got '{transform}'")
    return found[1], found[2]


class _Graph:
    """The coordinate frames of a recording as nodes, its transforms as edges both ways."""

    def __init__(self, sequence: Sequence, reading: Reading, moving: str):
        self.sequence, self.reading = sequence, reading
        count = len(sequence)
        self.edges: dict[tuple[str, str], tuple[np.ndarray, np.ndarray]] = {}
        for name, matrices in sequence.transforms.items():
            found = NAME.fullmatch(name)
            if found:
                self._add(found[1], found[2], matrices, sequence.valid[name])
        constants = read_calibration(reading.calibration) if reading.calibration else {}
        for (source, target), matrix in constants.items():
            if not target:
                source, target = "Image", moving
            self._add(source, target, np.repeat(matrix[None], count, 0), np.ones(count, bool))

    def _add(self, source: str, target: str, matrices: np.ndarray, valid: np.ndarray) -> None:
        finite = np.isfinite(matrices).all((1, 2))
        regular = finite.copy()  # calibrations of planes may leave the third column empty
        regular[finite] = np.abs(np.linalg.det(matrices[finite])) > 1e-12
        back = np.full_like(matrices, np.nan)
        back[regular] = np.linalg.inv(matrices[regular])
        self.edges[source, target] = matrices, valid & finite
        self.edges[target, source] = back, valid & regular

    def path(self, source: str, target: str) -> tuple[np.ndarray, np.ndarray]:
        """Return `target_from_source` (N, 4, 4) by the shortest chain, and where it is valid."""
        reached: dict[str, list[tuple[str, str]]] = {source: []}
        waiting = [source]
        while waiting and target not in reached:
            node = waiting.pop(0)
            for one, other in self.edges:
                if one == node and other not in reached:
                    reached[other] = [*reached[node], (one, other)]
                    waiting.append(other)
        if target not in reached:
            raise self._missing(source, target)
        count = len(self.sequence)
        whole, valid = np.repeat(np.eye(4)[None], count, 0), np.ones(count, bool)
        for step in reached[target]:
            matrices, fine = self.edges[step]
            whole, valid = matrices @ whole, valid & fine
        return whole, valid

    def _missing(self, source: str, target: str) -> UserError:
        path, image = self.sequence.path, self.reading.image
        if source == image:
            given = self.reading.calibration
            where = f"neither there nor in {given}" if given else "give one by --calibration"
            return UserError(f"{path}: no calibration {source}To{target}; {where}")
        error = unknown_name("transform", f"{source}To{target}", self.sequence.transforms)
        return UserError(f"{path}: {error}")


def _times(sequence: Sequence, reading: Reading) -> np.ndarray:
    if reading.frame_rate is not None:
        if not reading.frame_rate > 0:
            raise UserError(f"--frame-rate: expected above 0, got {reading.frame_rate}")
        return np.arange(len(sequence)) / reading.frame_rate
    if not np.isfinite(sequence.timestamps).any():
        raise UserError(f"{sequence.path}: no Timestamp of any frame; give --frame-rate")
    return sequence.timestamps


def _kept(
    sequence: Sequence,
    reading: Reading,
    image_valid: np.ndarray,
    valid: np.ndarray,
    poses: np.ndarray,
    report: Report,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the indices (M,) of the frames to keep, their times (M,) s and poses (M, 4, 4).

    Invalid frames are reported by their reasons.
    """
    times = _times(sequence, reading)
    reasons = {
        "image invalid": ~image_valid,
        f"{reading.transform} invalid": ~valid,
        "no time": ~np.isfinite(times),
    }
    invalid = np.any(list(reasons.values()), 0)
    latest = np.maximum.accumulate(np.where(invalid, -np.inf, times))
    late = ~invalid
    late[1:] &= times[1:] <= latest[:-1]
    late[0] = False
    reasons["time does not rise"] = late
    invalid = invalid | late
    for reason, frames in reasons.items():
        if frames.any():
            verb = "dropped" if reading.invalid == "drop" else "kept"
            report(
                f"{sequence.path}: {frames.sum()} of {len(sequence)} frames {verb}, "
                f"{reason}: {_listing(np.flatnonzero(frames))}"
            )
    if invalid.all():
        raise UserError(f"{sequence.path}: none of {len(sequence)} frames is valid")
    kept = np.flatnonzero(~invalid) if reading.invalid == "drop" else np.arange(len(sequence))
    if not (np.diff(times[kept]) > 0).all():
        raise UserError(
            f"{sequence.path}: times do not rise; drop those frames or give --frame-rate"
        )
    return kept, times[kept], settled_poses(poses[kept], f"{sequence.path}: {reading.transform}")


def _listing(numbers: np.ndarray) -> str:
    shown = ", ".join(str(number) for number in numbers[:8])
    return shown + (", ..." if len(numbers) > 8 else "")
