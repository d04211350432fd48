"""The provenance of kept tables: data, trackers and their training, environment."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmark.files import read_json, write_json
from benchmark.runs.environment import environment
from benchmark.runs.run import Run

_KEYS = ("config_hash", "seed", "weights_sha256", "trained_on", "environment")


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


def write_sources(folder: Path, results: Iterable[Path]) -> Path:
    """Write `provenance.json` into a folder of tables that were made from these result.json files,
    which may be of several data sets."""
    path = folder / "provenance.json"
    sources = [_source(read_json(result)) for result in results]
    write_json(path, {"environment": environment(), "results": sources})
    return path


def _source(result: Mapping[str, Any]) -> dict[str, Any]:
    """Return the identity of a result."""
    data = {key: result["dataset"].get(key) for key in ("name", "hash", "split")}
    keys = ("tracker", "protocol", *_KEYS)
    return {"dataset": data, **{key: result.get(key) for key in keys}}


def _told(run: Run) -> dict[str, Any]:
    """Return the identity of a run's predictions as their `meta.json` has it."""
    meta = run.predictions / "meta.json"
    told = read_json(meta) if meta.is_file() else {}
    return {"tracker": run.name, **{key: told.get(key) for key in _KEYS}}
