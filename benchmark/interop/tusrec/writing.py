"""Sweeps -> folders that the challenge's own programs read."""

import itertools
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from benchmark import geometry
from benchmark.dataset import SPLITS, Dataset
from benchmark.errors import Report, UserError, silent
from benchmark.files import atomic_path, ensure_space
from benchmark.frames import LazyFrames, open_hdf5, reading_hdf5
from benchmark.interop.poses.calibration import (
    CHALLENGE_FRAME,
    read_tusrec_calibration,
    write_tusrec_calibration,
)
from benchmark.interop.tusrec.layout import LANDMARKS, Layout, Tree, Year, open_tree
from benchmark.interop.tusrec.pixels import whole_landmarks
from benchmark.interop.tusrec.record import Kept, Record, kept_of, read_record, write_record
from benchmark.stored.hdf5 import WholeArrays
from benchmark.sweep import Sweep

SAME_CALIBRATION = 1e-9
POSES, LANDMARK = np.float32, np.int64  # the types that the challenge's programs compute with


@dataclass(frozen=True)
class _Shared:
    """What all scans of a folder share: scale of pixels from 1, tool_from_image, frame (H, W)."""

    scale: np.ndarray
    rigid: np.ndarray
    size: tuple[int, ...]

    def fits(self, other: "_Shared") -> bool:
        """Return whether two scans can lie in one folder."""
        pairs = ((self.scale, other.scale), (self.rigid, other.rigid))
        near = all(np.abs(a - b).max() <= SAME_CALIBRATION for a, b in pairs)
        return near and self.size == other.size


def write_splits(
    folder: Path | str,
    dataset: Dataset,
    layout: Layout | None = None,
    year: Year = 2025,
    split: str | None = None,
    report: Report = silent,
) -> list[Path]:
    """Write a data set as one challenge folder per split, and return the files of frames.

    layout: of every split, by default train for the training split and val for the others; split:
    the only one to write. Subjects have numbers of their own over all splits. Raises UserError as
    `write_tusrec`, and for a split without sweeps.
    """
    folder, present = Path(folder), {entry.split for entry in dataset.entries}
    subjects, written = _numbers_of(folder, dataset), list[Path]()
    for name in [split] if split else [name for name in SPLITS if name in present]:
        sweeps = (
            _of_subject(dataset.load(entry, lazy=True), entry.subject)
            for entry in dataset.split(name)
        )
        form: Layout = layout or ("train" if name == "train" else "val")
        written += write_tusrec(folder / name, sweeps, form, year, name, subjects, report)
    return written


def _numbers_of(folder: Path, dataset: Dataset) -> dict[str, str]:
    """Return the subjects of a data set by number, as in the folder before, then split by split."""
    subjects: dict[str, str] = {}
    for name in SPLITS:
        earlier = read_record(folder / name)
        subjects |= earlier.subjects if earlier else {}
    entries = sorted(
        dataset.entries, key=lambda e: (not _is_number(e.subject), SPLITS.index(e.split))
    )
    for entry in entries:
        subjects = numbered(subjects, entry.subject)
    return subjects


def _of_subject(sweep: Sweep, subject: str) -> Sweep:
    return replace(sweep, factors={**sweep.factors, "subject": subject})


def numbered(subjects: Mapping[str, str], name: str) -> dict[str, str]:
    """Return subjects by number with one more; one that has a number keeps it.

    A name that is a number of three digits is its own if that is free; others take the lowest.
    """
    if name in subjects.values():
        return dict(subjects)
    if _is_number(name) and name not in subjects:
        return {**subjects, name: name}
    free = (number for number in map("{:03d}".format, itertools.count()) if number not in subjects)
    return {**subjects, next(free): name}


def _is_number(name: str) -> bool:
    return name.isascii() and name.isdigit() and name == f"{int(name):03d}"


def write_tusrec(
    folder: Path | str,
    sweeps: Iterable[Sweep],
    layout: Layout = "train",
    year: Year = 2025,
    split: str | None = None,
    subjects: Mapping[str, str] | None = None,
    report: Report = silent,
) -> list[Path]:
    """Write sweeps as a folder of the challenge and return the files of frames.

    Poses are float32, landmarks whole pixels. The image's origin is moved to the challenge's (one
    pixel before the first), which changes no distance. Sweeps without the calibration of a tool get
    the identity. A folder that was written so before takes more sweeps.

    Parameters
    ----------
    split : named in the record beside the files.
    subjects : names by number; further ones get the lowest free numbers.
    report : told what the challenge's programs may not take, and of rounded landmarks.

    Raises
    ------
    UserError : no sweep; sweeps of different calibrations or frame sizes, which one folder cannot
        hold; frames that are not uint8; two sweeps of one subject under one name; a folder of other
        files; a landmark outside the frames.
    """
    tree = Tree(Path(folder), layout, LANDMARKS[year])
    record, shared = _earlier(tree)
    numbers, scans = {**record.subjects, **(subjects or {})}, dict(record.scans)
    written: list[Path] = []
    marks: dict[str, dict[str, np.ndarray]] = {}
    for sweep in sweeps:
        numbers, number = _numbers_with(numbers, sweep)
        scan = _scan_name(sweep)
        address, mine = f"{number}/{scan}", _shared_of(sweep)
        shared = shared or mine
        _refuse(tree.folder, sweep, mine.fits(shared), scans.get(address))
        marks.setdefault(number, {})[scan] = _whole_landmarks(sweep)
        written.append(_write_scan(tree, number, scan, sweep, _tforms(sweep, mine)))
        scans[address] = kept_of(sweep)
    if shared is None or not written:
        raise UserError(f"{folder}: no sweep to write")
    for number, named in marks.items():
        _write_arrays(tree.landmarks(number), named, add=True)
    here = {address.split("/")[0] for address in scans}
    numbers = {number: name for number, name in numbers.items() if number in here}
    _finish(tree, Record(split or record.split, numbers, scans), shared)
    _report_limits(tree, scans, shared, report)
    return written


