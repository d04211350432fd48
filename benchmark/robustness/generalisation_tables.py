"""The generalisation table as text and as a picture."""

import csv
import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

from benchmark.leaderboard.columns import digits, short_title, unit
from benchmark.robustness.generalisation import ALL, Cell
from benchmark.tables import inert, number

if TYPE_CHECKING:
    pass


def generalisation_csv(cells: Sequence[Cell]) -> str:
    """Return one line per cell."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(
        [
            "metric",
            "unit",
            "tracker",
            "trained_on",
            "tested_on",
            "part",
            "seeds",
            "sweeps",
            "missing",
            "mean",
            "sd",
            "low",
            "high",
            "outside_training",
        ]
    )
    for cell in cells:
        writer.writerow(
            [cell.metric, unit(cell.metric), cell.tracker, cell.trained_on, cell.tested_on]
            + [cell.part, cell.seeds, cell.sweeps, cell.missing]
            + [cell.summary[part] for part in ("mean", "sd", "low", "high")]
            + ["; ".join(cell.outside)]
        )
    return text.getvalue()


def generalisation_markdown(cells: Sequence[Cell]) -> str:
    """Return a table per metric: a row per tracker and training set, a column per test set."""
    parts = []
    for metric in dict.fromkeys(cell.metric for cell in cells):
        mine = [cell for cell in cells if cell.metric == metric]
        columns = columns_of(mine)
        head = ["tracker", "trained on", *(inert(_column_title(c)) for c in columns)]
        lines = [head, ["---"] * 2 + ["---:"] * len(columns)]
        for tracker, taught in rows_of(mine):
            row = {(c.tested_on, c.part): c for c in mine if _row(c) == (tracker, taught)}
            texts = [_text(row.get(column)) for column in columns]
            lines.append([inert(tracker), inert(taught), *texts])
        title = f"## {short_title(metric)} ({unit(metric)}), `{metric}`"
        parts.append(title + "\n\n" + "\n".join(f"| {' | '.join(line)} |" for line in lines))
    parts.append(
        "Columns: the data set that was tested. Mean and 95 % interval (bootstrap over subjects); "
        "bold where a tracker is tested on the kind of data that it was trained on. Means of "
        "different columns are of different sweeps."
    )
    return "\n\n".join(parts) + "\n"


def _row(cell: Cell) -> tuple[str, str]:
    return cell.tracker, cell.trained_on


def rows_of(cells: Sequence[Cell]) -> list[tuple[str, str]]:
    """Return tracker and training set of each row."""
    return list(dict.fromkeys(_row(cell) for cell in cells))


def columns_of(cells: Sequence[Cell]) -> list[tuple[str, str]]:
    """Return test set and part of each column, parts behind their whole."""
    found = dict.fromkeys((cell.tested_on, cell.part) for cell in cells)
    return sorted(found, key=lambda column: (column[0], column[1] != ALL, column[1]))


def _column_title(column: tuple[str, str]) -> str:
    return column[0] if column[1] == ALL else f"{column[0]}, {column[1]}"


def _text(cell: Cell | None) -> str:
    if cell is None:
        return "–"
    places = digits(cell.metric)
    text = number(cell.summary["mean"], places)
    if cell.summary["low"] is not None:
        low, high = (number(cell.summary[end], places) for end in ("low", "high"))
        text += f" [{low}, {high}]"
    if cell.missing:
        text += f" ({cell.missing} missing)"
    return f"**{text}**" if cell.at_home else text
