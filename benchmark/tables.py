"""Rows of results as csv and Markdown."""

import csv
import io
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmark.files import atomic_path, write_json


def number(value: float | None, decimals: int) -> str:
    """Return a number as printed, an en dash for none."""
    return "–" if value is None else f"{value:.{decimals}f}"


def _csv(lines: list[dict[str, Any]]) -> str:
    text = io.StringIO()
    if lines:
        writer = csv.DictWriter(text, list(lines[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(lines)
    return text.getvalue()


def inert(text: str) -> str:
    """Return text in which markdown finds neither markup nor the end of a cell."""
    escaped = re.sub(r"([\\`*_{}\[\]()#|~])", r"\\\1", " ".join(text.split()))
    return escaped.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def write_tables(
    folder: Path,
    name: str,
    content: Any,
    rows: Sequence[Mapping[str, Any]],
    columns: Mapping[str, str],
) -> list[Path]:
    """Write `content` as <name>.json and rows as <name>.csv and <name>.md; return the paths.

    columns: title of each column by the key of the rows that it shows.
    """
    paths = [folder / f"{name}{suffix}" for suffix in (".json", ".csv", ".md")]
    write_json(paths[0], content)
    with atomic_path(paths[1]) as temporary, temporary.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(["" if row[key] is None else row[key] for key in columns] for row in rows)
    with atomic_path(paths[2]) as temporary:
        temporary.write_text(markdown(rows, columns), encoding="utf-8")
    return paths


def show_tables(paths: Sequence[Path], keep: Path | None = None) -> None:
    """Print the Markdown table and where the tables lie; copy them to the folder `keep` first."""
    shown = [keep / path.name for path in paths] if keep else list(paths)
    for path, place in zip(paths, shown, strict=True):
        if place != path:
            with atomic_path(place) as temporary:
                temporary.write_bytes(path.read_bytes())
    print(shown[-1].read_text(encoding="utf-8"), end="")
    for place in shown:
        print(place)


def markdown(rows: Sequence[Mapping[str, Any]], columns: Mapping[str, str]) -> str:
    """Return rows as a Markdown table; numbers to three digits, nothing where there is none."""
    lines = [
        "| " + " | ".join(columns.values()) + " |",
        "| " + " | ".join("---" for _ in columns) + " |",
    ]
    lines += ["| " + " | ".join(_shown(row[key]) for key in columns) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def _shown(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"
    return str(value).replace("|", "\\|")
