"""Folders of the TUS-REC challenges 2024 and 2025, read and written.

train:    frames_transfs/SSS/NAME.h5 (frames, tforms), landmarks/landmark_SSS.h5, calib_matrix.csv
val/test: frames/SSS/NAME.h5, transfs/SSS/NAME.h5, landmarks, calibration, dataset_keys.h5

`tforms` map the tracked tool to the camera, in mm; pixels count from 1, frames from 0. Here pixels
count from 0 and poses are of the image in mm: world_from_image = tform @ tool_from_image.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from benchmark import geometry
from benchmark.errors import Report, UserError, silent
from benchmark.files import atomic_path, ensure_space
from benchmark.frames import LazyFrames, open_hdf5
from benchmark.interop.calibration import (
    check_scale,
    read_tusrec_calibration,
    write_tusrec_calibration,
)
from benchmark.interop.rigid import settled_poses
from benchmark.sweep import Channel, Sweep

Layout = Literal["train", "val"]
FRAME_RATE = 20.0  # of the acquisition; the files hold no times
CALIBRATION = "calib_matrix.csv"
PROFILES = {"L": "straight", "C": "c", "S": "s", "rotation": "rotation"}
DIRECTIONS = {"Par": "parallel", "Per": "perpendicular"}
COUNT_FROM_ONE = np.array([[1.0, 0, 0, 1], [0, 1, 0, 1], [0, 0, 1, 0], [0, 0, 0, 1]])
SAME_CALIBRATION = 1e-9


@dataclass(frozen=True)
class _Scan:
    """The files of one scan of one subject."""

    subject: str
    name: str
    frames: Path
    poses: Path


def is_tusrec(folder: Path) -> bool:
    """Return whether a folder is laid out as one of the challenge's."""
    return folder.is_dir() and any(
        (folder / part).is_dir() for part in ("frames_transfs", "transfs")
    )


def tusrec_layout(folder: Path) -> Layout:
    """Return which of the two layouts a folder has."""
    return "train" if (folder / "frames_transfs").is_dir() else "val"


def read_tusrec(
    folder: Path | str,
    calibration: Path | None = None,
    frame_rate: float | None = None,
    report: Report = silent,
) -> Iterator[Sweep]:
    """Yield the sweeps of a folder, ordered by subject and name, their frames left on disk.

    Raises
    ------
    UserError : no scan, no calibration, a scan without poses, frames of different sizes, and
        every fault of a scan's files.
    """
    folder = Path(folder)
    scans = list(_scans(folder))
    if not scans:
        raise UserError(f"{folder}: no frames_transfs/SSS/NAME.h5 and no frames/SSS/NAME.h5")
    path = calibration or folder / CALIBRATION
    if not path.is_file():
        raise UserError(f"{path}: no such file; the calibration is missing (--calibration)")
    scale, rigid = read_tusrec_calibration(path)
    rigid = settled_poses(rigid[None], f"{path}: calibration")[0]
    size: tuple[int, int] | None = None
    for scan in scans:
        sweep = _read_scan(folder, scan, scale, rigid, frame_rate or FRAME_RATE)
        found = (sweep.bmode.frames.shape[1], sweep.bmode.frames.shape[2])
        if size is None:
            size = found
            check_scale(path, scale, size, report, challenge=True)
        if found != size:
            raise UserError(
                f"{scan.frames}: frames of {found[1]} x {found[0]} pixels, others of {size[1]} x "
                f"{size[0]}; one {CALIBRATION} cannot hold for both"
            )
        yield sweep


def read_tusrec_scan(
    path: Path | str,
    calibration: Path | None = None,
    frame_rate: float | None = None,
    report: Report = silent,
) -> Sweep:
    """Return the sweep of a single file with `frames` and `tforms`.

    Without `calibration`, that of the challenge's folder around the file is taken. Raises UserError
    as `read_tusrec`.
    """
    path = Path(path)
    folder = path.parents[2] if len(path.parents) > 2 else path.parent
    table = calibration or folder / CALIBRATION
    if not table.is_file():
        raise UserError(f"{path}: the calibration is missing: give --calibration calib_matrix.csv")
    scale, rigid = read_tusrec_calibration(table)
    rigid = settled_poses(rigid[None], f"{table}: calibration")[0]
    scan = _Scan(path.parent.name, path.stem, path, path)
    sweep = _read_scan(folder, scan, scale, rigid, frame_rate or FRAME_RATE)
    rows, columns = sweep.bmode.frames.shape[1:]
    check_scale(table, scale, (rows, columns), report, challenge=is_tusrec(folder))
    return sweep


