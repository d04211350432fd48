"""The table of metrics by id; a metric enters it by the decorator `metric`."""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from benchmark.errors import unknown_name
from benchmark.metrics.case import Case


@dataclass(frozen=True)
class Metric:
    """One frozen id: what it measures, in which unit, which direction is better, who defined it.

    unit: "mm", "deg", "%" or "" (a pure number); better: "lower", "higher", or "" for a number
    that has no better side (a bias, a gain); definition: one line of formula; function: from a
    Case to a number, NaN where the quantity is not defined for that sweep.
    """

    id: str
    title: str
    unit: str
    better: str
    definition: str
    source: str
    function: Callable[[Case], float]


METRICS: dict[str, Metric] = {}


def metric(
    identifier: str, title: str, unit: str, better: str, source: str, definition: str = ""
) -> Callable[[Callable[[Case], float]], Callable[[Case], float]]:
    """Return a decorator that enters a function into `METRICS`.

    definition: the formula; by default the function's docstring, its lines joined.

    Raises
    ------
    ValueError : an id that is taken.
    """

    def enter(function: Callable[[Case], float]) -> Callable[[Case], float]:
        if identifier in METRICS:
            raise ValueError(f"metric id '{identifier}' is taken")
        text = " ".join((definition or function.__doc__ or "").split())
        METRICS[identifier] = Metric(identifier, title, unit, better, text, source, function)
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
