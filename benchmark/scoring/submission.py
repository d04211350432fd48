"""Every fault of a predictions folder, listed at once, before anything is scored.

<folder>/meta.json          {"format", "tracker", "dataset": {"name", "hash", "split"}, ...}
<folder>/<sweep name>.h5    or .npz: first_from_frame, optionally prev_from_frame and sigma
"""

import difflib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from benchmark.dataset import SPLITS, Dataset, open_dataset
from benchmark.errors import UserError, one_line
from benchmark.files import is_fingerprint, read_json
from benchmark.schema.checks import NAME, Keys, faults, shown
from benchmark.schema.plain import plain_fault
from benchmark.schema.result import about_tracker
from benchmark.scoring.prediction_file import LINK, SUFFIXES, leads_out, prediction_faults
from benchmark.tracks import TRACKS, data_gap, parts_of, told_track

PREDICTIONS_FORMAT = "sweepbench-predictions-1"
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
        return [f"{folder}: {'not a folder' if folder.exists() else 'no such folder'}"]
    found = list(meta_faults(folder, opened, split))
    files, strays = prediction_files(folder)
    found += [f"{path}: unexpected file (expected meta.json, *.h5, *.npz)" for path in strays]
    for name, paths in files.items():
        if name not in expected:
            found.append(_unknown_sweep(paths[0], name, expected, opened, split))
            continue
        if len(paths) > 1:
            found.append(f"{folder}: sweep '{name}' is given twice, as .h5 and as .npz")
        for path in paths:
            found += prediction_faults(path, expected[name])
    found += [
        f"{folder}: sweep '{name}' is missing (expected {name}.h5 or {name}.npz)"
        for name in expected
        if name not in files
    ]
    return list(map(one_line, found))


def prediction_files(folder: Path) -> tuple[dict[str, list[Path]], list[Path]]:
    """Return prediction files by sweep name, and what else lies in the folder unexplained.

    Hidden files, and those that people put beside data for people, are explained.
    """
    files: dict[str, list[Path]] = {}
    strays = []
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or (path.is_file() and _is_for_people(path)):
            continue  # the first are left by file systems and killed writers
        if path.suffix in SUFFIXES and path.is_file():
            files.setdefault(path.stem, []).append(path)
        elif path.name != "meta.json":
            strays.append(path)
    return files, strays


def _is_for_people(path: Path) -> bool:
    return path.suffix.lower() in (".md", ".txt") or path.stem.upper() in ("README", "LICENSE")


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
    if leads_out(path):
        yield f"{path}: {LINK}"
        return
    try:
        meta = read_json(path)
    except UserError as error:
        yield str(error)
        return
    if not isinstance(meta, dict):
        yield f"{path}: expected an object, got {type(meta).__name__}"
        return
    fault = plain_fault(meta)
    if fault:
        yield f"{path}: {fault}"
        return
    if meta.get("format") != PREDICTIONS_FORMAT:
        yield f"{path}: format: expected '{PREDICTIONS_FORMAT}', got {shown(meta.get('format'))}"
    for fault in _dataset_faults(meta.get("dataset"), dataset, split):
        yield f"{path}: dataset{fault}"
    for fault in _fingerprint_faults(meta, dataset, split):
        yield f"{path}: dataset.fingerprints: {fault}"
    for fault in faults(meta, Keys({"tracker": NAME}, about_tracker(tuple(TRACKS)))):
        yield f"{path}: {fault}"


def _dataset_faults(told: Any, dataset: Dataset, split: str) -> Iterator[str]:
    if not isinstance(told, dict):
        yield f": expected an object with name and hash, got {told!r}"
        return
    if told.get("hash") != dataset.hash:  # a folder may have any name
        named = f"of {told['name']!r} " if "name" in told else ""
        yield (
            f".hash: predictions of other data: expected {dataset.hash} of '{dataset.name}', "
            f"got {told.get('hash')!r} {named}".rstrip()
        )
    found = told.get("split", DEFAULT_SPLIT)
    if found not in SPLITS:
        yield f".split: expected one of {', '.join(SPLITS)}, got {found!r}"
    elif found != split:
        yield f".split: expected '{split}', got '{found}'"


def _fingerprint_faults(meta: Mapping[str, Any], dataset: Dataset, split: str) -> Iterator[str]:
    """Yield in which sweeps the predicted copy of the data, as far as it is told, is another."""
    named = meta.get("dataset")
    if not isinstance(named, dict) or named.get("hash") != dataset.hash or split not in SPLITS:
        return
    told = named.get("fingerprints")
    if told is None:
        return
    if not isinstance(told, dict) or not all(map(is_fingerprint, told.values())):
        yield "expected an object by sweep, as dataset.json has it"
        return
    differing = []
    for entry in dataset.split(split):
        parts = parts_of(told_track(meta.get("track")), entry.fingerprint)
        gap = data_gap(entry.fingerprint, told.get(entry.name, {}), parts)
        differing += [] if gap is None else [f"sweep '{entry.name}': {gap}"]
    if differing:
        more = f" (and {len(differing) - 1} more sweeps)" if len(differing) > 1 else ""
        yield f"predictions of other data than {dataset.folder}: {differing[0]}{more}"
