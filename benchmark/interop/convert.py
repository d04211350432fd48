"""Conversion between the formats of sweeps, poses and predictions.

A source is recognised by its content, a target by its name: .h5 (this program), .mha, .mhd, .nrrd,
.nhdr (PLUS, Slicer), .tum, .kitti; a name without suffix is a folder: a data set if the source is
TUS-REC, displacement fields if it is a prediction, else TUS-REC.
"""

from contextlib import contextmanager
from pathlib import Path

from benchmark import geometry
from benchmark.dataset import open_dataset, write_dataset, write_entry
from benchmark.errors import Report, UserError, silent
from benchmark.files import ensure_space
from benchmark.hdf5 import read_prediction, write_prediction
from benchmark.interop import trajectory, tusrec
from benchmark.interop.displacements import write_displacements
from benchmark.interop.formats import FORMATS, HDF5, TRAJECTORIES, Writing, kind_of, open_sweep
from benchmark.interop.sequence import Reading
from benchmark.sweep import Prediction, Sweep


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
            layout, year, split = writing.layout, writing.year, writing.split
            return tusrec.write_splits(target, open_dataset(source), layout, year, split, report)
        if kind in ("tusrec", "dataset"):
            raise UserError(f"{target}: expected a folder (no suffix) for the sweeps of {source}")
        if kind in ("prediction", "trajectory"):
            owner = open_sweep(sweep, reading, report) if sweep else None
            return _write_poses(source, target, owner, writing)
        return _write_sweep(open_sweep(source, reading, report), target, writing, report)


@contextmanager
def clear_write_errors(target: Path):
    """Turn the system's errors (a full disk, a folder without permission) into a UserError."""
    try:
        yield
    except (OSError, RuntimeError) as error:  # at closing, HDF5 raises a RuntimeError
        cause = error if isinstance(error, OSError) else error.__context__
        if not isinstance(cause, OSError):
            raise
        reason = cause.strerror or str(cause).splitlines()[0]
        raise UserError(f"{target}: cannot be written ({reason})") from error


def read_poses(path: Path | str, unit: trajectory.Unit = "m") -> Prediction:
    """Return the prediction of a file: .h5, .npz, .tum or .kitti (anchored at its first pose)."""
    path = Path(path)
    if path.suffix.lower() not in TRAJECTORIES:
        return read_prediction(path)
    is_tum = path.suffix.lower() == ".tum"
    poses = trajectory.read_tum(path, unit)[1] if is_tum else trajectory.read_kitti(path, unit)
    return Prediction(geometry.anchor(poses))


def _write_sweep(sweep: Sweep, target: Path, writing: Writing, report: Report) -> list[Path]:
    if not target.suffix:
        layout = writing.layout or "train"
        return tusrec.write_tusrec(target, [sweep], layout, writing.year, report=report)
    for format in FORMATS:
        if format.write and target.suffix.lower() in format.suffixes:
            format.write(target, sweep, writing)
            return [target]
    raise _unknown_target(target)


def _unknown_target(target: Path) -> UserError:
    known = ", ".join(suffix for format in FORMATS if format.write for suffix in format.suffixes)
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
        marks, mode = owner.landmarks, writing.first_frame_landmarks
        return write_displacements(target, prediction, owner.bmode, marks, mode)
    else:
        raise _unknown_target(target)
    return [target]


def _into_dataset(
    source: Path, target: Path, reading: Reading, writing: Writing, report: Report
) -> Path:
    """Write a TUS-REC folder's sweeps into a data set, a new one or beside the sweeps it has."""
    there = open_dataset(target) if (target / "dataset.json").is_file() else None
    entries = {entry.name: entry for entry in there.entries} if there else {}
    recording = (reading.calibration, reading.frame_rate, report)
    for split, sweep in tusrec.read_splits(source, writing.split, *recording):
        file = f"sweeps/{sweep.name}.h5"
        ensure_space(target / file, sweep.bmode.nbytes)
        subject = str(sweep.factors["subject"])
        entries[sweep.name] = write_entry(target, file, sweep, split, subject)
    identity = {
        "source": "TUS-REC",
        "licence": "CC BY-NC-SA 4.0 of the source; do not redistribute",
    }
    write_dataset(target, target.name, list(entries.values()), identity)
    return target / "dataset.json"
