"""Dotted keys of a spec: the type of each, and specs with other values at some of them."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from benchmark.errors import UserError, unknown_name
from simulate.spec.laws import listed
from simulate.spec.tables import typed


def kind_of(spec: type, key: str) -> Any:
    """Return the type of a dotted key of a spec.

    Raises
    ------
    UserError : an unknown key (the nearest is suggested), or the key of a table.
    """
    kind: Any = spec
    for place, part in enumerate(key.split(".")):
        hints = _hints(kind)
        if part not in hints:
            table = ".".join(key.split(".")[:place])
            raise unknown_name(f"key of {f'table {table}' if table else 'a spec'}", part, hints)
        kind = hints[part]
    if dataclasses.is_dataclass(kind):
        raise UserError(f"expected a key of the table {key}, got the table")
    return kind


def converted(kind: Any, value: Any, where: str) -> Any:
    """Return a drawn value in the type of its key; a number fills a key of several numbers.

    Raises
    ------
    UserError : a value of another type.
    """
    count = len(typing.get_args(_bare(kind)))
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if is_number and count and number_kind(kind) is not None:
        return typed(kind, [value] * count, where)
    return typed(kind, listed(value), where)


def number_kind(kind: Any) -> type | None:
    """Return int or float for the type of a key of one or of several numbers; None for others."""
    bare = _bare(kind)
    parts = set(typing.get_args(bare)) if typing.get_origin(bare) is tuple else {bare}
    found = parts.pop()
    return found if not parts and found in (int, float) else None


def is_in(key: str, tables: Iterable[str]) -> bool:
    """Return whether a dotted key is one of these or lies in one of them."""
    return any(key == table or key.startswith(f"{table}.") for table in tables)


def with_values(record: Any, values: Mapping[str, Any]) -> Any:
    """Return a frozen dataclass with the values of dotted keys, those of each table at once.

    Raises
    ------
    UserError : a table or the whole refuses its new values.
    """
    own: dict[str, Any] = {}
    inner: dict[str, dict[str, Any]] = {}
    for key, value in values.items():
        table, _, rest = key.partition(".")
        if rest:
            inner.setdefault(table, {})[rest] = value
        else:
            own[key] = value
    own |= {table: with_values(getattr(record, table), inner[table]) for table in inner}
    return dataclasses.replace(record, **own)


@cache
def _hints(kind: Any) -> dict[str, Any]:
    """Return the types of a dataclass's fields by name; {} of anything else."""
    return typing.get_type_hints(kind) if dataclasses.is_dataclass(kind) else {}


def _bare(kind: Any) -> Any:
    """Return the type of `X | None` without the None."""
    if typing.get_origin(kind) not in (typing.Union, types.UnionType):
        return kind
    return next(a for a in typing.get_args(kind) if a is not type(None))
