"""The table of metrics by id; a metric enters it by the decorator `metric`."""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from benchmark.errors import unknown_name
from benchmark.metrics.case import Case


@dataclass(frozen=True)
class Metric:
    """One frozen id: what it measures, in which unit, which direction is better, who defined it.

    title: its full name; short: its name over a column; meaning: the definition in plain words, as
    the page says it; definition: one line of formula; unit: "mm", "deg", "deg/100 mm", "%" or
    "" (a pure number); digits: decimals it is printed with; better: "lower", "higher", or "" for a
    number that has no better side (a bias, a gain); function: from a Case to a number, NaN where
    the quantity is not defined for that sweep.
    """

    id: str
    title: str
    short: str
    meaning: str
    definition: str
    unit: str
    digits: int
    better: str
    source: str
    function: Callable[[Case], float]


METRICS: dict[str, Metric] = {}


def metric(
    identifier: str,
    title: str,
    unit: str,
    better: str,
    source: str,
    definition: str = "",
    *,
    short: str = "",
    meaning: str = "",
    digits: int | None = None,
) -> Callable[[Callable[[Case], float]], Callable[[Case], float]]:
    """Return a decorator that enters a function into `METRICS`.

    Defaults: short: the title, its first letter a capital; definition: the function's docstring,
    its lines joined; meaning: the definition; digits: 1 for "%", else 2.

    Raises
    ------
    ValueError : an id that is taken.
    """

    def enter(function: Callable[[Case], float]) -> Callable[[Case], float]:
        if identifier in METRICS:
            raise ValueError(f"metric id '{identifier}' is taken")
        text = " ".join((definition or function.__doc__ or "").split())
        METRICS[identifier] = Metric(
            id=identifier,
            title=title,
            short=short or title[:1].upper() + title[1:],
            meaning=meaning or text,
            definition=text,
            unit=unit,
            digits=(1 if unit == "%" else 2) if digits is None else digits,
            better=better,
            source=source,
            function=function,
        )
        return function

    return enter


def compute(case: Case, identifiers: Iterable[str]) -> dict[str, float | None]:
    """Return the values of several metrics by id; None where one is not defined for the sweep.

    Raises
    ------
    UserError : an unknown id (the nearest is suggested).
    """
    values: dict[str, float | None] = {}
    for identifier in identifiers:
        if identifier not in METRICS:
            raise unknown_name("metric", identifier, METRICS)
        value = float(METRICS[identifier].function(case))
        values[identifier] = value if math.isfinite(value) else None
    return values
