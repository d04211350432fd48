"""Every fault of a predictions folder, listed at once, before anything is scored.

<folder>/meta.json          {"format", "tracker", "dataset": {"name", "hash", "split"}, ...}
<folder>/<sweep name>.h5    or .npz: first_from_frame, optionally prev_from_frame and sigma
"""

import difflib
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from benchmark.dataset import SPLITS, Dataset, open_dataset
from benchmark.errors import UserError
from benchmark.files import read_json
from benchmark.frames import open_hdf5
from benchmark.geometry import se3_fault
from benchmark.hdf5 import PREDICTION_FORMAT
from benchmark.sweep import SE3_TOLERANCE
from benchmark.tracks import TRACKS

PREDICTIONS_FORMAT = "sweepbench-predictions-1"
SUFFIXES = (".h5", ".npz")
KEYS = ("first_from_frame", "prev_from_frame", "sigma")
KINDS = ("learned", "classical", "reference", "external")
DEFAULT_SPLIT = "test"


def check_predictions(folder: Path | str, dataset: Dataset | Path | str, split: str) -> list[str]:
    """Return one line per fault of a predictions folder; an empty list means that it is complete.

    Poses of the data set are not needed: a withheld split is checked the same way.

    Raises
    ------
    UserError : the data set or its split does not exist (a fault of the call, not of the folder).
    """
    folder = Path(folder)
    opened = dataset if isinstance(dataset, Dataset) else open_dataset(dataset)
    expected = {entry.name: entry.frames for entry in opened.split(split)}
    if not folder.is_dir():
        return [f"{folder}: no such folder"]
    faults = list(meta_faults(folder, opened, split))
    files, strays = _prediction_files(folder)
    faults += [f"{path}: unexpected file (expected meta.json, *.h5, *.npz)" for path in strays]
    for name, paths in files.items():
        if name not in expected:
            faults.append(_unknown_sweep(paths[0], name, expected, opened, split))
            continue
        if len(paths) > 1:
            faults.append(f"{folder}: sweep '{name}' is given twice, as .h5 and as .npz")
        for path in paths:
            faults += prediction_faults(path, expected[name])
    faults += [
        f"{folder}: sweep '{name}' is missing (expected {name}.h5 or {name}.npz)"
        for name in expected
        if name not in files
    ]
    return faults


def _prediction_files(folder: Path) -> tuple[dict[str, list[Path]], list[Path]]:
    """Return prediction files by sweep name, and what else lies in the folder."""
    files: dict[str, list[Path]] = {}
    strays = []
    for path in sorted(folder.iterdir()):
        if path.name.startswith("."):
            continue  # left by file systems and killed writers
        if path.suffix in SUFFIXES and path.is_file():
            files.setdefault(path.stem, []).append(path)
        elif path.name != "meta.json":
            strays.append(path)
    return files, strays


def _unknown_sweep(
    path: Path, name: str, expected: Mapping[str, int], dataset: Dataset, split: str
) -> str:
    for entry in dataset.entries:
        if entry.name == name:
            return f"{path}: sweep '{name}' is of split '{entry.split}', expected '{split}'"
    near = difflib.get_close_matches(name, expected, n=1, cutoff=0.5)
    hint = f"; did you mean '{near[0]}'?" if near else ""
    return f"{path}: data set '{dataset.name}' has no sweep '{name}'{hint}"


def meta_faults(folder: Path, dataset: Dataset, split: str) -> Iterator[str]:
    """Yield what is wrong with a folder's meta.json, the identity of the data included."""
    path = folder / "meta.json"
    try:
        meta = read_json(path)
    except UserError as error:
        yield str(error)
        return
    if not isinstance(meta, dict):
        yield f"{path}: expected an object, got {type(meta).__name__}"
        return
    if meta.get("format") != PREDICTIONS_FORMAT:
        yield f"{path}: format: expected '{PREDICTIONS_FORMAT}', got {meta.get('format')!r}"
    if not (isinstance(meta.get("tracker"), str) and meta["tracker"].strip()):
        yield f"{path}: tracker: expected a name, got {meta.get('tracker')!r}"
    for fault in _dataset_faults(meta.get("dataset"), dataset, split):
        yield f"{path}: dataset{fault}"
    for fault in _optional_faults(meta):
        yield f"{path}: {fault}"


def _dataset_faults(told: Any, dataset: Dataset, split: str) -> Iterator[str]:
    if not isinstance(told, dict):
        yield f": expected an object with name and hash, got {told!r}"
        return
    if told.get("name") != dataset.name:
        yield f".name: expected '{dataset.name}', got {told.get('name')!r}"
    if told.get("hash") != dataset.hash:
        yield f".hash: predictions of other data: expected {dataset.hash}, got {told.get('hash')!r}"
    found = told.get("split", DEFAULT_SPLIT)
    if found not in SPLITS:
        yield f".split: expected one of {', '.join(SPLITS)}, got {found!r}"
    elif found != split:
        yield f".split: expected '{split}', got '{found}'"


@dataclass(frozen=True)
class _Optional:
    """The rule of an optional key of meta.json: types, their names in a message, least value."""

    kinds: tuple[type, ...]
    wording: str
    least: float | None = None


