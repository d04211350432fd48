"""Shipping of trained weights: a folder with weights, configuration, domain and model card."""

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmark.dataset import Dataset
from benchmark.errors import UserError
from benchmark.files import atomic_path, read_json, sha256_of_file, write_json
from benchmark.registry import shipping_folder, stored_name, tracker_class, tracker_names
from benchmark.runs.domain import DOMAIN_FILE, measure_domain
from benchmark.tables import Markup, markdown
from benchmark.tracker import Tracker, address_of

LARGEST_BYTES = 10_000_000
COPIED = ("tracker.json", "weights.safetensors", "config.json")
CARD_METRICS = ("fdr_path_centre", "gpe", "lpe", "gle", "lle", "sigma_within_1", "sigma_within_2")


def ship(
    run: Path, dataset: Dataset, out: Path | None = None, results: Sequence[Path] = ()
) -> Path:
    """Write all that tracking with a run's weights needs into a folder and return it.

    run: a trained run's folder; dataset: its training data, for the domain; out: by default
    `<package>/weights/<tracker>`, where commands find it by the tracker's name; results:
    result.json files of these weights, shown on the card.

    Raises
    ------
    UserError : the run is not trained or was trained on other data, weights over 10 MB, a result of
        other weights, no `out` for a tracker that is not in a package.
    """
    for name in COPIED:
        if not (run / name).is_file():
            raise UserError(f"{run / name}: no such file; expected the folder of a trained run")
    size = (run / "weights.safetensors").stat().st_size
    if size > LARGEST_BYTES:
        raise UserError(f"{run}: weights of {size / 1e6:.1f} MB, expected at most 10 MB")
    config = read_json(run / "config.json")
    _refuse_other_data(run, config, dataset)
    weights = {"weights_sha256": sha256_of_file(run / "weights.safetensors")}
    scores = [_checked_result(path, {**config, **weights}) for path in results]
    found = tracker_class(stored_name(run))
    out = out or _default_place(found)
    for name in COPIED:
        with atomic_path(out / name) as temporary:
            temporary.write_bytes((run / name).read_bytes())
    write_json(out / DOMAIN_FILE, asdict(measure_domain(dataset)))
    with atomic_path(out / "README.md") as temporary:
        temporary.write_text(model_card(found, config, scores, size), encoding="utf-8")
    return out


def _default_place(found: type[Tracker]) -> Path:
    place = shipping_folder(found)
    if place is None:
        module = found.__module__
        raise UserError(f"tracker '{found.name}': '{module}' is not a package; give --out")
    return place


def _refuse_other_data(run: Path, config: Mapping[str, Any], dataset: Dataset) -> None:
    taught = config.get("trained_on") or {}
    if taught.get("hash") != dataset.hash:
        raise UserError(
            f"{run}: trained on {taught.get('name')} ({str(taught.get('hash'))[:8]}), "
            f"got {dataset.name} ({dataset.hash[:8]})"
        )


def _checked_result(path: Path, expected: Mapping[str, Any]) -> dict[str, Any]:
    result = read_json(path)
    for key in ("config_hash", "seed", "weights_sha256"):
        if result.get(key) != expected.get(key):
            raise UserError(
                f"{path}: {key} {result.get(key)}, expected {expected.get(key)} as in the run"
            )
    return result


def model_card(
    found: type[Tracker],
    config: Mapping[str, Any],
    results: Sequence[Mapping[str, Any]],
    size: int,
) -> str:
    """Return the model card of trained weights as Markdown: tracker, training and scores."""
    training = config.get("training") or {}
    environment = config.get("environment") or {}
    taught = config["trained_on"]
    facts = {
        "trained on": f"{taught['name']}, hash `{taught['hash']}`",
        "budget": f"{config.get('budget_tflop', 0):g} TFLOP, {training.get('updates')} updates, "
        f"{training.get('seconds')} s on {environment.get('accelerator')}",
        "seed": config.get("seed"),
        "parameters": f"{training.get('parameters')} ({size / 1e6:.2f} MB)",
        "commit": f"`{environment.get('commit')}`",
        "configuration hash": f"`{config.get('config_hash')}`",
        "validation error": _validation(training),
    }
    registered = found.name in tracker_names()
    asked = found.name if registered else f"{address_of(found)} --run <this folder>"
    lines = [f"# {found.name}, trained on {taught['name']}", "", inspect.getdoc(found) or "", ""]
    rows = [{"fact": k, "value": Markup(value)} for k, value in facts.items() if value is not None]
    lines.append(markdown(rows, {"fact": "", "value": ""}))
    if results:
        lines += [_scores(results), ""]
    lines += [
        "Taught by simulated sweeps alone. `domain.json` holds the ranges that training showed; "
        "`sweepbench track` compares a recording with them and says what lies outside.",
        "",
        f"Use: `sweepbench predict DATA --weights <this folder>`, or "
        f"`sweepbench track RECORDING --tracker {asked}`.",
    ]
    return "\n".join(lines) + "\n"


def _validation(training: Mapping[str, Any]) -> str | None:
    error = training.get("validation_error")
    return None if error is None else f"{error:.4f} of the position error of no motion"


def _scores(results: Sequence[Mapping[str, Any]]) -> str:
    """Return a table with one row per result: mean and 95 % interval of the usual metrics."""
    known = [
        key for key in CARD_METRICS
        if any(_value(result, key) is not None for result in results)
    ]  # fmt: skip
    rows = [
        {key: result["dataset"][key] for key in ("name", "split")}
        | {key: Markup(_cell(result, key)) for key in known}
        for result in results
    ]
    columns = {"name": "data", "split": "split"} | {key: Markup(key) for key in known}
    note = f"Means with 95 % intervals, protocol {results[0]['protocol']['name']}."
    return f"{markdown(rows, columns)}\n{note}"


def _value(result: Mapping[str, Any], key: str) -> float | None:
    return (result.get("summary", {}).get(key) or {}).get("mean")


def _cell(result: Mapping[str, Any], key: str) -> str:
    mean = _value(result, key)
    if mean is None:
        return ""
    low, high = result["summary"][key].get("low"), result["summary"][key].get("high")
    interval = "" if low is None or high is None else f" ({low:.3g} to {high:.3g})"
    return f"{mean:.3g}{interval}"
