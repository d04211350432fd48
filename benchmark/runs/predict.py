"""Predictions of a run: tracking a split, the folder that is written, and reading it back.

The folder holds one file per sweep and `meta.json`: tracker, training, data, time and memory.
"""

import inspect
import sys
import time
import traceback
from pathlib import Path
from typing import Any

from benchmark.errors import Report, UserError, note
from benchmark.files import read_json, sha256_of_file, sha256_of_text, write_json
from benchmark.hdf5 import read_prediction, write_prediction
from benchmark.machine.lock import RefuseLost, done_once
from benchmark.machine.memory import forget_peak_memory, peak_memory_mb
from benchmark.machine.progress import progress
from benchmark.runs.answer import answered, seen_by_tracker
from benchmark.runs.domain import (
    Domain,
    DomainFault,
    domain_faults,
    find_domain,
    measure_domain,
    summarised,
)
from benchmark.runs.environment import environment
from benchmark.runs.reference import reference_card, reference_prediction
from benchmark.runs.run import Run
from benchmark.runs.track import report_outside
from benchmark.scoring.submission import meta_faults
from benchmark.sweep import Prediction, Sweep
from benchmark.tracker import LearnedTracker, Tracker
from benchmark.tracks import track_of

META_FORMAT = "sweepbench-predictions-1"
ADVICE = "run 'sweepbench predict' first"


def predict(run: Run, split: str = "test") -> Path:
    """Let a trained run's tracker track every sweep of a split; return the predictions folder.

    A tracker is handed what it `reads`, never poses. One that learned from other data gets frames
    of the pixel size of its training, and `outside_training` in meta.json lists what else differs
    from its training. `meta.json` is written last. A folder that has it for the same data,
    weights and code is left as it is; otherwise its predictions are removed and all sweeps tracked
    again, so that all measured times are of one call. While another process tracks or scores the
    run, this one waits.
    """
    training = run.read_config() if run.tracker is not None else {}
    if run.tracker is not None and run.weights is None:
        run.tracker.load(run.folder)
    return predict_loaded(run, split, training)


def predict_loaded(
    run: Run, split: str, training: dict[str, Any], failed: Report | None = None
) -> Path:
    """Let a run's tracker, whose weights are loaded, track a split, as `predict` does.

    training: the content of its `config.json`, {} without any; failed: told of each sweep at which
    the tracker raises an exception, which then has no prediction. By default it ends the work.
    """
    folder, meta = run.predictions, _meta(run, split, training)

    def track_anew(refuse_lost: RefuseLost) -> None:
        _clear(folder)
        measured = _track_split(run, split, failed)
        refuse_lost()
        write_json(folder / "meta.json", {**meta, **measured, "environment": environment()})

    done_once(
        run.lock,
        f"the prediction or scoring of '{run.name}'",
        lambda: _is_current(folder / "meta.json", meta),
        track_anew,
        lambda text: _note(run, text),
    )
    return folder


def _track_split(run: Run, split: str, failed: Report | None) -> dict[str, Any]:
    """Track every sweep of a split and write its prediction; return what meta.json says of it."""
    domain = _domain(run)
    faults: list[list[DomainFault]] = []
    seconds, frames = 0.0, 0
    forget_peak_memory()
    for entry in progress(run.dataset.split(split), desc=f"predict {run.name}", unit="sweep"):
        sweep = run.dataset.load(entry)
        began = time.perf_counter()
        try:
            prediction, sweep_faults = _answer(run, sweep, domain)
        except Exception as error:
            if failed is None:
                error.add_note(f"while '{run.name}' tracked sweep '{sweep.name}'")
                raise
            failed(f"sweep '{sweep.name}': {_in_a_line(error)}")
            continue
        seconds += time.perf_counter() - began
        frames += len(sweep)
        write_prediction(run.predictions / f"{sweep.name}.h5", prediction)
        faults.append(sweep_faults)
    if not frames:
        raise UserError(f"'{run.name}' tracked none of the sweeps of split '{split}'")
    measured: dict[str, Any] = {
        "seconds_per_frame": seconds / frames,
        "peak_memory_mb": peak_memory_mb(),
    }
    if domain:
        measured["outside_training"] = summarised(faults)
        report_outside(measured["outside_training"], lambda text: _note(run, text), "it")
    return measured


