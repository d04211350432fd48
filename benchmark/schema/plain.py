"""Values that any JSON reader takes and that can be written again: finite, shallow, sound texts."""

import math
from collections.abc import Iterator
from typing import Any

from benchmark.schema.checks import is_whole, shown

#: Levels of lists and objects in each other; no file of the benchmark has ten.
DEEPEST = 32


def plain_fault(value: Any) -> str | None:
    """Return the first thing in a JSON value that cannot be written as JSON again, or None.

    NaN, infinity, whole numbers of more than 64 bits, halves of surrogate pairs in texts, and
    more than `DEEPEST` levels. Python's own reader lets all of them pass.
    """
    # A stack, not recursion, which deep nesting would exhaust.
    waiting: list[tuple[str, int, Any]] = [("", 0, value)]
    while waiting:
        key, depth, item = waiting.pop()
        expected = _expected(item, depth)
        if expected:
            return f"{key.lstrip('.')}: expected {expected}, got {shown(item)}"
        waiting += [(f"{key}{step}", depth + 1, part) for step, part in _parts(item)]
    return None


def _expected(item: Any, depth: int) -> str | None:
    """Return what a value should have been, or None where it is fine by itself."""
    if isinstance(item, str):
        return None if _is_sound(item) else "a text of whole characters"
    if isinstance(item, dict | list):
        return None if depth < DEEPEST else f"at most {DEEPEST} levels of lists and objects"
    if isinstance(item, float):
        return None if math.isfinite(item) else "a finite number"
    if item is None or isinstance(item, bool) or is_whole(item):
        return None
    return "a whole number of at most 64 bits"


def _parts(item: Any) -> Iterator[tuple[str, Any]]:
    """Yield what a value holds, each with its step in a key; the names in an object are texts."""
    if isinstance(item, list):
        yield from ((f"[{index}]", part) for index, part in enumerate(item))
    elif isinstance(item, dict):
        for name, part in item.items():
            step = f".{name}" if _is_sound(name) else f".{name!a}"
            yield step, part
            yield step, name


def _is_sound(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
