"""The provenance of kept tables: data, trackers and their training, environment."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmark.files import read_json, write_json
from benchmark.runs.environment import environment
from benchmark.runs.run import Run


def write_provenance(folder: Path, runs: Sequence[Run]) -> Path:
    """Write `provenance.json` into a folder of tables that were made from these runs."""
    content = {
        "dataset": runs[0].dataset.named(),
        "environment": environment(),
        "trackers": [_told(run) for run in runs],
    }
    path = folder / "provenance.json"
    write_json(path, content)
    return path


def _told(run: Run) -> dict[str, Any]:
    """Return the identity of a run's predictions as their `meta.json` has it."""
    meta = run.predictions / "meta.json"
    told = read_json(meta) if meta.is_file() else {}
    keys = ("config_hash", "seed", "weights_sha256", "trained_on", "environment")
    return {"tracker": run.name, **{key: told.get(key) for key in keys}}
