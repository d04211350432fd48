"""Tables of results: rows as a pandas table, csv, Markdown or aligned text, each made in one way.

pandas is imported when a table is made, so that light commands do not load it.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from numbers import Integral, Real
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from benchmark.files import atomic_path, write_json

if TYPE_CHECKING:
    from pandas import DataFrame, Series

Rows: TypeAlias = "Sequence[Mapping[str, Any]] | DataFrame"
LARGEST_INTEGER = 2**63


class Markup(str):
    """Text that is Markdown already; `markdown` escapes in it nothing but the ends of cells."""


def number(value: float | None, decimals: int) -> str:
    """Return a number with so many decimals, an en dash for None."""
    return "–" if value is None else f"{value:.{decimals}f}"


def inert(text: str) -> str:
    """Return text in which Markdown finds neither markup nor the end of a cell."""
    # An underscore within a word is no markup.
    marks = r"([\\`*{}\[\]()#|~]|(?<![^\W_])_|_(?![^\W_]))"
    escaped = re.sub(marks, r"\\\1", " ".join(text.split()))
    return escaped.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def table(rows: Rows, columns: Iterable[str] | None = None) -> "DataFrame":
    """Return rows as a pandas table, None being a missing value.

    Whole numbers are int64 (Int64 where some are missing), other numbers float64, texts str;
    anything else stays as it is.

    Parameters
    ----------
    rows : one mapping per row; a key that a row lacks is missing there.
    columns : the keys to keep, in this order; by default all, in order of appearance.
    """
    import pandas as pd

    if isinstance(rows, pd.DataFrame):
        return rows if columns is None else rows[list(columns)]
    keys = list(dict.fromkeys(key for row in rows for key in row) if columns is None else columns)
    found = {key: _column([row.get(key) for row in rows]) for key in keys}
    return pd.DataFrame(found, columns=pd.Index(keys, dtype=object), index=range(len(rows)))


def _column(values: list[Any]) -> "Series":
    import pandas as pd

    return pd.Series(values, dtype=_dtype([value for value in values if value is not None], values))


def _dtype(known: list[Any], values: list[Any]) -> str:
    """Return the pandas type of a column, given its known values and all of them."""
    numeric = all(isinstance(v, Real) and not isinstance(v, bool) for v in known)
    if known and numeric and all(isinstance(v, Integral) for v in known):
        fits = all(abs(v) < LARGEST_INTEGER for v in known)
        return ("int64" if len(known) == len(values) else "Int64") if fits else "object"
    if known and numeric:
        return "float64"
    # A subclass such as `Markup` would lose its class in a column of pandas' own text type.
    return "str" if known and all(type(v) is str for v in known) else "object"


def csv_text(
    rows: Rows, columns: Iterable[str] | None = None, float_format: str | None = None
) -> str:
    """Return rows as csv under a line of keys; empty where there is neither row nor column.

    Missing values are empty cells. Floats have all their digits, or `float_format`, e.g. "%.4g".
    """
    frame = table(rows, columns)
    if frame.columns.empty:
        return ""
    return frame.to_csv(index=False, lineterminator="\n", float_format=float_format)


def markdown(
    rows: Rows, columns: Mapping[str, str] | None = None, right: Collection[str] = ()
) -> str:
    """Return rows as a Markdown table.

    Text is escaped (`inert`) unless it is `Markup`; floats have three digits; a missing value is
    an empty cell.

    Parameters
    ----------
    columns : the title of each column by its key; by default the keys.
    right : keys of the columns that are aligned at the right.
    """
    frame = table(rows, columns)
    titles = columns or {key: key for key in frame}
    lines = [
        [_markdown_cell(title) for title in titles.values()],
        ["---:" if key in right else "---" for key in titles],
        *zip(
            *([_markdown_cell(value) for value in _values(frame[key])] for key in titles),
            strict=True,
        ),
    ]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _markdown_cell(value: Any) -> str:
    if isinstance(value, Markup):
        return re.sub(r"(?<!\\)\|", r"\\|", " ".join(value.split()))
    return inert(value) if isinstance(value, str) else _shown(value)


def _shown(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"
    return "" if value is None else str(value)


def _values(column: "Series") -> list[Any]:
    """Return the values of a column, None where one is missing."""
    pairs = zip(column, column.isna(), strict=True)
    return [None if missing else value for value, missing in pairs]


def aligned(
    rows: Rows, columns: Mapping[str, str] | None = None, left: Collection[str] = ()
) -> list[str]:
    """Return rows as lines for the console, the titles first.

    Control characters are shown as "?".

    Parameters
    ----------
    columns : the title of each column by its key; by default the keys.
    left : keys of the columns that are aligned at the left; the others are at the right.
    """
    frame = table(rows, columns)
    titles = columns or {key: key for key in frame}
    blocks = []
    for key, title in titles.items():
        cells = [_printable(title), *(_printable(_shown(value)) for value in _values(frame[key]))]
        width = max(len(cell) for cell in cells)
        justify = str.ljust if key in left else str.rjust
        blocks.append([justify(cell, width) for cell in cells])
    return ["  ".join(line).rstrip() for line in zip(*blocks, strict=True)]


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in text)


def write_tables(
    folder: Path, name: str, content: Any, rows: Rows, columns: Mapping[str, str]
) -> list[Path]:
    """Write `content` as <name>.json and rows as <name>.csv and <name>.md; return the paths.

    columns: the title of each column in the Markdown table by its key; the csv has the keys.
    """
    paths = [folder / f"{name}{suffix}" for suffix in (".json", ".csv", ".md")]
    write_json(paths[0], content)
    frame = table(rows, columns)
    write_text(paths[1], csv_text(frame))
    write_text(paths[2], markdown(frame, columns))
    return paths


def write_text(path: Path, text: str) -> None:
    """Write a table's text as UTF-8 with its line ends as they are, whole or not at all."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="")


def show_tables(paths: Sequence[Path], keep: Path | None = None) -> None:
    """Print the Markdown table, the last of the paths, and where the tables lie.

    keep: a folder to which the tables are copied first; then its paths are printed.
    """
    places = [keep / path.name for path in paths] if keep else list(paths)
    for path, place in zip(paths, places, strict=True):
        if place != path:
            with atomic_path(place) as temporary:
                temporary.write_bytes(path.read_bytes())
    print(places[-1].read_text(encoding="utf-8"), end="")
    for place in places:
        print(place)
