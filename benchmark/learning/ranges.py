"""Ranges of the numbers in a learned tracker's configuration, declared where the fields are.

A field that says nothing takes 0 or more. `learning_rate: float = above_zero(1e-3)` and
`dropout: float = share(0.1)` are narrower, also in subclasses that give another default.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import Any

from benchmark.errors import UserError


@dataclass(frozen=True)
class Range:
    """Numbers that a field takes, in words and as a test."""

    words: str
    holds: Callable[[float], bool]


ABOVE_ZERO = Range("a number above 0", lambda value: 0.0 < value < math.inf)
SHARE = Range("0 to 1", lambda value: 0.0 <= value <= 1.0)
ONE_OR_MORE = Range("1 or more", lambda value: 1 <= value < math.inf)
ZERO_OR_MORE = Range("0 or more", lambda value: 0 <= value < math.inf)


def above_zero(default: float) -> Any:
    """Return a dataclass field that takes finite numbers above 0."""
    return field(default=default, metadata={Range: ABOVE_ZERO})


def share(default: float) -> Any:
    """Return a dataclass field that takes numbers from 0 to 1."""
    return field(default=default, metadata={Range: SHARE})


def refuse_out_of_range(config: Any) -> None:
    """Refuse numbers of a configuration (a dataclass) that are out of their field's range.

    Where no range is declared, numbers are finite and 0 or more. Integers are 1 or more, unless
    the default here or in a base class is 0, which then means "off".

    Raises
    ------
    UserError : the field, what was expected and what came.
    """
    for item in fields(config):
        value = getattr(config, item.name)
        if isinstance(value, bool) or not isinstance(value, int | float):
            continue
        allowed = _range_of(type(config), item.name)
        if not allowed.holds(value):
            raise UserError(f"{item.name}: expected {allowed.words}, got {value}")


def _range_of(kind: type, name: str) -> Range:
    """Return the range of a field, declared in the class or in the nearest base that does."""
    for base in kind.__mro__:
        item = vars(base).get("__dataclass_fields__", {}).get(name)
        if item is not None and Range in item.metadata:
            return item.metadata[Range]
    whole = isinstance(getattr(kind, name, None), int)
    zero_is_off = any(vars(base).get(name) == 0 for base in kind.__mro__)
    return ONE_OR_MORE if whole and not zero_is_off else ZERO_OR_MORE
