"""Ablation: variations of a tracker's configuration trained under one budget.

Every variation changes one thing against a common base and is trained with the same budget and
the same seeds. Only the training and the validation split are read.
"""

import json
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmark.dataset import Dataset
from benchmark.errors import UserError
from benchmark.machine.crew import Crew
from benchmark.registry import package_folder, tracker_class
from benchmark.runs.environment import environment
from benchmark.scoring.statistics import mean_of_known
from benchmark.studies.validation import SCORED_METRICS, SPLIT, Validation
from benchmark.studies.variations import Setting, TrainingRow, run_settings, summarise
from benchmark.tables import write_tables

FORMAT = "sweepbench-ablation-1"
BASE = "as it is"
FILE = "ablations.toml"
COLUMNS = {
    "label": "variation",
    "validation_error": "validation error",
    "spread": "standard deviation",
    "against_base": "against the base",
    "seeds": "seeds",
    "diverged": "diverged",
    "updates": "updates",
    "parameters": "parameters",
    "seconds": "seconds",
}


def varied(tracker: str, texts: Sequence[str]) -> list[Setting]:
    """Return one setting for each value of each "field=value,value", one field changed at a time.

    Raises
    ------
    UserError : a text that is not of this form.
    """
    settings = []
    for text in texts:
        key, equals, values = text.partition("=")
        if not (key and equals and values):
            raise UserError(f"--vary: expected field=value,value, got '{text}'")
        settings += [
            Setting(tracker, {key: value}, f"{key}={value}") for value in values.split(",")
        ]
    return settings


def listed(tracker: str, path: Path) -> list[Setting]:
    """Return the settings that a TOML file lists for a tracker, as [[tracker]] label, set.

    Raises
    ------
    UserError : no such file, not TOML, or nothing in it for this tracker; an entry of another form.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise UserError(f"{path}: no such file") from error
    except tomllib.TOMLDecodeError as error:
        raise UserError(f"{path}: not TOML ({error})") from error
    entries = content.get(tracker)
    if not entries:
        known = ", ".join(content) or "nothing"
        raise UserError(f"{path}: expected [[{tracker}]] entries, found {known}")
    return [_setting(tracker, entry, f"{path}: {tracker}[{i}]") for i, entry in enumerate(entries)]


def _setting(tracker: str, entry: Any, where: str) -> Setting:
    if not (isinstance(entry, dict) and set(entry) <= {"label", "set"} and entry.get("set")):
        raise UserError(f"{where}: expected keys 'label' and 'set', got {entry}")
    changes = {key: _as_text(value) for key, value in entry["set"].items()}
    label = entry.get("label") or ", ".join(f"{key}={value}" for key, value in changes.items())
    return Setting(tracker, changes, label)


def _as_text(value: Any) -> str:
    """Return a TOML value as the command line would give it, for the field's type to decide."""
    return value if isinstance(value, str) else json.dumps(value)


def shipped_file(tracker: str) -> Path | None:
    """Return the list of variations that a tracker's package carries, or None."""
    folder = package_folder(tracker_class(tracker))
    return folder / FILE if folder is not None and (folder / FILE).is_file() else None


def with_base(tracker: str, settings: Iterable[Setting], base: Mapping[str, Any]) -> list[Setting]:
    """Return the base, then each setting with what it does not change taken from the base."""
    changed = [Setting(s.tracker, {**base, **s.overrides}, s.title) for s in settings]
    return [Setting(tracker, dict(base), BASE), *changed]


def ablate(
    dataset: Dataset,
    settings: Sequence[Setting],
    *,
    budget: float,
    seeds: Sequence[int],
    root: Path,
    name: str,
    score_on: Dataset | None = None,
    crew: Crew | None = None,
    report: Callable[[TrainingRow], None] | None = None,
) -> list[Path] | None:
    """Train every setting, the base first, and return the paths of the json, csv and md tables.

    budget: TFLOP of each training; name: of the tables in `root`/<data set>/ablations; score_on:
    a data set on whose validation split the trained trackers are scored as well, `dataset` or
    another of its kind with more sweeps; crew: who trains, by default this process. The tables are
    written anew after each training, of several parts (`Crew.shard`) at the end, and what was
    trained or scored before is not done again. None while runs of other parts are missing.
    """
    crew = crew or Crew()
    validation = Validation(score_on, root) if score_on else None
    order = {setting.title: place for place, setting in enumerate(settings)}
    done: list[TrainingRow] = []

    def write() -> list[Path]:
        rows = sorted(done, key=lambda row: (seeds.index(row["seed"]), order[row["label"]]))
        return _write(dataset, rows, settings, budget, root, name, validation)

    def finish(row: TrainingRow) -> None:
        done.append({"metrics": {}, **row})
        if crew.is_whole:
            write()
        if report:
            report(done[-1])

    trained = run_settings(
        dataset, settings, budget, seeds, root, crew=crew, validation=validation, report=finish
    )
    return None if trained is None else write()


def table_rows(rows: Sequence[TrainingRow], settings: Sequence[Setting]) -> list[TrainingRow]:
    """Return one row per setting that was trained: means over its seeds, ratio to the base's."""
    summaries = {row["label"]: row for row in summarise(rows)}
    ordered = [summaries[s.title] for s in settings if s.title in summaries]
    base = ordered[0]["validation_error"] if ordered else None
    for row in ordered:
        error = row["validation_error"]
        row["against_base"] = error / base if error is not None and base else None
        members = [each["metrics"] for each in rows if each["label"] == row["label"]]
        for metric in SCORED_METRICS:
            row[metric] = mean_of_known(each.get(metric) for each in members)
    return ordered


def _write(
    dataset: Dataset,
    rows: Sequence[TrainingRow],
    settings: Sequence[Setting],
    budget: float,
    root: Path,
    name: str,
    validation: Validation | None,
) -> list[Path]:
    table = table_rows(rows, settings)
    scored = [metric for metric in SCORED_METRICS if any(row[metric] is not None for row in table)]
    content = {
        "format": FORMAT,
        "dataset": dataset.named(SPLIT),
        "scored_on": validation.named() if validation else None,
        "budget_tflop": budget,
        "environment": environment(),
        "variations": [{"label": s.title, "set": dict(s.overrides)} for s in settings],
        "rows": list(rows),
    }
    columns = {**COLUMNS, **{metric: metric for metric in scored}}
    return write_tables(root / dataset.name / "ablations", name, content, table, columns)
