"""Tracker x split -> predictions folder, one file per sweep and what is known of the tracker."""

import inspect
import sys
import time
from pathlib import Path
from typing import Any

from tqdm import tqdm

from benchmark.files import read_json, sha256_of_file, write_json
from benchmark.reference import reference_card, reference_prediction
from benchmark.run import Run, environment
from benchmark.sweep import Prediction, Sweep, write_prediction
from benchmark.tracker import LearnedTracker

META_FORMAT = "sweepbench-predictions-1"


def predict(run: Run, split: str = "test", *, imu: bool = False) -> Path:
    """Let a trained run's tracker track every sweep of a split; return the predictions folder.

    `meta.json` is written last. A folder that has it for the same data and weights is left as it
    is; otherwise all sweeps are tracked again, so that the measured times belong together.
    """
    training = run.read_config() if run.tracker is not None else {}
    if run.tracker is not None:
        run.tracker.load(run.folder)
    folder, meta = run.predictions, _meta(run, split, training)
    if _is_current(folder / "meta.json", meta):
        return folder
    (folder / "meta.json").unlink(missing_ok=True)
    entries = run.dataset.split(split)
    seconds, frames = 0.0, 0
    _forget_peak_memory()
    for entry in tqdm(entries, desc=f"predict {run.name}", unit="sweep"):
        sweep = run.dataset.load(entry)
        began = time.perf_counter()
        prediction = _answer(run, sweep, imu)
        seconds += time.perf_counter() - began
        frames += len(sweep)
        write_prediction(folder / f"{sweep.name}.h5", prediction)
    measured = {"seconds_per_frame": seconds / frames, "peak_memory_mb": _peak_memory_mb()}
    write_json(folder / "meta.json", {**meta, **measured, "environment": environment()})
    return folder


def _answer(run: Run, sweep: Sweep, imu: bool) -> Prediction:
    if run.tracker is None:
        return reference_prediction(run.name, sweep)
    return run.tracker.track(sweep.observe(imu=imu))


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
        "card": card,
        "config": run.config,
        "config_hash": run.config_hash,
        "weights_sha256": sha256_of_file(weights) if weights.is_file() else None,
        "seed": run.seed,
        "trained_on": training.get("trained_on"),
        "training": training.get("training"),
        "parameters": parameters,
        "dataset": {"name": run.dataset.name, "hash": run.dataset.hash, "split": split},
    }


def _is_current(path: Path, meta: dict[str, Any]) -> bool:
    if not path.is_file():
        return False
    stored = read_json(path)
    return all(stored.get(key) == value for key, value in meta.items())


def _forget_peak_memory() -> None:
    """Set the process's peak memory back to the present one (Linux; elsewhere it stays)."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return


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
