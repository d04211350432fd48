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
    # A stack of what is left at each level, not recursion, which deep nesting would exhaust.
    steps: list[str | int] = []
    waiting: list[Iterator[tuple[str | int, Any]]] = [iter([("", value)])]
    while waiting:
        for step, item in waiting[-1]:
            expected = _expected(item, len(waiting) - 1)
            if expected:
                return f"{_key([*steps, step])}: expected {expected}, got {shown(item)}"
            if isinstance(item, dict | list):
                steps.append(step)
                waiting.append(_parts(item))
                break
        else:
            waiting.pop()
            del steps[-1:]
    return None


def _key(steps: list[str | int]) -> str:
    """Return where a value is, as messages name it."""
    named = (step if isinstance(step, int) or _is_sound(step) else ascii(step) for step in steps)
    return "".join(f"[{s}]" if isinstance(s, int) else f".{s}" for s in named).lstrip(".")


def _expected(item: Any, depth: int) -> str | None:
    """Return what a value should have been, or None where it is fine by itself."""
    if isinstance(item, float):
        return None if math.isfinite(item) else "a finite number"
    if isinstance(item, str):
        return None if _is_sound(item) else "a text of whole characters"
    if isinstance(item, dict | list):
        return None if depth < DEEPEST else f"at most {DEEPEST} levels of lists and objects"
    if item is None or isinstance(item, bool) or is_whole(item):
        return None
    return "a whole number of at most 64 bits"


def _parts(item: list[Any] | dict[str, Any]) -> Iterator[tuple[str | int, Any]]:
    """Yield what a value holds, each with its step in a key; the names in an object are texts."""
    if isinstance(item, list):
        yield from enumerate(item)
    else:
        for name, part in item.items():
            yield name, name
            yield name, part


def _is_sound(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