def _finish(tree: Tree, record: Record, shared: _Shared) -> None:
    """Write what describes all scans; the calibration, last, says that a folder is whole."""
    if tree.layout == "val":
        keys = {f"sub{address.replace('/', '__')}": np.zeros(0) for address in record.scans}
        _write_arrays(tree.keys, keys)
    write_record(tree.folder, record)
    write_tusrec_calibration(tree.calibration, shared.scale, shared.rigid)


def _earlier(tree: Tree) -> tuple[Record, _Shared | None]:
    """Return what was written into a folder before; refuse one that holds anything else."""
    if not tree.calibration.is_file():
        return Record(), None
    record, scan = read_record(tree.folder), next(tree.scans(), None)
    if record is None or scan is None or open_tree(tree.folder) != tree:
        raise UserError(
            f"{tree.folder}: expected an empty folder, got one of another layout, year or source; "
            "give another name"
        )
    frames = LazyFrames(tree.frames(*scan), "frames")
    return record, _Shared(*read_tusrec_calibration(tree.calibration), frames.shape[1:])


def _numbers_with(numbers: Mapping[str, str], sweep: Sweep) -> tuple[dict[str, str], str]:
    """Return subjects by number with that of a sweep, and its number."""
    subject = str(sweep.factors.get("subject", "000"))
    more = numbered(numbers, subject)
    return more, next(number for number, name in more.items() if name == subject)


def _scan_name(sweep: Sweep) -> str:
    """Return the name of a scan's file; `__` parts subject and scan in the list of scans."""
    name = str(sweep.factors.get("scan", sweep.name))
    return re.sub(r"_{2,}", "_", re.sub(r"[^\w.-]", "_", name, flags=re.ASCII))


def _refuse(folder: Path, sweep: Sweep, fits: bool, there: Kept | None) -> None:
    """Refuse a sweep that the folder cannot hold."""
    what, dtype = f"{folder}: sweep '{sweep.name}'", sweep.bmode.frames.dtype
    if dtype != np.uint8:
        raise UserError(f"{what}: frames: expected uint8, got {dtype}")
    if not fits:
        raise UserError(f"{what} has another calibration or frame size than those before it")
    if there is not None and there.name != sweep.name:
        raise UserError(f"{what} and '{there.name}' are of one subject and one scan name")


def _shared_of(sweep: Sweep) -> _Shared:
    scale = np.array(sweep.bmode.mm_from_pixel, float)
    scale[:3, 3] = 0
    rigid = np.array(sweep.probe.get("tool_from_image", np.eye(4)), float)
    return _Shared(scale, rigid, tuple(sweep.bmode.frames.shape[1:]))


def _tforms(sweep: Sweep, shared: _Shared) -> np.ndarray:
    """Return the poses (N, 4, 4) of the tool, for images whose origin is the challenge's."""
    origin = sweep.bmode.mm_from_pixel @ [-1.0, -1.0, 0.0, 1.0]  # pixel 0 when counting from 1
    image_from_challenge = geometry.compose(
        np.eye(3), np.where(np.abs(origin) < 1e-12, 0, origin)[:3]
    )
    world_from_challenge = sweep.bmode.world_from_image @ image_from_challenge
    return (world_from_challenge @ geometry.inverse(shared.rigid)).astype(POSES)


def _whole_landmarks(sweep: Sweep) -> np.ndarray:
    shape = sweep.bmode.frames.shape
    return whole_landmarks(sweep.landmarks, shape, f"sweep '{sweep.name}'").astype(LANDMARK)


def _write_scan(tree: Tree, number: str, scan: str, sweep: Sweep, tforms: np.ndarray) -> Path:
    path, poses, source = tree.frames(number, scan), tree.poses(number, scan), sweep.bmode.frames
    ensure_space(path, sweep.bmode.nbytes)
    with atomic_path(path) as temporary, open_hdf5(temporary, "w") as file:
        frames = file.create_dataset("frames", source.shape, source.dtype)
        for index in range(source.shape[0]):
            frames[index] = source[index]
        if poses == path:
            file["tforms"] = tforms
    if poses != path:
        _write_arrays(poses, {"tforms": tforms})
    return path


def _write_arrays(path: Path, arrays: Mapping[str, np.ndarray], add: bool = False) -> None:
    """Write arrays by key; with `add`, beside those of other keys that the file has."""
    if add and path.is_file():
        with reading_hdf5(path) as file:
            whole = WholeArrays(file)
            arrays = {key: whole(file, key) for key in file} | dict(arrays)
    with atomic_path(path) as temporary, open_hdf5(temporary, "w") as file:
        for key, values in arrays.items():
            file[key] = values


def _report_limits(tree: Tree, scans: Mapping[str, Kept], shared: _Shared, report: Report) -> None:
    """Report what the challenge's programs may not take, and what was rounded for them."""
    if shared.size != CHALLENGE_FRAME:
        report(
            f"{tree.folder}: frames of {shared.size[1]} x {shared.size[0]} pixels; the challenge "
            f"expects {CHALLENGE_FRAME[1]} x {CHALLENGE_FRAME[0]}"
        )
    bare = sum(not kept.landmarks for kept in scans.values())
    if bare:
        report(f"{tree.folder}: {bare} of {len(scans)} sweeps have no landmarks to score")
    places = np.array([mark for kept in scans.values() for mark in kept.landmarks]).ravel()
    if not np.array_equal(places, np.rint(places)):
        report(f"{tree.folder}: landmarks are rounded to whole pixels, as the challenge has them")
