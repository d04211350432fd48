"""The generalisation table as text and as a picture."""

import csv
import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from benchmark.leaderboard.columns import digits, short_title, unit
from benchmark.robustness.generalisation import ALL, Cell
from benchmark.tables import inert, number

if TYPE_CHECKING:
    from matplotlib.figure import Figure


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


def generalisation_figure(cells: Sequence[Cell], metric: str) -> "Figure":
    """Return the table of one metric as coloured cells; a frame marks those at home.

    Colour is the value on a logarithmic scale, the same for all columns.
    """
    from matplotlib.colors import LogNorm
    from matplotlib.patches import Rectangle

    from benchmark.plot import new_figure, plain, style

    mine = [cell for cell in cells if cell.metric == metric]
    rows, columns = rows_of(mine), columns_of(mine)
    values = np.full((len(rows), len(columns)), np.nan)
    for cell in mine:
        place = rows.index(_row(cell)), columns.index((cell.tested_on, cell.part))
        mean = cell.summary["mean"]
        values[place] = np.nan if mean is None else mean
    positive = values[np.isfinite(values) & (values > 0)]
    low, high = (positive.min(), positive.max()) if positive.size else (0.1, 1.0)
    with style():
        figure = new_figure(3.2 + 1.25 * len(columns), 1.5 + 0.34 * len(rows))
        axes = figure.add_subplot()
        norm = LogNorm(low / 1.2, high * 1.6)
        axes.imshow(np.maximum(values, low / 1.2), cmap="cividis_r", norm=norm, aspect="auto")
        for (i, j), value in np.ndenumerate(values):
            text = "–" if np.isnan(value) else f"{value:.{digits(metric)}f}"
            dark = np.isfinite(value) and norm(max(value, low / 1.2)) > 0.45
            axes.text(j, i, text, ha="center", va="center", color="white" if dark else "#1a1a1a")
            if rows[i][1] == columns[j][0]:
                axes.add_patch(Rectangle((j - 0.47, i - 0.44), 0.94, 0.88, fill=False, lw=1.6))
        axes.set_xticks(
            range(len(columns)), [plain(_column_title(c)) for c in columns], rotation=20
        )
        axes.set_yticks(range(len(rows)), [plain(f"{a}, trained on {b}") for a, b in rows])
        axes.set(xlabel="tested on", title=f"{short_title(metric)} ({unit(metric)})")
        axes.spines[:].set_visible(False)
        axes.tick_params(length=0)
    return figure
