"""The file formats of sweeps: how each is recognised, read and written.

A further format is one entry of `FORMATS`.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import h5py
import numpy as np

from benchmark.errors import Report, UserError, silent
from benchmark.frames import reading_hdf5
from benchmark.hdf5 import PREDICTION_FORMAT, SWEEP_FORMAT, read_sweep, text_of, write_sweep
from benchmark.interop import igsio, moglo_h5, tusrec
from benchmark.interop.cines import readers
from benchmark.interop.cines.fan import probe_mask
from benchmark.interop.cines.field_of_view import with_mask
from benchmark.interop.displacements import FirstFrame
from benchmark.interop.folder import RECORDINGS, recordings_in
from benchmark.interop.poses.table import SUFFIXES
from benchmark.interop.poses.trajectory import write_trajectory
from benchmark.interop.rf import ipasc, zea, zea_writing
from benchmark.interop.sequence import Reading
from benchmark.stored.hdf5 import text_attribute
from benchmark.sweep import Sweep

CINE, SEQUENCE = "cine", "sequence"  # frames without poses; frames with transforms
HDF5 = (".h5", ".hdf5")
TRAJECTORIES = SUFFIXES
VOLUMES = (".nii", ".nii.gz")


@dataclass(frozen=True)
class Writing:
    """How a sweep is written for another program."""

    channel: str = "bmode"
    """Channel to write into a sequence."""
    name: str = "ProbeToTracker"
    """Name of the transform that holds the poses there."""
    orientation: str = "MF"
    """Which way pixels run there (MF, UF, MN, UN, FM, ...)."""
    compress: bool = False
    """Compress the frames (speckle hardly shrinks)."""
    unit: Literal["m", "mm"] = "m"
    """Length unit of trajectories (.tum, .kitti), read or written."""
    layout: tusrec.Layout | None = None
    """TUS-REC folder with frames and poses together (train) or apart (val); by default train, and
    val for the splits val and test of a data set."""
    year: tusrec.Year = 2025
    """TUS-REC edition: landmarks are in landmark/ (2024) or landmarks/ (2025)."""
    split: Literal["train", "val", "test"] | None = None
    """Split of a TUS-REC folder's sweeps (by default that of its record or name, else train or test
    by its layout); of a folder's recordings whose names or table tell none; of a data set, the only
    one to write."""
    splits: Path | None = None
    """Table of a folder's recordings: .csv with the columns file, subject, split, or .toml of
    tables train, val, test with `subject = [files]`; by default splits.csv or splits.toml in the
    folder, else the names tell."""
    probe: Path | None = None
    """What is known of the probe of a folder's recordings (JSON or TOML), kept in every sweep."""
    first_frame_landmarks: FirstFrame = "still"
    """Displacement of landmarks on frame 0: none (still), or what TUS-REC's scorer compares with,
    the last frame's (as_scored)."""


@dataclass(frozen=True)
class Format:
    """A file format of sweeps.

    name: what `kind_of` returns; suffixes: of its files; read: returns the sweep of a file, None
    where a file holds no frames; write: None where it is only read; holds: whether an opened HDF5
    file is of this format, for those that share a suffix.
    """

    name: str
    suffixes: tuple[str, ...]
    read: Callable[[Path, Reading, Report], Sweep] | None = None
    write: Callable[[Path, Sweep, Writing], None] | None = None
    holds: Callable[[h5py.File], bool] | None = None


def _read_own(path: Path, reading: Reading, report: Report) -> Sweep:
    return read_sweep(path, lazy=True)


def _write_own(path: Path, sweep: Sweep, writing: Writing) -> None:
    if sweep.bmode.frames.dtype != np.uint8:
        found = sweep.bmode.frames.dtype
        raise UserError(f"{path}: expected 8-bit B-mode frames (uint8), got {found}")
    write_sweep(path, sweep)


def _read_moglo(path: Path, reading: Reading, report: Report) -> Sweep:
    return moglo_h5.read_moglo(path, reading.frame_rate, report)


def _read_cine(path: Path, reading: Reading, report: Report) -> Sweep:
    raise UserError(f"{path}: frames without poses; give them by --poses, or track them")


def _read_tusrec_scan(path: Path, reading: Reading, report: Report) -> Sweep:
    return tusrec.read_tusrec_scan(path, reading.calibration, reading.frame_rate, report)


def _read_zea(path: Path, reading: Reading, report: Report) -> Sweep:
    return zea.read_zea(
        path,
        reading.forming,
        calibration=reading.image_calibration(),
        frame_rate=reading.frame_rate,
        part=reading.part,
        report=report,
    )


