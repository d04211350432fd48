"""The generalisation table as text: csv with a line per cell, Markdown with a table per metric."""

from collections.abc import Sequence
from dataclasses import asdict

from benchmark.leaderboard.columns import digits, short_title, unit
from benchmark.robustness.generalisation import ALL, Cell
from benchmark.robustness.shift import MEAN, ShiftRatio
from benchmark.scoring.statistics import FEWEST_SUBJECTS
from benchmark.tables import Markup, csv_text, markdown, number

CSV_COLUMNS = (
    *("metric", "unit", "tracker", "trained_on", "tested_on", "part", "seeds", "sweeps"),
    *("missing", "mean", "sd", "low", "high", "outside_training"),
)
NOTE = (
    "Columns: the data set that was tested. Mean and 95 % interval over subjects and training "
    f"seeds, none below {FEWEST_SUBJECTS} subjects; bold where a tracker is tested on the kind of "
    "data that it was trained on. Means of different columns are of different sweeps."
)
SHIFT_COLUMNS = ("metric", "tracker", "trained_on", "tested_on", "twin", "ratio")
SHIFT_NOTE = (
    "A / B: shift ratio, the error on test set A over that on its twin B; then the mean over "
    "shifts, which a tracker without a result on one of them does not have."
)


def generalisation_csv(cells: Sequence[Cell]) -> str:
    """Return one line per cell."""
    rows = [
        asdict(cell)
        | {**cell.summary, "unit": unit(cell.metric), "outside_training": "; ".join(cell.outside)}
        for cell in cells
    ]
    return csv_text(rows, CSV_COLUMNS)


def shift_csv(ratios: Sequence[ShiftRatio]) -> str:
    """Return one line per metric, tracker, training set and shift, and one of the mean."""
    return csv_text([asdict(ratio) for ratio in ratios], SHIFT_COLUMNS)


def generalisation_markdown(cells: Sequence[Cell], ratios: Sequence[ShiftRatio] = ()) -> str:
    """Return a table per metric: a row per tracker and training set, a column per test set.

    ratios: of shifts, which have a table of their own below that of their metric.
    """
    parts = []
    for metric in dict.fromkeys(cell.metric for cell in cells):
        title = f"## {short_title(metric)} ({unit(metric)}), `{metric}`"
        parts.append(f"{title}\n\n" + _table([cell for cell in cells if cell.metric == metric]))
        mine = [ratio for ratio in ratios if ratio.metric == metric]
        if mine:
            parts.append(_shift_table(mine))
    return "\n".join([*parts, f"{NOTE} {SHIFT_NOTE}" if ratios else NOTE]) + "\n"


def _table(cells: Sequence[Cell]) -> str:
    """Return the table of the cells of one metric."""
    columns = columns_of(cells)
    rows = []
    for tracker, taught in rows_of(cells):
        row = {(c.tested_on, c.part): c for c in cells if row_of(c) == (tracker, taught)}
        rows.append(
            {"tracker": tracker, "taught": taught}
            | {str(i): _text(row.get(column)) for i, column in enumerate(columns)}
        )
    titles = {str(i): column_title(column) for i, column in enumerate(columns)}
    return markdown(rows, {"tracker": "tracker", "taught": "trained on"} | titles, right=titles)


def _shift_table(ratios: Sequence[ShiftRatio]) -> str:
    """Return the table of one metric's shifts, the mean in the last column."""
    titles = {_shift_title(ratio): _shift_title(ratio) for ratio in ratios}
    titles[MEAN] = titles.pop(MEAN)
    rows: dict[tuple[str, str], dict[str, str | Markup]] = {}
    for ratio in ratios:
        who = ratio.tracker, ratio.trained_on
        row = rows.setdefault(who, {"tracker": who[0], "taught": who[1]})
        row[_shift_title(ratio)] = Markup(number(ratio.ratio, 2))
    columns = {"tracker": "tracker", "taught": "trained on"} | titles
    blank = dict.fromkeys(titles, Markup("–"))
    return markdown([blank | row for row in rows.values()], columns, right=titles)


def _shift_title(ratio: ShiftRatio) -> str:
    return f"{ratio.tested_on} / {ratio.twin}" if ratio.twin else ratio.tested_on


def row_of(cell: Cell) -> tuple[str, str]:
    """Return tracker and training set of the row that a cell stands in."""
    return cell.tracker, cell.trained_on


def rows_of(cells: Sequence[Cell]) -> list[tuple[str, str]]:
    """Return tracker and training set of each row."""
    return list(dict.fromkeys(row_of(cell) for cell in cells))


def columns_of(cells: Sequence[Cell]) -> list[tuple[str, str]]:
    """Return test set and part of each column, parts behind their whole."""
    found = dict.fromkeys((cell.tested_on, cell.part) for cell in cells)
    return sorted(found, key=lambda column: (column[0], column[1] != ALL, column[1]))


def column_title(column: tuple[str, str]) -> str:
    """Return the title of a column: the test set, with its part unless that is all of it."""
    return column[0] if column[1] == ALL else f"{column[0]}, {column[1]}"


def _text(cell: Cell | None) -> Markup:
    if cell is None:
        return Markup("–")
    places = digits(cell.metric)
    text = number(cell.summary["mean"], places)
    if cell.summary["low"] is not None:
        low, high = (number(cell.summary[end], places) for end in ("low", "high"))
        text += f" [{low}, {high}]"
    if cell.missing:
        text += f" ({cell.missing} missing)"
    return Markup(f"**{text}**" if cell.at_home else text)
