"""Conversion between the formats of sweeps, poses and predictions.

A source is recognised by its content, a target by its name: .h5 (this program), .mha, .mhd, .nrrd,
.nhdr (PLUS, Slicer), .zea.hdf5 (zea), .tum, .kitti, .csv; a name without suffix is a folder: a data
set if the source is TUS-REC or a folder of recordings, displacement fields if it is a prediction,
else TUS-REC.
"""

from collections.abc import Iterable, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from benchmark import geometry
from benchmark.dataset import open_dataset, write_dataset, write_entry
from benchmark.errors import Report, UserError, silent
from benchmark.files import cannot_be_written
from benchmark.hdf5 import read_prediction, write_prediction
from benchmark.interop import tusrec
from benchmark.interop.displacements import write_displacements
from benchmark.interop.folder import RECORDINGS, plan_of, planned_sweeps
from benchmark.interop.formats import (
    FORMATS,
    HDF5,
    SEQUENCE,
    TRAJECTORIES,
    Writing,
    kind_of,
    open_sweep,
    with_field_of_view,
)
from benchmark.interop.igsio import read_sequence
from benchmark.interop.poses.clock import poses_at_frames
from benchmark.interop.poses.table import read_pose_table
from benchmark.interop.poses.trajectory import Unit, write_trajectory
from benchmark.interop.sequence import Reading, trajectory_of
from benchmark.interop.tracked import checked, open_tracked
from benchmark.speckle.file import read_probe
from benchmark.sweep import Prediction, Sweep

FOLDERS = ("tusrec", "dataset", RECORDINGS)


def convert(
    source: Path | str,
    target: Path | str,
    *,
    reading: Reading | None = None,
    writing: Writing | None = None,
    sweep: Path | None = None,
    report: Report = silent,
) -> list[Path]:
    """Write `target` from `source` and return what was written.

    sweep: the sweep that a prediction or trajectory belongs to (its times, landmarks, frames).

    Raises
    ------
    UserError : one line that names the file and what is wrong with it.
    """
    source, target = Path(source), Path(target)
    reading, writing = reading or Reading(), writing or Writing()
    kind = kind_of(source)
    with clear_write_errors(target):
        if reading.poses and kind in (*FOLDERS, "prediction", "trajectory"):
            raise UserError(f"--poses: expected the frames of one sweep with it, got {source}")
        if kind == "tusrec" and not target.suffix:
            return [_challenge_into_dataset(source, target, reading, writing, report)]
        if kind == RECORDINGS and not target.suffix:
            return [_recordings_into_dataset(source, target, reading, writing, report)]
        if kind == "dataset" and not target.suffix:
            layout, year, split = writing.layout, writing.year, writing.split
            return tusrec.write_splits(target, open_dataset(source), layout, year, split, report)
        if kind in FOLDERS:
            raise UserError(f"{target}: expected a folder (no suffix) for the sweeps of {source}")
        if kind in ("prediction", "trajectory"):
            owner = open_sweep(sweep, reading, report) if sweep else None
            return _write_poses(source, target, owner, reading, writing)
        if kind == SEQUENCE and not reading.poses and target.suffix.lower() in TRAJECTORIES:
            sequence = read_sequence(source)
            if not sequence.has_images:
                times, poses = trajectory_of(sequence, reading, report)
                return _write_trajectory(target, times, poses, writing)
        return _write_sweep(open_tracked(source, reading, report).sweep, target, writing, report)


@contextmanager
def clear_write_errors(target: Path):
    """Turn the system's errors (a full disk, a folder without permission) into a UserError."""
    try:
        yield
    except (OSError, RuntimeError) as error:  # at closing, HDF5 raises a RuntimeError
        cause = error if isinstance(error, OSError) else error.__context__
        if not isinstance(cause, OSError):
            raise
        raise cannot_be_written(target, cause) from error


def read_poses(
    path: Path | str, unit: Unit | None = None, owner: Sweep | None = None
) -> Prediction:
    """Return the prediction of a file: .h5, .npz or a pose table (anchored at its first pose).

    owner: the sweep whose frames they are of; a table with times is placed at theirs.

    Raises
    ------
    UserError : poses of another number of frames, a frame without a pose.
    """
    path = Path(path)
    if path.suffix.lower() not in TRAJECTORIES:
        return read_prediction(path)
    table = read_pose_table(path, unit=unit)
    poses, held = table.world_from_body, np.isfinite(table.world_from_body).all((1, 2))
    if owner is not None:
        poses, held = poses_at_frames(table, owner.bmode.timestamps)
    if not held.all():
        raise UserError(
            f"{path}: {(~held).sum()} of {len(held)} frames without a pose; a prediction has one "
            "for each"
        )
    return Prediction(geometry.anchor(poses))


