"""Folders and single files of the challenge -> sweeps."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmark.errors import Report, UserError, silent
from benchmark.frames import LazyFrames, reading_hdf5
from benchmark.interop.poses.calibration import COUNT_FROM_ONE, check_scale, read_tusrec_calibration
from benchmark.interop.poses.rigid import settled_poses
from benchmark.interop.tusrec.layout import Tree, is_tusrec, open_tree, trees_by_split
from benchmark.interop.tusrec.pixels import FIRST
from benchmark.interop.tusrec.record import Record, read_record, restored
from benchmark.stored.hdf5 import WholeArrays
from benchmark.sweep import Channel, Sweep

FRAME_RATE = 20.0  # of the acquisition; the files hold no times
PROFILES = {"L": "straight", "C": "c", "S": "s", "rotation": "rotation", "rotating": "rotation"}
DIRECTIONS = {"Par": "parallel", "Per": "perpendicular"}


@dataclass(frozen=True)
class _Source:
    """What all scans of a folder share: scale (4, 4) of pixels from 1, tool_from_image (4, 4)."""

    tree: Tree
    scale: np.ndarray
    rigid: np.ndarray
    frame_rate: float | None
    record: Record


def read_splits(
    folder: Path | str,
    split: str | None = None,
    calibration: Path | None = None,
    frame_rate: float | None = None,
    report: Report = silent,
) -> Iterator[tuple[str, Sweep]]:
    """Yield split and sweep of a challenge folder, or of the folders train, val, test in one.

    The split is the one given, else that of the folder's name or record, else train for the
    layout train and test for the other. Raises UserError as `read_tusrec`.
    """
    for name, path in trees_by_split(Path(folder)).items():
        record = read_record(path)
        known = split or name or (record.split if record else None)
        known = known or ("train" if open_tree(path).layout == "train" else "test")
        for sweep in read_tusrec(path, calibration, frame_rate, report):
            yield known, sweep


def read_tusrec(
    folder: Path | str,
    calibration: Path | None = None,
    frame_rate: float | None = None,
    report: Report = silent,
) -> Iterator[Sweep]:
    """Yield the sweeps of a folder, ordered by subject and name, their frames left on disk.

    report: told of a scale that does not fit and of scans without landmarks.

    Raises
    ------
    UserError : no scan, no calibration, landmarks of both years, a scan without poses, frames of
        different sizes or not uint8, and every fault of a scan's files.
    """
    tree = open_tree(Path(folder))
    scans = list(tree.scans())
    if not scans:
        raise UserError(f"{folder}: no frames_transfs/SSS/NAME.h5 and no frames/SSS/NAME.h5")
    source = _open_source(tree, calibration, frame_rate)
    size: tuple[int, int] | None = None
    bare: list[str] = []
    for number, scan in scans:
        path = tree.frames(number, scan)
        sweep = _read_scan(source, number, scan, path, tree.poses(number, scan))
        found = _size(sweep)
        if size is None:
            size = found
            theirs = not source.record.scans  # an export has the scale of its own sweeps
            check_scale(calibration or tree.calibration, source.scale, size, report, theirs)
        if found != size:
            raise UserError(
                f"{path}: frames of {found[1]} x {found[0]} pixels, others of {size[1]} x "
                f"{size[0]}; one {tree.calibration.name} cannot hold for both"
            )
        if not len(sweep.landmarks):
            bare.append(f"{number}/{scan}")
        yield sweep
    _report_bare(tree, bare, len(scans), report)


def read_tusrec_scan(
    path: Path | str,
    calibration: Path | None = None,
    frame_rate: float | None = None,
    report: Report = silent,
) -> Sweep:
    """Return the sweep of a single file with `frames`.

    Without `calibration`, that of the challenge's folder around the file is taken; poses are in the
    same file, or in `transfs/` of that folder. Raises UserError as `read_tusrec`.
    """
    path = Path(path)
    tree = open_tree(path.parents[2] if len(path.parents) > 2 else path.parent)
    number, scan = path.parent.name, path.stem
    if not (calibration or tree.calibration).is_file():
        raise UserError(f"{path}: the calibration is missing: give --calibration calib_matrix.csv")
    source = _open_source(tree, calibration, frame_rate)
    poses = tree.poses(number, scan) if path == tree.frames(number, scan) else path
    sweep = _read_scan(source, number, scan, path, poses)
    table, theirs = calibration or tree.calibration, is_tusrec(tree.folder)
    check_scale(table, source.scale, _size(sweep), report, theirs and not source.record.scans)
    _report_bare(tree, [] if len(sweep.landmarks) else [f"{number}/{scan}"], 1, report)
    return sweep


def _open_source(tree: Tree, calibration: Path | None, frame_rate: float | None) -> _Source:
    path = calibration or tree.calibration
    if not path.is_file():
        raise UserError(f"{path}: no such file; the calibration is missing (--calibration)")
    scale, rigid = read_tusrec_calibration(path)
    rigid = settled_poses(rigid[None], f"{path}: calibration")[0]
    return _Source(tree, scale, rigid, frame_rate, read_record(tree.folder) or Record())


def _size(sweep: Sweep) -> tuple[int, int]:
    """Return rows and columns of the frames."""
    _, rows, columns = sweep.bmode.frames.shape
    return rows, columns


def _report_bare(tree: Tree, bare: list[str], scans: int, report: Report) -> None:
    """Report scans without landmarks."""
    if not bare:
        return
    what = f"no landmarks of {len(bare)} of {scans} scans ({bare[0]}{' ...' * (len(bare) > 1)})"
    if tree.landmark_folder is None:
        what = "neither landmark/ (2024) nor landmarks/ (2025)"
    report(f"{tree.folder}: {what}; they have no gle, lle and TUS-REC scores")


def _read_scan(source: _Source, number: str, scan: str, path: Path, poses: Path) -> Sweep:
    """Return one sweep: as the challenge's files have it, then with what the record adds."""
    frames = _frames(path)
    tforms = _array(poses, "tforms")
    count = frames.shape[0]
    if tforms.shape != (count, 4, 4):
        raise UserError(f"{poses}: tforms: expected {(count, 4, 4)}, got {tforms.shape}")
    world_from_tool = settled_poses(tforms, f"{poses}: tforms")
    channel = Channel(
        frames,
        np.arange(count) / (source.frame_rate or FRAME_RATE),
        source.scale @ COUNT_FROM_ONE,
        world_from_image=settled_poses(world_from_tool @ source.rigid, str(poses)),
    )
    sweep = Sweep(
        f"{number}__{scan}",
        {"bmode": channel},
        landmarks=_landmarks(source.tree, number, scan, count),
        probe={"tool_from_image": source.rigid.tolist()},
        factors={"subject": number, "scan": scan, **_factors(scan)},
    )
    kept = source.record.scans.get(f"{number}/{scan}")
    return restored(sweep, kept, path, source.frame_rate is not None) if kept else sweep


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
    with reading_hdf5(path) as file:
        if "frames" not in file:
            raise UserError(f"{path}: frames is missing")
    frames = LazyFrames(path, "frames")
    if len(frames.shape) != 3 or frames.shape[0] < 1:
        raise UserError(f"{path}: frames: expected shape (N, H, W), got {frames.shape}")
    if frames.dtype != np.uint8:
        raise UserError(f"{path}: frames: expected uint8, got {frames.dtype}")
    return frames


def _array(path: Path, key: str) -> np.ndarray:
    with reading_hdf5(path) as file:
        if key not in file:
            raise UserError(f"{path}: {key} is missing")
        return WholeArrays(file)(file, key)


def _landmarks(tree: Tree, number: str, scan: str, count: int) -> np.ndarray:
    """Return landmarks (L, 3), frame and pixel from 0; none where the folder has none of a scan."""
    path = tree.landmarks(number)
    if not path.is_file():
        return np.zeros((0, 3))
    with reading_hdf5(path) as file:
        marks = WholeArrays(file)(file, scan) if scan in file else np.zeros((0, 3))
        marks = marks.astype(float)
    if marks.ndim != 2 or marks.shape[1] != 3:
        raise UserError(f"{path}: {scan}: expected shape (L, 3), got {marks.shape}")
    frames = marks[:, 0]
    if not ((frames == np.clip(np.rint(frames), 0, count - 1)).all() and np.isfinite(marks).all()):
        raise UserError(f"{path}: {scan}: expected frames 0 to {count - 1} and finite pixels")
    return marks - FIRST
