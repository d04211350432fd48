"""Anything that holds sweeps, poses or a prediction -> any other of these formats.

What a file is follows from its content, what is written from the name: .h5 (this program), .mha,
.mhd, .nrrd, .nhdr (PLUS, Slicer), .tum, .kitti; a name without suffix is a folder: a data set when
TUS-REC comes in, else TUS-REC, and displacement fields for a prediction.
"""

from collections.abc import Iterable
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import h5py
import numpy as np

from benchmark import geometry
from benchmark.dataset import Dataset, Entry, open_dataset, write_dataset
from benchmark.errors import Report, UserError, silent
from benchmark.files import sha256_of_file
from benchmark.hdf5 import (
    PREDICTION_FORMAT,
    SWEEP_FORMAT,
    read_prediction,
    read_sweep,
    write_prediction,
    write_sweep,
)
from benchmark.interop import igsio, moglo_h5, trajectory, tusrec
from benchmark.interop.disk_space import ensure_space
from benchmark.interop.displacements import write_displacements
from benchmark.interop.sequence import Reading
from benchmark.sweep import Prediction, Sweep

HDF5 = (".h5", ".hdf5")
TRAJECTORIES = (".tum", ".kitti")
VOLUMES = (".nii", ".nii.gz")


@dataclass(frozen=True)
class Writing:
    """How a sweep is to be written for another program."""

    channel: str = "bmode"
    """Channel that goes into a sequence."""
    name: str = "ProbeToTracker"
    """Name of the transform that holds the poses there."""
    orientation: str = "MF"
    """Which way pixels run there (MF, UF, MN, UN, FM, ...)."""
    compress: bool = False
    """Pack the frames (speckle hardly shrinks)."""
    unit: Literal["m", "mm"] = "m"
    """Length unit of trajectories (.tum, .kitti), read or written."""
    layout: tusrec.Layout = "train"
    """TUS-REC folder with frames and poses together (train) or apart (val)."""
    split: Literal["train", "val", "test"] | None = None
    """Split of the data set; by default that of the TUS-REC folder (val/test folders: test)."""


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
        if kind == "tusrec" and not target.suffix:
            return [_into_dataset(source, target, reading, writing, report)]
        if kind == "dataset" and not target.suffix:
            return tusrec.write_tusrec(target, _all_sweeps(open_dataset(source)), writing.layout)
        if kind in ("tusrec", "dataset"):
            raise UserError(f"{target}: expected a folder (no suffix) for the sweeps of {source}")
        if kind in ("prediction", "trajectory"):
            owner = open_sweep(sweep, reading, report) if sweep else None
            return _write_poses(source, target, owner, writing)
        return _write_sweep(open_sweep(source, reading, report), target, writing)


@contextmanager
def clear_write_errors(target: Path):
    """Turn what the system says of a full disk or a closed folder into one line."""
    try:
        yield
    except (OSError, RuntimeError) as error:  # HDF5 says it at closing, as a RuntimeError
        cause = error if isinstance(error, OSError) else error.__context__
        if not isinstance(cause, OSError):
            raise
        reason = cause.strerror or str(cause).splitlines()[0]
        raise UserError(f"{target}: cannot be written ({reason})") from error


def kind_of(path: Path) -> str:
    """Return what a file or folder holds.

    One of sweep, prediction, moglo, tusrec-scan (HDF5), sequence, trajectory, tusrec, dataset.

    Raises
    ------
    UserError : nothing there, or nothing that is read here.
    """
    if path.is_dir():
        if tusrec.is_tusrec(path):
            return "tusrec"
        if (path / "dataset.json").is_file():
            return "dataset"
        raise UserError(
            f"{path}: neither a data set nor a TUS-REC folder (frames_transfs, transfs)"
        )
    name = path.name.lower()
    if not path.is_file():
        raise UserError(f"{path}: no such file")
    if name.endswith(VOLUMES):
        raise UserError(f"{path}: NIfTI holds a volume, expected a sweep (frames with poses)")
    if path.suffix.lower() in TRAJECTORIES:
        return "trajectory"
    if path.suffix.lower() in igsio.SUFFIXES:
        return "sequence"
    if path.suffix.lower() == ".npz":
        return "prediction"
    if path.suffix.lower() in HDF5:
        return _hdf5_kind(path)
    raise UserError(
        f"{path}: expected a sweep: .h5, {', '.join(igsio.SUFFIXES)}, or a folder; "
        f"or poses: {', '.join(TRAJECTORIES)}"
    )


def _hdf5_kind(path: Path) -> str:
    try:
        with h5py.File(path, "r") as file:
            found = file.attrs.get("format")
            kinds = {SWEEP_FORMAT: "sweep", PREDICTION_FORMAT: "prediction"}
            if found in kinds:
                return kinds[found]
            if "img_B" in file:
                return "moglo"
            if "frames" in file:
                return "tusrec-scan"
            keys = ", ".join(list(file)[:6]) or "none"
    except OSError as error:
        raise UserError(f"{path}: truncated or not HDF5 ({str(error).splitlines()[0]})") from error
    raise UserError(f"{path}: no sweep of a known layout (its keys: {keys})")


