"""Schemas of JSON values, and every fault of a value against one: "key: expected ..., got ..."."""

import reprlib
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

#: Whole numbers beyond it fit neither tables nor other programs.
LARGEST_INTEGER = 2**63
#: Squares of larger numbers, as in a standard deviation, are infinite.
LARGEST_NUMBER = 1e100


@dataclass(frozen=True)
class Kind:
    """A single value: how a message names it, and the test that it passes."""

    wording: str
    holds: Callable[[Any], bool]


@dataclass(frozen=True)
class Keys:
    """An object with certain keys; an optional one may be absent or null, others are ignored."""

    required: Mapping[str, "Schema"] = field(default_factory=dict)
    optional: Mapping[str, "Schema"] = field(default_factory=dict)
    wording: str = "an object"


@dataclass(frozen=True)
class ListOf:
    """A list whose items are all of one schema."""

    item: "Schema"
    wording: str = "a list"


@dataclass(frozen=True)
class MapOf:
    """An object whose values are all of one schema, whatever the keys."""

    item: "Schema"
    wording: str = "an object"


Schema: TypeAlias = Kind | Keys | ListOf | MapOf


def is_whole(value: Any) -> bool:
    """Return whether a JSON value is a whole number of at most 64 bits."""
    return type(value) is int and abs(value) < LARGEST_INTEGER


def is_number(value: Any) -> bool:
    """Return whether a JSON value is a number to calculate with: finite, not above 1e100."""
    return is_whole(value) or (type(value) is float and abs(value) <= LARGEST_NUMBER)


TEXT = Kind("a text", lambda value: isinstance(value, str))
NAME = Kind("a name", lambda value: isinstance(value, str) and bool(value.strip()))
OBJECT = Kind("an object", lambda value: isinstance(value, dict))
WHOLE = Kind("a whole number", is_whole)
NUMBER = Kind("a number of at most 1e100", is_number)
NUMBER_OR_NULL = Kind(
    "a number of at most 1e100 or null", lambda value: value is None or is_number(value)
)
SCALAR = Kind(
    "a number, a text or a flag", lambda value: isinstance(value, str | bool) or is_number(value)
)
POSITION = Kind(
    "a position of three numbers",
    lambda value: isinstance(value, list) and len(value) == 3 and all(map(is_number, value)),
)


def whole_from(least: int) -> Kind:
    """Return the kind of whole numbers of at least `least`."""
    return Kind(f"a whole number of at least {least}", lambda v: is_whole(v) and v >= least)


def number_from(least: float) -> Kind:
    """Return the kind of finite numbers of at least `least`."""
    return Kind(f"a number of at least {least:g}", lambda v: is_number(v) and v >= least)


def one_of(words: Collection[str]) -> Kind:
    """Return the kind of a word among some."""
    return Kind(f"one of {', '.join(words)}", lambda v: isinstance(v, str) and v in words)


def shown(value: Any) -> str:
    """Return a value as one short line for a message."""
    brief = reprlib.Repr()
    brief.maxstring = brief.maxother = 80
    brief.maxdict = brief.maxlist = 3
    return " ".join(brief.repr(value).split())


def faults(value: Any, schema: Schema, key: str = "") -> Iterator[str]:
    """Yield what is wrong with a value, one line per fault, each beginning with its key.

    key: where the value stands, e.g. "sweeps[3].name"; empty for a whole file.
    """
    container = list if isinstance(schema, ListOf) else dict
    sound = schema.holds(value) if isinstance(schema, Kind) else isinstance(value, container)
    if not sound:
        yield f"{key}{': ' if key else ''}expected {schema.wording}, got {shown(value)}"
    elif isinstance(schema, Keys):
        yield from _faults_of_keys(value, schema, f"{key}." if key else "")
    elif isinstance(schema, ListOf):
        for index, item in enumerate(value):
            yield from faults(item, schema.item, f"{key}[{index}]")
    elif isinstance(schema, MapOf):
        for name, item in value.items():
            yield from faults(item, schema.item, f"{key}.{name}" if key else name)


def _faults_of_keys(value: Mapping[str, Any], schema: Keys, prefix: str) -> Iterator[str]:
    for name, inner in schema.required.items():
        if name in value:
            yield from faults(value[name], inner, prefix + name)
        else:
            yield f"key '{prefix}{name}' is missing"
    for name, inner in schema.optional.items():
        if value.get(name) is not None:
            yield from faults(value[name], inner, prefix + name)
