"""The reference of spec keys, from the dataclasses: type, unit, range, default, meaning.

The range of a key is what its table answers when it refuses a value that cannot be.
"""

import dataclasses
import itertools
import math
import re
import types
import typing
from collections.abc import Iterator
from typing import Any, Literal

from docstring_parser import parse

from benchmark.errors import UserError
from benchmark.tables import Markup, markdown
from simulate.spec import Spec

#: Unit by the ending of a key, longest first.
UNITS = {
    "db_cm_mhz": "dB/(cm MHz)", "mm_s": "mm/s", "per_cm": "1/cm", "pa": "Pa", "deg_s": "degree/s",
    "m_s": "m/s", "mj_cm2": "mJ/cm²", "per_second": "1/s",
    "hz": "Hz", "mm": "mm", "deg": "degree", "px": "pixel", "db": "dB", "nm": "nm",
    "s": "s", "seconds": "s",
}  # fmt: skip

FAR = 1e12
WORDS = ("required", "none")  # in place of a default


@dataclasses.dataclass(frozen=True)
class Key:
    """One key of a table of a spec, as text."""

    name: str
    kind: str
    unit: str
    may_be: str
    default: str
    meaning: str


def tables(spec: type = Spec) -> Iterator[tuple[str, type]]:
    """Yield the dotted name and the dataclass of each table of a spec, the outermost first.

    The table `vary` is left out: its keys are those of the others.
    """
    yield "", spec
    for name, kind in typing.get_type_hints(spec).items():
        if dataclasses.is_dataclass(kind) and isinstance(kind, type) and name != "vary":
            for below, inner in tables(kind):
                yield f"{name}.{below}".rstrip("."), inner


def keys(table: type) -> list[Key]:
    """Return the keys of one table, in order; its inner tables are not among them."""
    hints = typing.get_type_hints(table)
    meaning = meanings(table)
    found = []
    for item in dataclasses.fields(table):
        kind = hints[item.name]
        if dataclasses.is_dataclass(kind):
            continue
        default = _default(item)
        limits = "; ".join(expectations(table, item.name, kind))
        found.append(
            Key(
                item.name,
                _kind(kind),
                unit(item.name),
                limits,
                _shown(default),
                meaning.get(item.name, ""),
            )
        )
    return found


def meanings(table: type) -> dict[str, str]:
    """Return what the docstrings of a table and its bases say of each key."""
    found = {}
    for base in reversed(table.__mro__[:-1]):
        for parameter in parse(base.__doc__ or "").params:
            for name in parameter.arg_name.split(","):
                found[name.strip()] = " ".join((parameter.description or "").split())
    return found


def unit(name: str) -> str:
    """Return the unit that the ending of a key names, "" for none."""
    return next((unit for end, unit in UNITS.items() if re.search(rf"(^|_){end}$", name)), "")


def expectations(table: type, name: str, kind: Any) -> list[str]:
    """Return what a table expects of a key, in its own words, as it refuses values."""
    if bool in _parts(kind):
        return ["true, false"]
    if typing.get_origin(_bare(kind)) is Literal:
        return [f"one of {', '.join(typing.get_args(_bare(kind)))}"]
    found: dict[str, None] = {}
    for value in _impossible(kind):
        try:
            table(**(_required(table) | {name: value}))
        except UserError as error:
            found |= dict.fromkeys(_expected(str(error), name))
        except (TypeError, ValueError, OverflowError, ZeroDivisionError, AttributeError):
            pass
    return list(found)


def _expected(error: str, name: str) -> Iterator[str]:
    own = rf"(^|\.){name}\b"
    if re.search(own, error.partition(":")[0]):
        for words in re.findall(r"expected (.+?)(?:, got|$)", error)[:1]:
            words = re.sub(r" \([^)]*$| \([^)]*=[^)]*\)", "", words)
            if words != "a finite number":
                yield re.sub(r"^an? (number|rate) of ", "", words)
        yield from (f"one of {known}" for known in re.findall(r"\(known: (.+)\)", error))


def _impossible(kind: Any) -> Iterator[Any]:
    """Yield values that few keys of a type allow, one outside each end of a range."""
    parts = _parts(kind)
    ends: tuple[Any, ...] = ("?",)
    if int in parts:
        ends = (-(10**9), 1, 10**9)
    if float in parts:
        ends = (-FAR, FAR, -math.inf, math.inf)
    if typing.get_origin(_bare(kind)) is not tuple:
        yield from ends
        return
    arguments = typing.get_args(_bare(kind))
    if arguments[-1] is Ellipsis:
        yield from ((), *((end,) for end in ends))
        return
    yield from itertools.product(ends[:2], repeat=len(arguments))


def _bare(kind: Any) -> Any:
    if typing.get_origin(kind) in (typing.Union, types.UnionType):
        return next(part for part in typing.get_args(kind) if part is not type(None))
    return kind


def _parts(kind: Any) -> set[Any]:
    bare = _bare(kind)
    return set(typing.get_args(bare)) if typing.get_origin(bare) is tuple else {bare}


def _kind(kind: Any) -> str:
    words = {int: "whole number", float: "number", str: "text", bool: "yes or no"}
    bare = _bare(kind)
    if typing.get_origin(bare) is Literal:
        return "text"
    if typing.get_origin(bare) is not tuple:
        return words[bare]
    arguments = typing.get_args(bare)
    word = words[arguments[0]].replace("number", "numbers").replace("text", "texts")
    return f"list of {word}" if arguments[-1] is Ellipsis else f"{len(arguments)} {word}"


def _default(item: "dataclasses.Field[Any]") -> Any:
    if item.default_factory is not dataclasses.MISSING:
        return item.default_factory()
    return item.default


def _required(table: type) -> dict[str, Any]:
    """Return values of the keys without defaults."""
    return {"name": "x", "seed": 0} if table is Spec else {}


def _shown(value: Any) -> str:
    """Return a value as TOML writes it."""
    if value is dataclasses.MISSING:
        return "required"
    if value is None or isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, tuple):
        return f"[{', '.join(map(_shown, value))}]"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _rows(found: list[Key]) -> list[dict[str, str]]:
    """Return the rows of a table; a meaning that several keys share stands at the first."""
    before = ["", *(key.meaning for key in found)]
    return [
        {
            "key": Markup(f"`{key.name}`"),
            "type": ", ".join(filter(None, (key.kind, key.unit))),
            "may be": key.may_be,
            "default": Markup(key.default if key.default in WORDS else f"`{key.default}`"),
            "meaning": Markup("″" if key.meaning == last else key.meaning),
        }
        for key, last in zip(found, before, strict=False)
    ]


def page() -> str:
    """Return the page in Markdown."""
    parts = [
        "# Spec keys\n\nEvery key that a TOML file of a data set may hold, by table. A key that is "
        "left out has its default. [Data sets](../docs/datasets.md) says what they are for, and "
        "how `[vary]` draws them.\n\n**May be** is what the table answers to a value that cannot "
        "be; where it is blank, nothing is refused key by key. Limits that depend on several keys "
        "are told when a spec is loaded.\n"
    ]
    for name, table in tables():
        first = parse(table.__doc__ or "").short_description or ""
        parts.append(f"\n## {f'`[{name}]`' if name else 'At the top'}\n\n{first}\n")
        parts.append(markdown(_rows(keys(table))))
    return "\n".join(parts)
