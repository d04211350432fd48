"""Tracker x split -> predictions folder, one file per sweep and what is known of the tracker."""

import ctypes
import gc
import inspect
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from tqdm import tqdm

from benchmark.errors import UserError
from benchmark.files import read_json, sha256_of_file, sha256_of_text, write_json
from benchmark.hdf5 import read_prediction, write_prediction
from benchmark.runs.domain import Domain, domain_faults, find_domain, measure_domain, summarised
from benchmark.runs.environment import environment
from benchmark.runs.reference import reference_card, reference_prediction
from benchmark.runs.resampling import resampled
from benchmark.runs.run import Run
from benchmark.scoring.submission import meta_faults
from benchmark.sweep import Observation, Prediction, Sweep
from benchmark.tracker import LearnedTracker, Tracker
from benchmark.tracks import BMODE, track_of

META_FORMAT = "sweepbench-predictions-1"


def predict(run: Run, split: str = "test") -> Path:
    """Let a trained run's tracker track every sweep of a split; return the predictions folder.

    A tracker is handed what it `reads`, never poses. One that learned from other data gets frames
    of the pixel size that it knows, and meta.json says under `outside_training` what else is
    unlike its training. `meta.json` is written last. A folder that has it for the same data,
    weights and code is left as it is; otherwise its predictions are removed and all sweeps tracked
    again, so that the measured times belong together.
    """
    training = run.read_config() if run.tracker is not None else {}
    if run.tracker is not None:
        run.tracker.load(run.folder)
    folder, meta = run.predictions, _meta(run, split, training)
    if _is_current(folder / "meta.json", meta):
        return folder
    _clear(folder)
    domain = _domain(run)
    faults: list[list[str]] = []
    seconds, frames = 0.0, 0
    _forget_peak_memory()
    for entry in tqdm(run.dataset.split(split), desc=f"predict {run.name}", unit="sweep"):
        sweep = run.dataset.load(entry)
        began = time.perf_counter()
        prediction = _answer(run, sweep, domain)
        seconds += time.perf_counter() - began
        frames += len(sweep)
        write_prediction(folder / f"{sweep.name}.h5", prediction)
        if domain:
            images = resampled(sweep.bmode, domain.pixel_mm, domain.shape)
            faults.append(domain_faults(domain, images))
    measured: dict[str, Any] = {
        "seconds_per_frame": seconds / frames,
        "peak_memory_mb": _peak_memory_mb(),
    }
    if domain:
        measured["outside_training"] = _told(run, summarised(faults))
    write_json(folder / "meta.json", {**meta, **measured, "environment": environment()})
    return folder


def _domain(run: Run) -> Domain | None:
    """Return what a tracker that learned elsewhere was trained on, None at home or if unknown."""
    if not run.is_away:
        return None
    domain = find_domain(run.folder)
    if domain is None and run.trained_on is not None:
        domain = measure_domain(run.trained_on)
    if domain is None:
        print(f"note: {run.name}: it is not known what it was trained on", file=sys.stderr)
    return domain


def _told(run: Run, faults: list[str]) -> list[str]:
    for fault in faults:
        print(f"note: {run.name}: outside what it was trained on: {fault}", file=sys.stderr)
    return faults


def _answer(run: Run, sweep: Sweep, domain: Domain | None) -> Prediction:
    if run.tracker is None:
        return reference_prediction(run.name, sweep)
    seen = sweep.observe(run.tracker.reads)
    if domain:
        frames = resampled(seen.bmode, domain.pixel_mm, domain.shape)
        seen = Observation({**seen.channels, BMODE: frames}, seen.probe, seen.imu)
    return run.tracker.track(seen)


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
        "dataset": {"name": run.dataset.name, "hash": run.dataset.hash, "split": split},
    }


def code_hash(found: type[Tracker]) -> str:
    """Return the SHA-256 of the source files of a tracker's class and of its bases.

    Left out are the bases of this package and of Python itself, and what has no source file.
    """
    known = sys.stdlib_module_names | {"benchmark"}
    foreign = [kind for kind in found.__mro__ if kind.__module__.split(".")[0] not in known]
    sources = dict.fromkeys(_source_of(kind) for kind in foreign)
    return sha256_of_text("".join(sha256_of_file(path) for path in sources if path))


def _source_of(kind: type) -> Path | None:
    try:
        path = Path(inspect.getsourcefile(kind) or "")
    except (OSError, TypeError):  # compiled, or typed in
        return None
    return path if path.is_file() else None


def _clear(folder: Path) -> None:
    """Remove what an earlier call wrote, meta.json first: of another split, data or weights."""
    for path in (folder / "meta.json", *folder.glob("*.h5")):
        path.unlink(missing_ok=True)


def _is_current(path: Path, meta: dict[str, Any]) -> bool:
    if not path.is_file():
        return False
    stored = read_json(path)
    return all(stored.get(key) == value for key, value in meta.items())


def _forget_peak_memory() -> None:
    """Set the process's peak memory back to the present one (Linux; elsewhere it stays).

    What earlier trackers left is given back to the system first, so that the peak is not theirs.
    """
    gc.collect()
    with suppress(OSError, AttributeError):  # of glibc alone
        ctypes.CDLL("libc.so.6").malloc_trim(0)
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def _peak_memory_mb() -> float:
    """Return the process's peak resident memory in MB since it was last set back."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
        return round(
            next(int(row.split()[1]) for row in lines if row.startswith("VmHWM")) / 1024, 1
        )
    except (OSError, StopIteration):
        import resource

        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return round(peak / (2**20 if sys.platform == "darwin" else 1024), 1)


ADVICE = "run 'python -m benchmark predict' first"


def check_predicted(run: Run, split: str) -> None:
    """Refuse a run whose predictions are missing, of other data or of another split.

    Raises
    ------
    UserError : no meta.json, or all that is wrong with it, in one line.
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
