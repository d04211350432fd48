"""Frozen dataclasses from tables of a TOML file; every mistake is named by its dotted key."""

import dataclasses
import difflib
import math
import types
import typing
from typing import Any

from benchmark.errors import UserError


def record_from_table(kind: type, table: Any, where: str) -> Any:
    """Return a table as TOML gives it as the dataclass `kind`; `where` is the table's dotted name.

    A key that is infinite by default takes inf, and "inf" as a spec's JSON has it; no other does.

    Raises
    ------
    UserError : an unknown key (the nearest is suggested), a missing key, a value of the wrong type,
        or a value that `kind` refuses.
    """
    if not isinstance(table, dict):
        raise UserError(f"{where}: expected a table, got {table!r}")
    hints = typing.get_type_hints(kind)
    known = {item.name: item for item in dataclasses.fields(kind)}
    prefix = f"{where}." if where else ""
    for key in table:
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
            hint = f"; did you mean '{near[0]}'?" if near else ""
            raise UserError(f"{prefix}{key}: unknown key{hint} (known: {', '.join(known)})")
    for key, item in known.items():
        needed = item.default is item.default_factory is dataclasses.MISSING
        if needed and key not in table:
            raise UserError(f"{prefix}{key}: expected {describe(hints[key])}, got nothing")
    endless = {key for key, item in known.items() if item.default == math.inf}
    values = {
        key: math.inf if key in endless and value in (math.inf, "inf")
        else typed(hints[key], value, prefix + key)
        for key, value in table.items()
    }  # fmt: skip
    return kind(**values)


def typed(kind: Any, value: Any, where: str) -> Any:
    """Return a TOML value as `kind`; raise UserError with what was expected.

    A class with a method `from_table(value, where)` reads its own.
    """
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if hasattr(kind, "from_table"):
        return kind.from_table(value, where)
    if dataclasses.is_dataclass(kind):
        return record_from_table(typing.cast(type, kind), value, where)
    if origin in (typing.Union, types.UnionType):  # only `X | None`; TOML has no null
        return typed(next(a for a in arguments if a is not type(None)), value, where)
    wrong = UserError(f"{where}: expected {describe(kind)}, got {value!r}")
    if origin is typing.Literal:
        if value not in arguments:
            raise wrong
        return value
    if origin is tuple:
        if not isinstance(value, list):
            raise wrong
        if arguments[-1] is Ellipsis:
            arguments = (arguments[0],) * len(value)
        if len(value) != len(arguments):
            raise wrong
        parts = zip(arguments, value, strict=True)
        return tuple(typed(a, v, f"{where}[{n}]") for n, (a, v) in enumerate(parts))
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise wrong
    if kind is float and not math.isfinite(value):
        raise UserError(f"{where}: expected a finite number, got {value!r}")
    return value


def describe(kind: Any) -> str:
    """Return the words for a type in an error."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if dataclasses.is_dataclass(kind):
        return "a table"
    if origin in (typing.Union, types.UnionType):
        return describe(next(a for a in arguments if a is not type(None)))
    if origin is typing.Literal:
        return "one of " + ", ".join(repr(a) for a in arguments)
    if origin is tuple:
        if arguments[-1] is Ellipsis:
            return f"a list, each {describe(arguments[0])}"
        return f"a list of {len(arguments)}, each {describe(arguments[0])}"
    names = {int: "an integer", float: "a number", str: "a text", bool: "true or false"}
    return names[kind]
