"""result.json, the file of one tracker's scores: written, read, and many of them as one table."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmark.errors import UserError
from benchmark.files import read_json
from benchmark.schema.checks import shown
from benchmark.schema.result import result_faults
from benchmark.tables import table
from benchmark.tracks import TRACKS

if TYPE_CHECKING:
    from pandas import DataFrame

RESULT_FORMAT = "sweepbench-result-2"
RESULT_FORMATS = "sweepbench-result-"  # how all versions begin


def make_result(
    meta: Mapping[str, Any],
    *,
    dataset: Mapping[str, Any],
    protocol: Mapping[str, Any],
    sweeps: Sequence[Mapping[str, Any]],
    failed: Sequence[Mapping[str, Any]],
    summary: Mapping[str, Any],
    answers: str | None = None,
) -> dict[str, Any]:
    """Return the content of a result.json as JSON values.

    Parameters
    ----------
    meta : what the predictions' meta.json says of the tracker and its training.
    dataset : `Dataset.described`: its identity, split and fingerprints. protocol : name and hash.
    sweeps, failed : one entry per scored sweep, and one per sweep without scores with its reason.
    summary : mean, standard deviation and interval by metric id.
    answers : hash of the data set of the answers, where the true poses are withheld.
    """
    result = {
        **{key: value for key, value in meta.items() if key != "format"},
        "format": RESULT_FORMAT,
        "dataset": dataset,
        "protocol": protocol,
        "expected_sweeps": len(sweeps) + len(failed),
        "failed": failed,
        "sweeps": sweeps,
        "summary": summary,
    }
    return without_nan(result if answers is None else {**result, "answers": answers})


def without_nan(value: Any) -> Any:
    """Return a JSON value with None in place of every NaN and infinity, and no numpy scalars."""
    if isinstance(value, Mapping):
        return {key: without_nan(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [without_nan(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value


def is_result(content: Any) -> bool:
    """Return whether the content of a JSON file says that it is a result, of any version."""
    told = content.get("format") if isinstance(content, dict) else None
    return isinstance(told, str) and told.startswith(RESULT_FORMATS)


def read_result(path: Path) -> dict[str, Any]:
    """Return the content of a result.json, all of it checked.

    Raises
    ------
    UserError : no such file, not JSON, another format, or a fault of its content (`result_faults`).
    """
    result = read_json(path)
    if not isinstance(result, dict):
        raise UserError(f"{path}: expected a result (an object), got {shown(result)}")
    if result.get("format") != RESULT_FORMAT:
        found = shown(result.get("format"))
        raise UserError(f"{path}: expected format '{RESULT_FORMAT}', got {found}")
    refuse_faults(path, result_faults(result, tuple(TRACKS)))
    return result


def refuse_faults(path: Path, found: Iterator[str]) -> None:
    """Raise a UserError of one line where a file has faults: the first, and how many more."""
    lines = list(found)
    if lines:
        more = f" (and {len(lines) - 1} more faults)" if len(lines) > 1 else ""
        raise UserError(f"{path}: {lines[0]}{more}")


def result_paths(places: Iterable[Path | str]) -> list[Path]:
    """Return the result files at some places, each once.

    A file is taken as it is. Of a folder, every `result.json` anywhere below it is taken and every
    other result among its own `*.json` files; JSON that is no result, and hidden files, are not.

    Raises
    ------
    UserError : a folder without results; a file of a folder that is not JSON.
    """
    found: dict[Path, Path] = {}
    for place in map(Path, places):
        paths = _results_below(place) if place.is_dir() else [place]
        if not paths:
            raise UserError(
                f"{place}: expected a result, found none (result.json anywhere below the folder, "
                "or other *.json files in it)"
            )
        for path in paths:
            found.setdefault(path.resolve(), path)
    return list(found.values())


def _results_below(folder: Path) -> list[Path]:
    candidates = sorted({*folder.glob("*.json"), *folder.rglob("result.json")})
    return [p for p in candidates if not p.name.startswith(".") and is_result(read_json(p))]


def read_results(*places: Path | str) -> "DataFrame":
    """Return one row per tracker, seed and sweep of results, as a pandas table for notebooks.

    Parameters
    ----------
    places : result files and folders, as `result_paths` takes them.

    Returns
    -------
    Columns, missing where a result does not say: tracker, kind, track, seed, config_hash,
    trained_on, dataset, split, protocol; sweep, subject, frames; failed (why a sweep has no
    scores, missing where it has); a column per metric id (float64); and `factor_<name>` per factor
    of the sweeps, e.g. factor_profile.

    Raises
    ------
    UserError : no place; as `result_paths` and `read_result`.
    """
    results = [read_result(path) for path in result_paths(places)]
    if not results:
        raise UserError("read_results: expected files or folders of results, got none")
    metrics = dict.fromkeys(
        key for result in results for sweep in result["sweeps"] for key in sweep["metrics"]
    )
    rows = [row for result in results for row in _rows(result)]
    first = dict.fromkeys(key for row in rows for key in row if key not in metrics)
    factors = [key for key in first if key.startswith("factor_")]
    order = [*(key for key in first if key not in factors), *metrics, *factors]
    return table(rows, order).astype(dict.fromkeys(metrics, "float64"))


def _rows(result: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the rows of one result: its scored sweeps, then those that failed."""
    about = {key: result.get(key) for key in ("tracker", "kind", "track", "seed", "config_hash")}
    about["trained_on"] = (result.get("trained_on") or {}).get("name")
    about["dataset"], about["split"] = (result["dataset"].get(key) for key in ("name", "split"))
    about["protocol"] = result["protocol"].get("name")
    for sweep in result["sweeps"]:
        about_sweep = {"sweep": sweep["name"], "subject": sweep["subject"]}
        about_sweep |= {"frames": sweep.get("frames"), "failed": None}
        yield {**about, **about_sweep, **sweep["metrics"], **_factors(sweep)}
    for failure in result.get("failed") or ():
        about_sweep = {"sweep": failure["sweep"], "failed": failure["reason"]}
        yield {**about, **about_sweep, **_factors(failure)}


def _factors(sweep: Mapping[str, Any]) -> dict[str, Any]:
    return {f"factor_{key}": value for key, value in (sweep.get("factors") or {}).items()}