def _in_a_line(error: Exception) -> str:
    """Return an exception, with the file and line that raised it, as one line."""
    place = traceback.extract_tb(error.__traceback__)[-1]
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text} ({Path(place.filename).name}, line {place.lineno})"


def _note(run: Run, text: str) -> None:
    note(f"{run.name}: {text}")


def _domain(run: Run) -> Domain | None:
    """Return the domain of a tracker that learned from other data; None otherwise or if unknown."""
    if not run.is_away:
        return None
    domain = find_domain(run.folder)
    if domain is None and run.trained_on is not None:
        domain = measure_domain(run.trained_on)
    if domain is None:
        _note(run, "it is not known what it was trained on")
    return domain


def _answer(run: Run, sweep: Sweep, domain: Domain | None) -> tuple[Prediction, list[DomainFault]]:
    """Return the prediction of a sweep, and what lies outside a known domain of training."""
    if run.tracker is None:
        return reference_prediction(run.name, sweep), []
    seen, regions = seen_by_tracker(sweep.observe(run.tracker.reads), domain)
    faults = domain_faults(domain, seen.bmode, regions, sweep.probe) if domain else []
    return answered(run.tracker, seen), faults


def _meta(run: Run, split: str, training: dict[str, Any]) -> dict[str, Any]:
    tracker = run.tracker
    weights = run.folder / "weights.safetensors"
    parameters = 0
    if isinstance(tracker, LearnedTracker):
        parameters = sum(value.numel() for value in tracker.module().parameters())
    card = reference_card(run.name) if tracker is None else inspect.getdoc(type(tracker)) or ""
    return {
        "format": META_FORMAT,
        "tracker": run.name,
        "kind": run.kind,
        "track": track_of(tracker.reads) if tracker else None,
        "card": card,
        "config": run.config,
        "config_hash": run.config_hash,
        "weights_sha256": sha256_of_file(weights) if weights.is_file() else None,
        "code_sha256": None if tracker is None else code_hash(type(tracker)),
        "seed": run.seed,
        "trained_on": training.get("trained_on"),
        "training": training.get("training"),
        "parameters": parameters,
        "dataset": run.dataset.described(split),
    }


def code_hash(found: type[Tracker]) -> str:
    """Return the SHA-256 of the source files of a tracker's class and of its bases.

    Bases in `benchmark` or in Python's standard library are left out, and those without a file.
    """
    known = sys.stdlib_module_names | {"benchmark"}
    foreign = [kind for kind in found.__mro__ if kind.__module__.split(".")[0] not in known]
    sources = dict.fromkeys(_source_of(kind) for kind in foreign)
    return sha256_of_text("".join(sha256_of_file(path) for path in sources if path))


def _source_of(kind: type) -> Path | None:
    try:
        path = Path(inspect.getsourcefile(kind) or "")
    except (OSError, TypeError):  # compiled, or typed at a prompt
        return None
    return path if path.is_file() else None


def _clear(folder: Path) -> None:
    """Remove predictions of another split, data or weights, `meta.json` first."""
    for path in (folder / "meta.json", *folder.glob("*.h5")):
        path.unlink(missing_ok=True)


def _is_current(path: Path, meta: dict[str, Any]) -> bool:
    if not path.is_file():
        return False
    stored = read_json(path)
    return all(stored.get(key) == value for key, value in meta.items())


def check_predicted(run: Run, split: str) -> None:
    """Refuse a run whose predictions are missing, of other data or of another split.

    Raises
    ------
    UserError : no meta.json, or all faults of it in one line.
    """
    meta = run.predictions / "meta.json"
    if not meta.is_file():
        raise UserError(f"{meta}: no such file; {ADVICE}")
    faults = list(meta_faults(run.predictions, run.dataset, split))
    if faults:
        raise UserError("; ".join(faults) + f"; {ADVICE}")


def read_predicted(run: Run, sweep: str) -> Prediction:
    """Return a run's prediction of a sweep, by its name.

    Raises
    ------
    UserError : no such file.
    """
    path = run.predictions / f"{sweep}.h5"
    if not path.is_file():
        raise UserError(f"{path}: no such file; {ADVICE}")
    return read_prediction(path)