_OPTIONAL = {
    "card": _Optional((str,), "a text"),
    "config": _Optional((dict,), "an object"),
    "config_hash": _Optional((str,), "a text"),
    "weights_sha256": _Optional((str,), "a text"),
    "code_sha256": _Optional((str,), "a text"),
    "seed": _Optional((int,), "a whole number"),
    "trained_on": _Optional((dict,), "an object with name and hash"),
    "training": _Optional((dict,), "an object"),
    "training.seconds": _Optional((int, float), "a number of at least 0", 0),
    "seconds_per_frame": _Optional((int, float), "a number of at least 0", 0),
    "peak_memory_mb": _Optional((int, float), "a number of at least 0", 0),
    "parameters": _Optional((int,), "a whole number of at least 0", 0),
    "environment": _Optional((dict,), "an object"),
}


def _value_at(meta: Any, path: str) -> Any:
    """Return the value at a key like "training.seconds", None where there is none."""
    for key in path.split("."):
        meta = meta.get(key) if isinstance(meta, Mapping) else None
    return meta


def _optional_faults(meta: Mapping[str, Any]) -> Iterator[str]:
    if meta.get("kind", "external") not in KINDS:
        yield f"kind: expected one of {', '.join(KINDS)}, got {meta['kind']!r}"
    track = meta.get("track")
    if track is not None and track not in tuple(TRACKS):
        yield f"track: expected one of {', '.join(TRACKS)}, got {track!r}"
    for key, rule in _OPTIONAL.items():
        value = _value_at(meta, key)
        if value is None:
            continue
        good = isinstance(value, rule.kinds) and not isinstance(value, bool)
        # `not >=` catches NaN too, which Python's JSON reader lets pass.
        if not good or (rule.least is not None and not value >= rule.least):
            yield f"{key}: expected {rule.wording}, got {value!r}"


def prediction_faults(path: Path, frames: int) -> list[str]:
    """Return one line per fault of one prediction file that should cover `frames` frames."""
    try:
        arrays, others = _arrays(path)
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile) as error:
        kind = "npz of plain arrays" if path.suffix == ".npz" else "HDF5"
        first = str(error).strip().splitlines()[0] if str(error).strip() else "empty file"
        return [f"{path}: cannot be read as {kind}: truncated or of another kind ({first})"]
    except UserError as error:
        return [str(error)]
    faults = [f"unknown key '{key}' (known: {', '.join(KEYS)})" for key in others]
    if "first_from_frame" not in arrays:
        faults.append("first_from_frame is missing")
    for key, shape in (
        ("first_from_frame", (frames, 4, 4)),
        ("prev_from_frame", (frames - 1, 4, 4)),
        ("sigma", (frames - 1,)),
    ):
        if key in arrays:
            faults += [f"{key}: {fault}" for fault in _array_faults(key, arrays[key], shape)]
    return [f"{path}: {fault}" for fault in faults]


def _arrays(path: Path) -> tuple[dict[str, np.ndarray], list[str]]:
    """Return the known arrays of a prediction file and the names of what else is in it."""
    if path.suffix == ".npz":
        file = np.load(path, allow_pickle=False)
        if isinstance(file, np.ndarray):
            raise ValueError("a single array")
        with file:
            return {k: file[k] for k in KEYS if k in file}, [k for k in file if k not in KEYS]
    with open_hdf5(path) as file:
        found = file.attrs.get("format")
        if found != PREDICTION_FORMAT:
            raise UserError(f"{path}: format: expected '{PREDICTION_FORMAT}', got {found!r}")
        for key in KEYS:
            if key in file and not isinstance(file[key], h5py.Dataset):
                raise UserError(f"{path}: {key}: expected an array, got a group")
        arrays = {k: np.asarray(file[k][()]) for k in KEYS if k in file}
        return arrays, [k for k in file if k not in KEYS]


def _array_faults(key: str, array: np.ndarray, shape: tuple[int, ...]) -> Iterator[str]:
    if array.dtype.kind != "f":
        yield f"expected floating-point numbers, got {array.dtype}"
        return
    if array.ndim != len(shape) or array.shape[1:] != shape[1:]:
        pattern = "(N" + ("" if key == "first_from_frame" else "-1")
        pattern += ", 4, 4)" if len(shape) == 3 else ",)"
        yield f"expected shape {pattern}, got {array.shape}"
        return
    if len(array) != shape[0]:
        yield f"expected {shape[0]} entries for the sweep's frames, got {len(array)}"
    bad = ~np.isfinite(array).reshape(len(array), -1).all(1)
    if bad.any():
        yield f"NaN or infinite in {int(bad.sum())} entries, the first being {int(bad.argmax())}"
    if key == "sigma":
        if (array < 0).any():
            yield "a standard deviation below zero"
        return
    good = array[~bad]
    fault = se3_fault(good.astype(float), SE3_TOLERANCE)
    if fault:
        yield f"not rigid poses: {fault}"
    if key == "first_from_frame" and len(array) and not bad[0]:
        yield from _first_pose_faults(array[0])


def _first_pose_faults(pose: np.ndarray) -> Iterator[str]:
    off = float(np.abs(pose - np.eye(4)).max())
    if off > SE3_TOLERANCE:
        yield (
            f"the first pose is not the identity (off by {off:.3g}); poses map each frame to the "
            "first one, not to the world"
        )
