"""Named shifts in one number: how many times larger an error is away than at home.

A shift is a test set and its twin, a test set of the kind that the tracker was trained on; both may
be parts of one set, "varied-v2/new-probe" and "varied-v2/none", where sets are split by a factor.
The shift ratio is the error on the one over that on the other; the mean over shifts is the one
number. A ratio says nothing of how large the errors are: who knows nothing loses nothing and has 1.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from benchmark.errors import UserError
from benchmark.metrics import METRICS
from benchmark.robustness.generalisation import ALL, Cell

#: Stands for the mean over all shifts.
MEAN = "mean"

#: Test set and its twin.
Shift = tuple[str, str]


@dataclass(frozen=True)
class ShiftRatio:
    """One tracker under one shift, or the mean over its shifts (tested_on `MEAN`, no twin).

    ratio: None where either error is missing for a sweep or that at home is zero; the mean needs
    all ratios.
    """

    tracker: str
    trained_on: str
    metric: str
    tested_on: str
    twin: str
    ratio: float | None


def parse_shift(text: str) -> Shift:
    """Return a shift written as "test set=twin".

    Raises
    ------
    UserError : another form.
    """
    away, _, home = text.partition("=")
    if not away or not home or "=" in home:
        raise UserError(f"--shifts: expected TEST_SET=TWIN, e.g. forearm-v2=small-v2, got '{text}'")
    return away, home


def shift_ratios(cells: Sequence[Cell], shifts: Sequence[Shift] = ()) -> list[ShiftRatio]:
    """Return the ratios of every row of the generalisation table, by metric, the mean last.

    shifts: by default, for each row, every test set against the one that the tracker was trained
    on; a tracker without such a twin has none.

    Raises
    ------
    UserError : a shift names a set that no result is on.
    """
    sets = sorted({cell.tested_on for cell in cells})
    _refuse_unknown(shifts, {_name(cell) for cell in cells}, sets)
    rows: dict[tuple[str, str, str], dict[str, Cell]] = {}
    for cell in cells:
        if cell.metric in METRICS and METRICS[cell.metric].better == "lower":
            row = rows.setdefault((cell.metric, cell.tracker, cell.trained_on), {})
            row[_name(cell)] = cell
    found = []
    for (metric, tracker, taught), row in rows.items():
        own = [(name, taught) for name in sets if name != taught and taught in sets]
        found += _of_row((tracker, taught, metric), row, shifts or own)
    return found


def _name(cell: Cell) -> str:
    """Return the name of a test set, with its part where that is not all of it."""
    return cell.tested_on if cell.part == ALL else f"{cell.tested_on}/{cell.part}"


def _refuse_unknown(shifts: Sequence[Shift], names: Collection[str], sets: Sequence[str]) -> None:
    for name in (name for shift in shifts for name in shift):
        if name not in names:
            part = "; a part of one needs --by" if "/" in name else ""
            raise UserError(
                f"--shifts: expected test sets that results are on ({', '.join(sets)}), "
                f"got '{name}'{part}"
            )


def _of_row(
    who: tuple[str, str, str], row: Mapping[str, Cell], shifts: Sequence[Shift]
) -> list[ShiftRatio]:
    ratios = [_ratio(row.get(away), row.get(home)) for away, home in shifts]
    known = [ratio for ratio in ratios if ratio is not None]
    mean = float(np.mean(known)) if known and len(known) == len(ratios) else None
    each = [ShiftRatio(*who, *shift, ratio) for shift, ratio in zip(shifts, ratios, strict=True)]
    return [*each, ShiftRatio(*who, MEAN, "", mean)] if each else []


def _ratio(away: Cell | None, home: Cell | None) -> float | None:
    errors = [None if c is None or c.missing else c.summary["mean"] for c in (away, home)]
    if errors[0] is None or not errors[1]:
        return None
    return errors[0] / errors[1]