def open_sweep(path: Path | str, reading: Reading | None = None, report: Report = silent) -> Sweep:
    """Return the one sweep of a file of any format, its frames left on disk.

    Raises
    ------
    UserError : a file that holds no sweep, and every fault of its format.
    """
    path, reading = Path(path), reading or Reading()
    kind = kind_of(path)
    if kind == "sweep":
        return read_sweep(path, lazy=True)
    if kind == "sequence":
        return igsio.read_igsio(path, reading, report)
    if kind == "moglo":
        return moglo_h5.read_moglo(path, reading.frame_rate, report)
    if kind == "tusrec-scan":
        return tusrec.read_tusrec_scan(path, reading.calibration, reading.frame_rate, report)
    raise UserError(f"{path}: holds a {kind}, expected one sweep")


def read_poses(path: Path | str, unit: trajectory.Unit = "m") -> Prediction:
    """Return the prediction of a file: .h5, .npz, .tum or .kitti (anchored at its first pose)."""
    path = Path(path)
    if path.suffix.lower() not in TRAJECTORIES:
        return read_prediction(path)
    is_tum = path.suffix.lower() == ".tum"
    poses = trajectory.read_tum(path, unit)[1] if is_tum else trajectory.read_kitti(path, unit)
    return Prediction(geometry.anchor(poses))


def _write_sweep(sweep: Sweep, target: Path, writing: Writing) -> list[Path]:
    suffix = target.suffix.lower()
    poses = sweep.bmode.world_from_image
    if suffix in HDF5:
        if sweep.bmode.frames.dtype != np.uint8:
            found = sweep.bmode.frames.dtype
            raise UserError(f"{target}: expected 8-bit B-mode frames (uint8), got {found}")
        ensure_space(target, sweep.bmode)
        write_sweep(target, sweep)
    elif suffix in igsio.SUFFIXES:
        igsio.write_igsio(
            target,
            sweep,
            channel=writing.channel,
            transform=writing.name,
            orientation=writing.orientation,
            compress=writing.compress,
        )
    elif suffix == ".tum":
        trajectory.write_tum(target, sweep.bmode.timestamps, poses, writing.unit)
    elif suffix == ".kitti":
        trajectory.write_kitti(target, poses, writing.unit)
    elif not suffix:
        return tusrec.write_tusrec(target, [sweep], writing.layout)
    else:
        raise _unknown_target(target)
    return [target]


def _unknown_target(target: Path) -> UserError:
    known = ", ".join((*HDF5, *igsio.SUFFIXES, *TRAJECTORIES))
    return UserError(f"{target}: expected a folder or a name ending in one of {known}")


def _write_poses(source: Path, target: Path, owner: Sweep | None, writing: Writing) -> list[Path]:
    prediction = read_poses(source, writing.unit)
    suffix, poses = target.suffix.lower(), prediction.first_from_frame
    if owner is not None and len(owner) != len(poses):
        raise UserError(f"{source}: {len(poses)} poses for the {len(owner)} frames of the sweep")
    if suffix in HDF5:
        write_prediction(target, prediction)
    elif suffix == ".kitti":
        trajectory.write_kitti(target, poses, writing.unit)
    elif suffix == ".tum":
        if owner is None:
            raise UserError(f"{source}: holds no times for {target}; give its sweep by --sweep")
        trajectory.write_tum(target, owner.bmode.timestamps, poses, writing.unit)
    elif not suffix:
        if owner is None:
            raise UserError(f"{source}: displacement fields need the sweep; give it by --sweep")
        return write_displacements(target, prediction, owner.bmode, owner.landmarks)
    else:
        raise _unknown_target(target)
    return [target]


def _all_sweeps(dataset: Dataset) -> Iterable[Sweep]:
    for entry in dataset.entries:
        yield dataset.load(entry, lazy=True)


def _into_dataset(
    source: Path, target: Path, reading: Reading, writing: Writing, report: Report
) -> Path:
    """Write a TUS-REC folder's sweeps into a data set, new or with other sweeps in it already."""
    split = writing.split or ("train" if tusrec.tusrec_layout(source) == "train" else "test")
    there = open_dataset(target) if (target / "dataset.json").is_file() else None
    entries = {entry.name: entry for entry in there.entries} if there else {}
    for sweep in tusrec.read_tusrec(source, reading.calibration, reading.frame_rate, report):
        file = f"sweeps/{sweep.name}.h5"
        ensure_space(target / file, sweep.bmode)
        write_sweep(target / file, sweep)
        entries[sweep.name] = Entry(
            sweep.name,
            file,
            split,
            str(sweep.factors["subject"]),
            len(sweep),
            sha256_of_file(target / file),
            dict(sweep.factors),
        )
    identity = {
        "source": "TUS-REC",
        "licence": "CC BY-NC-SA 4.0 of the source; do not redistribute",
    }
    write_dataset(target, target.name, list(entries.values()), identity)
    return target / "dataset.json"
