"""What the numbers and the words of a tracker's configuration may be."""

import math
from dataclasses import fields
from typing import Any

from benchmark.errors import UserError

ABOVE_ZERO = {"learning_rate", "sequence_rate", "adaptation_rate", "width", "depth"}
SHARES = {"average", "warm_up", "dropout", "skips", "norm_momentum", "step_factor"}


def refuse_out_of_range(config: Any) -> None:
    """Refuse numbers of a learned tracker's configuration (a dataclass) that mean nothing.

    None is below 0, and all are finite. Whole numbers are 1 or more, or 0 where that is a default
    of the class or of one that it is made from: there it says "none".

    Raises
    ------
    UserError : the field, what was expected and what came.
    """
    for item in fields(config):
        value = getattr(config, item.name)
        if isinstance(value, bool) or not isinstance(value, int | float):
            continue
        if item.name in ABOVE_ZERO:
            expected, good = "a number above 0", 0.0 < value < math.inf
        elif item.name in SHARES:
            expected, good = "0 to 1", 0.0 <= value <= 1.0
        else:
            whole = isinstance(item.default, int)
            least = 1 if whole and not _zero_is_none(config, item.name) else 0
            expected, good = f"{least} or more", least <= value < math.inf
        if not good:
            raise UserError(f"{item.name}: expected {expected}, got {value}")


def _zero_is_none(config: Any, field: str) -> bool:
    return any(vars(base).get(field) == 0 for base in type(config).__mro__)