def _write_sweep(sweep: Sweep, target: Path, writing: Writing, report: Report) -> list[Path]:
    if not target.suffix:
        layout = writing.layout or "train"
        return tusrec.write_tusrec(target, [sweep], layout, writing.year, report=report)
    for format in FORMATS:
        if format.write and target.name.lower().endswith(format.suffixes):
            format.write(target, sweep, writing)
            return [target]
    raise _unknown_target(target)


def _unknown_target(target: Path) -> UserError:
    known = ", ".join(suffix for format in FORMATS if format.write for suffix in format.suffixes)
    return UserError(f"{target}: expected a folder or a name ending in one of {known}")


def _write_poses(
    source: Path, target: Path, owner: Sweep | None, reading: Reading, writing: Writing
) -> list[Path]:
    in_unit = reading.poses_unit or (writing.unit if source.suffix in (".tum", ".kitti") else None)
    prediction = read_poses(source, in_unit, owner)
    suffix, poses = target.suffix.lower(), prediction.first_from_frame
    if owner is not None and len(owner) != len(poses):
        raise UserError(f"{source}: {len(poses)} poses for the {len(owner)} frames of the sweep")
    if suffix in HDF5:
        write_prediction(target, prediction)
    elif suffix in TRAJECTORIES:
        if owner is None and suffix == ".tum":
            raise UserError(f"{source}: holds no times for {target}; give its sweep by --sweep")
        times = None if owner is None else owner.bmode.timestamps
        return _write_trajectory(target, times, poses, writing)
    elif not suffix:
        if owner is None:
            raise UserError(f"{source}: displacement fields need the sweep; give it by --sweep")
        marks, mode = owner.landmarks, writing.first_frame_landmarks
        return write_displacements(target, prediction, owner.bmode, marks, mode)
    else:
        raise _unknown_target(target)
    return [target]


def _write_trajectory(
    target: Path, times: np.ndarray | None, poses: np.ndarray, writing: Writing
) -> list[Path]:
    """Write poses (N, 4, 4) mm at times (N,) s as .tum, .kitti or .csv; the last two need none."""
    if not write_trajectory(target, times, poses, writing.unit):
        raise _unknown_target(target)
    return [target]


def _challenge_into_dataset(
    source: Path, target: Path, reading: Reading, writing: Writing, report: Report
) -> Path:
    """Write a TUS-REC folder's sweeps into a data set, a new one or beside the sweeps it has."""
    recording = (reading.calibration, reading.frame_rate, report)

    def seen(scan: Sweep) -> Sweep:
        sweep = with_field_of_view(scan, source, reading, report)
        return checked(sweep, source / scan.name, reading, report)

    scans = tusrec.read_splits(source, writing.split, *recording)
    sweeps = ((split, str(scan.factors["subject"]), seen(scan)) for split, scan in scans)
    identity = {
        "source": "TUS-REC",
        "licence": "CC BY-NC-SA 4.0 of the source; do not redistribute",
    }
    return _into_dataset(target, sweeps, identity)


def _recordings_into_dataset(
    source: Path, target: Path, reading: Reading, writing: Writing, report: Report
) -> Path:
    """Write a folder's recordings into a data set, a new one or beside the sweeps it has."""
    described = read_probe(writing.probe) if writing.probe else {}

    def opened(path: Path) -> Sweep:
        sweep = open_tracked(path, reading, report).sweep
        if sweep.bmode.is_withheld:
            raise UserError(f"{path}: its poses are withheld; expected frames with poses")
        return sweep

    plans = plan_of(source, writing.splits, writing.split)
    sweeps = planned_sweeps(plans, source, opened, described)
    return _into_dataset(target, sweeps, {"source": f"recordings of {source.name}"})


def _into_dataset(
    target: Path, sweeps: Iterable[tuple[str, str, Sweep]], identity: Mapping[str, Any]
) -> Path:
    """Write sweeps, each with its split and subject, into a new data set or beside those it has."""
    there = open_dataset(target) if (target / "dataset.json").is_file() else None
    entries = {entry.name: entry for entry in there.entries} if there else {}
    for split, subject, sweep in sweeps:
        file = f"sweeps/{sweep.name}.h5"
        entries[sweep.name] = write_entry(target, file, sweep, split, subject)
    write_dataset(target, target.name, list(entries.values()), identity)
    return target / "dataset.json"
