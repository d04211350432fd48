"""Rows of numbers in text files, with the line each stands in."""

from dataclasses import dataclass
from pathlib import Path

from benchmark.errors import UserError


@dataclass(frozen=True)
class Row:
    """The cells of one line of a file, counted from 1."""

    line: int
    cells: list[str]


def read_rows(path: Path) -> list[Row]:
    """Return the lines of a text file that hold more than a comment (#), cut into cells.

    Cells end at semicolons, tabs, commas or blanks: the first of these that the first row holds.
    Between semicolons a comma is a decimal point. A byte order mark is skipped.

    Raises
    ------
    UserError : no such file, no text, or no row in it.
    """
    rows: list[Row] = []
    separator: str | None = ""
    try:
        with path.open(encoding="utf-8-sig") as file:
            for number, whole in enumerate(file, 1):
                line = whole.split("#")[0].strip(" \r\n")
                if not line.strip():
                    continue
                if separator == "":
                    separator = next((mark for mark in ";\t," if mark in line), None)
                cells = [cell.strip().strip('"').strip() for cell in line.split(separator)]
                if separator == ";":
                    cells = [cell.replace(",", ".") for cell in cells]
                rows.append(Row(number, cells))
    except FileNotFoundError as error:
        raise UserError(f"{path}: no such file") from error
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: expected a table of poses as text ({error})") from error
    if not rows:
        raise UserError(f"{path}: holds no pose")
    return rows
