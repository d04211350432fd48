"""Predictions + data set + protocol -> result.json, the only file that a leaderboard reads."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmark import geometry
from benchmark.dataset import Dataset, Entry, open_dataset
from benchmark.errors import UserError
from benchmark.files import read_json, write_json
from benchmark.hdf5 import read_prediction
from benchmark.metrics import Case, compute
from benchmark.results import make_result, read_result
from benchmark.scoring.prediction_file import SUFFIXES, prediction_faults
from benchmark.scoring.protocol import Protocol, find_protocol
from benchmark.scoring.statistics import Summary, summarise
from benchmark.scoring.submission import DEFAULT_SPLIT, meta_faults
from benchmark.sweep import Prediction, Sweep
from benchmark.tracks import PLAIN

CURVE_POINTS = 100
#: Decimals (mm) of curves and trajectories, which are only drawn; metrics keep all digits.
DRAWN_DECIMALS = 4


def evaluate(
    predictions: Path | str,
    dataset: Dataset | Path | str,
    protocol: Protocol | str = "sweepbench-v2",
    out: Path | str | None = None,
    *,
    split: str | None = None,
    answers: Dataset | Path | str | None = None,
) -> dict[str, Any]:
    """Score a predictions folder, write the result to `out` (if given) and return it.

    A sweep that is missing or faulty is listed under "failed" with its reason; the others are
    scored.

    Parameters
    ----------
    predictions : the folder, as `benchmark.scoring.submission` describes it.
    dataset : the data set that was predicted; its hash must be the one in meta.json.
    protocol : a protocol or its name.
    out : where result.json is written.
    split : the split that must have been predicted; by default the one that meta.json names.
    answers : a data set with the same sweeps' true poses, where those of `dataset` are withheld.

    Raises
    ------
    UserError : a faulty meta.json (all faults in one line), unknown protocol, answers of other data
        or that lack a sweep.
    """
    folder = Path(predictions)
    rules = find_protocol(protocol) if isinstance(protocol, str) else protocol
    data = _opened(dataset)
    meta, split = _checked_meta(folder, data, split)
    _refuse_other_track(folder, meta, rules)
    truth = data if answers is None else _answers_of(data, _opened(answers))
    sweeps, failed = _scored(folder, data.split(split), truth, rules.metrics)
    result = make_result(
        meta,
        dataset=data.described(split),
        protocol={"name": rules.name, "hash": rules.hash},
        sweeps=sweeps,
        failed=failed,
        summary=summary_of(sweeps, rules.metrics),
        answers=None if answers is None else truth.hash,
    )
    if out is not None:
        write_json(out, result)
    return result


def _scored(
    folder: Path, entries: Sequence[Entry], truth: Dataset, metrics: Iterable[str]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the result's "sweeps" and "failed" of the predictions in a folder."""
    sweeps, failed = [], []
    for entry in entries:
        path, reason = _prediction_path(folder, entry)
        if path is None:
            factors = dict(entry.factors)
            failed.append({"sweep": entry.name, "reason": reason, "factors": factors})
        else:
            sweep = truth.load(_answer(truth, entry), lazy=True)
            sweeps.append(score_sweep(entry, sweep, read_prediction(path), metrics))
    return sweeps, failed


def is_current(out: Path, predictions: Path, protocol: Protocol | str) -> bool:
    """Return whether `out` is the result of these predictions under a protocol, and not older."""
    rules = find_protocol(protocol) if isinstance(protocol, str) else protocol
    meta = predictions / "meta.json"
    if not (out.is_file() and meta.is_file()) or out.stat().st_mtime < meta.stat().st_mtime:
        return False
    try:
        return read_result(out)["protocol"]["hash"] == rules.hash
    except UserError:
        return False  # of another version, or damaged


def _opened(dataset: Dataset | Path | str) -> Dataset:
    return dataset if isinstance(dataset, Dataset) else open_dataset(dataset)


def _checked_meta(folder: Path, dataset: Dataset, split: str | None) -> tuple[dict[str, Any], str]:
    """Return meta.json and the split to score, or refuse it with all that is wrong."""
    meta = read_json(folder / "meta.json")
    told = meta.get("dataset") if isinstance(meta, dict) else None
    named = told.get("split", DEFAULT_SPLIT) if isinstance(told, dict) else DEFAULT_SPLIT
    expected = str(named) if split is None else split
    faults = list(meta_faults(folder, dataset, expected))
    if faults:
        raise UserError("; ".join(faults))
    return meta, expected