def _scans(folder: Path) -> Iterator[_Scan]:
    together = tusrec_layout(folder) == "train"
    base = folder / ("frames_transfs" if together else "frames")
    for path in sorted(base.glob("*/*.h5")):
        other = path if together else folder / "transfs" / path.parent.name / path.name
        yield _Scan(path.parent.name, path.stem, path, other)


def _read_scan(
    folder: Path, scan: _Scan, scale: np.ndarray, rigid: np.ndarray, frame_rate: float
) -> Sweep:
    frames = _frames(scan.frames)
    tforms = _array(scan.poses, "tforms")
    count = frames.shape[0]
    if tforms.shape != (count, 4, 4):
        raise UserError(f"{scan.poses}: tforms: expected {(count, 4, 4)}, got {tforms.shape}")
    world_from_tool = settled_poses(tforms, f"{scan.poses}: tforms")
    landmarks = folder / "landmarks" / f"landmark_{scan.subject}.h5"
    marks = _landmarks(landmarks, scan.name)
    channel = Channel(
        frames,
        np.arange(count) / frame_rate,
        scale @ COUNT_FROM_ONE,
        world_from_image=settled_poses(world_from_tool @ rigid, str(scan.poses)),
    )
    probe = {
        "tool_from_image": rigid.tolist(),
        "tforms_dtype": tforms.dtype.name,
        "landmarks_dtype": marks.dtype.name,
    }
    return Sweep(
        f"{scan.subject}__{scan.name}",
        {"bmode": channel},
        landmarks=marks.astype(float) - np.array([0.0, 1.0, 1.0]),
        probe=probe,
        factors={"subject": scan.subject, "scan": scan.name, **_factors(scan.name)},
    )


def _factors(name: str) -> dict[str, str]:
    """Return the factors in a scan's name, e.g. LH_Par_C_DtP or RH_rotation."""
    words = name.split("_")
    found = {"side": words[0]} if words[0] in ("LH", "RH") else {}
    for word in words:
        if word in PROFILES:
            found["profile"] = PROFILES[word]
        if word in DIRECTIONS:
            found["orientation"] = DIRECTIONS[word]
        if word in ("DtP", "PtD"):
            found["direction"] = word
    return found


def _frames(path: Path) -> LazyFrames:
    try:
        frames = LazyFrames(path, "frames")
    except FileNotFoundError as error:
        raise UserError(f"{path}: no such file") from error
    except OSError as error:
        raise UserError(f"{path}: truncated or not HDF5 ({str(error).splitlines()[0]})") from error
    except KeyError as error:
        raise UserError(f"{path}: frames is missing") from error
    if len(frames.shape) != 3 or frames.shape[0] < 1:
        raise UserError(f"{path}: frames: expected shape (N, H, W), got {frames.shape}")
    return frames


def _array(path: Path, key: str) -> np.ndarray:
    if not path.is_file():
        raise UserError(f"{path}: no such file")
    try:
        with open_hdf5(path) as file:
            if key not in file:
                raise UserError(f"{path}: {key} is missing")
            return file[key][()]
    except OSError as error:
        raise UserError(f"{path}: truncated or not HDF5 ({str(error).splitlines()[0]})") from error


def _landmarks(path: Path, name: str) -> np.ndarray:
    """Return landmarks (L, 3) as stored, frame from 0 and x, y from 1; none without a file."""
    if not path.is_file():
        return np.zeros((0, 3))
    try:
        marks = _array(path, name)
    except UserError:
        with open_hdf5(path) as file:
            if name not in file:
                return np.zeros((0, 3))
        raise
    if marks.ndim != 2 or marks.shape[1] != 3:
        raise UserError(f"{path}: {name}: expected shape (L, 3), got {marks.shape}")
    return marks