def _write_zea(path: Path, sweep: Sweep, writing: Writing) -> None:
    zea_writing.write_zea(path, sweep, writing.channel)


def _write_sequence(path: Path, sweep: Sweep, writing: Writing) -> None:
    igsio.write_igsio(
        path,
        sweep,
        channel=writing.channel,
        transform=writing.name,
        orientation=writing.orientation,
        compress=writing.compress,
    )


def _write_trajectory(path: Path, sweep: Sweep, writing: Writing) -> None:
    bmode = sweep.bmode
    write_trajectory(path, bmode.timestamps, bmode.world_from_image, writing.unit)


FORMATS = (
    Format("zea", zea_writing.SUFFIXES, _read_zea, _write_zea, zea.is_zea),
    Format(
        "sweep",
        HDF5,
        _read_own,
        _write_own,
        lambda file: text_of(text_attribute(file, "format")) == SWEEP_FORMAT,
    ),
    Format("moglo", HDF5, _read_moglo, holds=lambda file: "img_B" in file),
    Format("tusrec-scan", HDF5, _read_tusrec_scan, holds=lambda file: "frames" in file),
    Format("ipasc", (), holds=ipasc.is_ipasc),
    Format(SEQUENCE, igsio.SUFFIXES, igsio.read_igsio, _write_sequence),
    Format(CINE, readers.SUFFIXES, _read_cine),
    Format("trajectory", (".tum", ".kitti", ".csv"), write=_write_trajectory),
    Format("trajectory", (".tsv", ".txt")),
)


def kind_of(path: Path) -> str:
    """Return what a file or folder holds: the name of a format, or prediction.

    Of a folder: tusrec, dataset, cine (images), or recordings.

    Raises
    ------
    UserError : no such file, or none of these.
    """
    if path.is_dir():
        if tusrec.is_tusrec(path):
            return "tusrec"
        if (path / "dataset.json").is_file():
            return "dataset"
        if readers.cine_format(path):
            return CINE
        if recordings_in(path):
            return RECORDINGS
        raise UserError(
            f"{path}: neither a data set nor a TUS-REC folder (frames_transfs, transfs), and "
            "without images or recordings"
        )
    name = path.name.lower()
    if not path.is_file():
        raise UserError(f"{path}: no such file")
    if name.endswith(VOLUMES):
        raise UserError(f"{path}: NIfTI holds a volume, expected a sweep (frames with poses)")
    suffix = path.suffix.lower()
    if suffix == ".npz":
        return "prediction"
    if suffix in HDF5:
        return _hdf5_kind(path)
    for format in FORMATS:
        if suffix in format.suffixes:
            return format.name
    if readers.cine_format(path):
        return CINE
    raise UserError(
        f"{path}: expected a sweep: .h5, {', '.join(igsio.SUFFIXES)}, or a folder; frames "
        f"without poses: {', '.join(readers.SUFFIXES)}; "
        f"or poses: {', '.join(TRAJECTORIES)}"
    )


def _hdf5_kind(path: Path) -> str:
    with reading_hdf5(path) as file:
        if text_of(text_attribute(file, "format")) == PREDICTION_FORMAT:
            return "prediction"
        for format in FORMATS:
            if format.holds and format.holds(file):
                return format.name
        keys = ", ".join(list(file)[:6]) or "none"
    raise UserError(f"{path}: no sweep of a known layout (its keys: {keys})")


def with_field_of_view(sweep: Sweep, path: Path, reading: Reading, report: Report) -> Sweep:
    """Return a sweep with the mask that is asked for, or that its own probe's geometry states."""
    bmode = sweep.bmode
    stated = probe_mask(sweep.probe, bmode.mm_from_pixel, bmode.frames.shape[1:])
    masked = with_mask(bmode, reading.mask, path, report, stated=stated)
    return replace(sweep, channels={**sweep.channels, "bmode": masked})


def open_sweep(path: Path | str, reading: Reading | None = None, report: Report = silent) -> Sweep:
    """Return the one sweep of a file of any format, its frames left on disk.

    Raises
    ------
    UserError : a file that holds no sweep, and every fault of its format.
    """
    path, kind = Path(path), kind_of(Path(path))
    reading = reading or Reading()
    if reading.window is not None and kind not in (SEQUENCE, CINE):
        raise UserError(f"--window: {path} holds grey levels already, of a {kind}")
    for format in FORMATS:
        if format.name == kind and format.read:
            return with_field_of_view(format.read(path, reading, report), path, reading, report)
    raise UserError(f"{path}: holds a {kind}, expected one sweep")