def _refuse_other_track(folder: Path, meta: Mapping[str, Any], rules: Protocol) -> None:
    track = meta.get("track") or PLAIN
    if track not in rules.tracks:
        known = ", ".join(rules.tracks)
        raise UserError(
            f"{folder / 'meta.json'}: track: protocol '{rules.name}' has {known}, got '{track}'"
        )


def _prediction_path(folder: Path, entry: Entry) -> tuple[Path | None, str]:
    """Return the sound prediction file of a sweep, or None and why there is none."""
    paths = [path for s in SUFFIXES if (path := folder / f"{entry.name}{s}").is_file()]
    if not paths:
        return None, "missing"
    if len(paths) > 1:
        return None, "given twice, as .h5 and as .npz"
    faults = prediction_faults(paths[0], entry.frames)
    # Results are shared: a reason must not name a folder of this machine.
    reasons = [fault.replace(str(paths[0]), paths[0].name, 1) for fault in faults]
    return (None, "; ".join(reasons)) if reasons else (paths[0], "")


def _answers_of(dataset: Dataset, answers: Dataset) -> Dataset:
    """Return the answers, or refuse them where they are not those that the data set names."""
    ours, theirs = _commitment(dataset), _commitment(answers)
    for key, value in ours.items():
        if theirs.get(key) != value:
            raise UserError(
                f"{answers.folder}: answers of other data than {dataset.folder}: expected {key} "
                f"{str(value)[:12]}, got {str(theirs.get(key))[:12]}"
            )
    return answers


def _commitment(dataset: Dataset) -> dict[str, Any]:
    """Return what names the answers of a set with withheld poses: entropy's hash, spec, generator.

    Empty for a set that withholds nothing.
    """
    withheld = dataset.identity.get("withheld") or {}
    drawn_by = {key: dataset.identity.get(key) for key in ("spec_hash", "generator")}
    return {**withheld, **drawn_by} if withheld else {}


def _answer(truth: Dataset, entry: Entry) -> Entry:
    """Return the entry of the same sweep in the data set of the answers."""
    for candidate in truth.entries:
        if candidate.name == entry.name and candidate.frames == entry.frames:
            return candidate
    raise UserError(f"{truth.folder}: no answers for sweep '{entry.name}' of {entry.frames} frames")


def score_sweep(
    entry: Entry, sweep: Sweep, prediction: Prediction, metrics: Iterable[str]
) -> dict[str, Any]:
    """Return one entry of result.json's "sweeps": metrics, curve and trajectory of one sweep."""
    case = make_case(sweep, prediction)
    drawn = np.unique(np.linspace(0, len(case) - 1, min(len(case), CURVE_POINTS)).round())
    index = drawn.astype(int)
    return {
        "name": entry.name,
        "subject": entry.subject,
        "frames": entry.frames,
        "factors": dict(entry.factors),
        "metrics": compute(case, metrics),
        "curve": {
            "path_mm": _drawn(case.paths[0, index]),
            "drift_mm": _drawn(case.drifts[0, index]),
        },
        "trajectory": {
            "true": _drawn(case.true_track[index]),
            "predicted": _drawn(case.predicted_track[index]),
        },
    }


def make_case(sweep: Sweep, prediction: Prediction) -> Case:
    """Return the case of a sweep and its prediction; only the B-mode channel's poses are read."""
    channel = sweep.bmode
    return Case(
        geometry.anchor(channel.world_from_image),
        prediction.first_from_frame,
        channel.mm_from_pixel,
        (channel.frames.shape[1], channel.frames.shape[2]),
        prediction.prev_from_frame,
        np.asarray(sweep.landmarks, float),
        prediction.sigma,
    )


def _drawn(values: np.ndarray) -> list[Any]:
    return values.round(DRAWN_DECIMALS).tolist()


def summary_of(sweeps: Sequence[Mapping[str, Any]], metrics: Iterable[str]) -> dict[str, Summary]:
    """Return mean, sd and interval of the mean over subjects by metric id."""
    subjects = [row["subject"] for row in sweeps]
    return {name: summarise([row["metrics"][name] for row in sweeps], subjects) for name in metrics}