def write_tusrec(
    folder: Path | str, sweeps: Iterable[Sweep], layout: Layout = "train"
) -> list[Path]:
    """Write sweeps as a folder of the challenge and return the files of frames.

    The image's origin is moved to the challenge's (one pixel before the first), which changes no
    distance. Sweeps without the calibration of a tool get the identity.

    Raises
    ------
    UserError : sweeps of different calibrations or frame sizes, which one folder cannot hold.
    """
    folder, written = Path(folder), []
    common: tuple[np.ndarray, np.ndarray, tuple[int, ...]] | None = None
    marks: dict[str, dict[str, np.ndarray]] = {}
    for sweep in sweeps:
        scale, rigid, tforms = _tool_poses(sweep)
        mine = (scale, rigid, tuple(sweep.bmode.frames.shape[1:]))
        common = common or mine
        if mine[2] != common[2] or any(
            np.abs(a - b).max() > SAME_CALIBRATION
            for a, b in zip(mine[:2], common[:2], strict=True)
        ):
            raise UserError(f"{folder}: sweep '{sweep.name}' has another calibration or frame size")
        subject = str(sweep.factors.get("subject", "000"))
        name = str(sweep.factors.get("scan", sweep.name))
        written.append(_write_scan(folder, layout, subject, name, sweep, tforms))
        if len(sweep.landmarks):
            marks.setdefault(subject, {})[name] = _marks_from_one(sweep)
    if common is None:
        raise UserError(f"{folder}: no sweep to write")
    for subject, named in marks.items():
        _write_arrays(folder / "landmarks" / f"landmark_{subject}.h5", named)
    write_tusrec_calibration(folder / CALIBRATION, common[0], common[1])
    if layout == "val":
        keys = {f"sub{path.parent.name}__{path.stem}": np.zeros(0) for path in written}
        _write_arrays(folder / "dataset_keys.h5", keys)
    return written


def _tool_poses(sweep: Sweep) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return scale (4, 4) of pixels from 1, tool_from_image (4, 4) and tforms (N, 4, 4)."""
    bmode = sweep.bmode
    scale = np.array(bmode.mm_from_pixel, float)
    origin = scale @ [-1.0, -1.0, 0.0, 1.0]  # the challenge's: pixel 0 when counting from 1
    scale[:3, 3] = 0
    image_from_challenge = geometry.compose(
        np.eye(3), np.where(np.abs(origin) < 1e-12, 0, origin)[:3]
    )
    rigid = np.array(sweep.probe.get("tool_from_image", np.eye(4)), float)
    tforms = bmode.world_from_image @ image_from_challenge @ geometry.inverse(rigid)
    return scale, rigid, tforms.astype(sweep.probe.get("tforms_dtype", "float64"))


def _marks_from_one(sweep: Sweep) -> np.ndarray:
    marks = np.asarray(sweep.landmarks, float) + np.array([0.0, 1.0, 1.0])
    whole = np.array_equal(marks, np.rint(marks))
    return marks.astype(sweep.probe.get("landmarks_dtype", "int64" if whole else "float64"))


def _write_scan(
    folder: Path, layout: Layout, subject: str, name: str, sweep: Sweep, tforms: np.ndarray
) -> Path:
    together = layout == "train"
    path = folder / ("frames_transfs" if together else "frames") / subject / f"{name}.h5"
    source = sweep.bmode.frames
    ensure_space(path, sweep.bmode.nbytes)
    with atomic_path(path) as temporary, open_hdf5(temporary, "w") as file:
        frames = file.create_dataset("frames", source.shape, source.dtype)
        for index in range(source.shape[0]):
            frames[index] = source[index]
        if together:
            file["tforms"] = tforms
    if not together:
        _write_arrays(folder / "transfs" / subject / f"{name}.h5", {"tforms": tforms})
    return path


def _write_arrays(path: Path, arrays: dict[str, np.ndarray]) -> None:
    with atomic_path(path) as temporary, open_hdf5(temporary, "w") as file:
        for key, values in arrays.items():
            file[key] = values
