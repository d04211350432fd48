"""What a board says of each tracker, as files for the tracker's own repository on the hub.

`.eval_results/<data set>.yaml` is what the hub gathers into the board of a data set; `model-index`
in the front matter of README.md is the older way, which has more than one metric.
"""

import re
from pathlib import Path
from typing import Any

import yaml

from benchmark.errors import UserError
from benchmark.hub.card import CONFIG, HUB_SPLITS, TAGS, front_matter
from benchmark.leaderboard.board import Leaderboard
from benchmark.leaderboard.columns import digits, main_columns, short_title, unit
from benchmark.leaderboard.row import Row
from benchmark.metrics import METRICS
from benchmark.tables import markdown, write_text

FRAMEWORK = "sweepbench"


def benchmark_yaml(board: Leaderboard, description: str) -> str:
    """Return eval.yaml, which makes a data set a benchmark of the hub with one task: the board."""
    return _yaml(
        {
            "name": board.dataset["name"],
            "description": description,
            "evaluation_framework": FRAMEWORK,
            "tasks": [{"id": board.headline, "config": CONFIG, "split": _split(board)}],
        }
    )


def write_models(board: Leaderboard, folder: Path, repo: str) -> list[Path]:
    """Write a folder of two files per tracker that has a score; return the folders.

    repo: OWNER/NAME of the data set on the hub.

    Raises
    ------
    UserError : two rows whose labels make the same name of a folder.
    """
    rows: dict[str, Row] = {}
    for row in board.rows:
        if row.kind == "reference" or row.headline.get("mean") is None:
            continue
        name = re.sub(r"[^\w.-]+", "-", row.label).strip("-.")
        other = rows.setdefault(name, row)
        if other is not row:
            raise UserError(f"{folder / name}: '{other.label}' and '{row.label}' need this folder")
    for name, row in rows.items():
        data = str(board.dataset["name"])
        write_text(folder / name / ".eval_results" / f"{data}.yaml", _results(board, row, repo))
        write_text(folder / name / "README.md", _readme(board, row, repo))
    return [folder / name for name in rows]


def _results(board: Leaderboard, row: Row, repo: str) -> str:
    """Return the row's headline as the hub reads it: a list of one result."""
    entry = {
        "dataset": {"id": repo, "task_id": board.headline},
        "value": _value(row, board.headline),
        "notes": _notes(board, row),
    }
    return _yaml([entry])


def _notes(board: Leaderboard, row: Row) -> str:
    """Return how to read the headline: its unit, interval and sample."""
    found, known = row.headline, METRICS[board.headline]
    low, high = found.get("low"), found.get("high")
    parts = [f"{known.title}, {unit(known.id)}".rstrip(", "), f"{known.better} is better"]
    if low is not None and high is not None:
        parts.append(f"95 % interval {low:.{known.digits}f} to {high:.{known.digits}f}")
    parts.append(f"{row.subjects} subjects")
    if row.uses_chance:
        parts.append("one training" if len(row.results) == 1 else f"{len(row.results)} trainings")
    parts.append(f"protocol {board.protocol.get('name')}")
    return "; ".join(parts)


def _readme(board: Leaderboard, row: Row, repo: str) -> str:
    columns = main_columns(board.headline, board.metrics)
    metrics = [
        {
            "type": metric,
            "value": _value(row, metric),
            "name": ", ".join(filter(None, [short_title(metric), unit(metric)])),
        }
        for metric in columns
        if _value(row, metric) is not None
    ]
    dataset = {"type": repo, "name": board.dataset["name"], "config": CONFIG}
    matter = {
        "library_name": FRAMEWORK,
        "tags": list(TAGS),
        "datasets": [repo],
        "model-index": [
            {
                "name": row.label,
                "results": [
                    {
                        "task": {"type": "other", "name": "Trackerless freehand 3D ultrasound"},
                        "dataset": {**dataset, "split": _split(board)},
                        "metrics": metrics,
                    }
                ],
            }
        ],
    }
    about = str(row.first("card") or "").strip()
    scores = markdown([{"metric": one["name"], "value": str(one["value"])} for one in metrics])
    lines = [front_matter(matter), f"# {row.label}", "", about, "", scores, _notes(board, row)]
    return "\n".join(lines) + ".\n"


def _value(row: Row, metric: str) -> float | None:
    mean = (row.summary.get(metric) or {}).get("mean")
    return None if mean is None else round(mean, digits(metric) + 2)


def _split(board: Leaderboard) -> str:
    split = str(board.dataset.get("split"))
    return HUB_SPLITS.get(split, split)


def _yaml(value: Any) -> str:
    return yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=1000)
