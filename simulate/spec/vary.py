"""The `vary` table of a spec: which keys are drawn, by which law, for whom.

[vary]
"probe.elevation_focus_mm" = [8, 40]                    # of a subject, in every split
"motion.tremor_mm" = {low = 0.01, high = 0.1, log = true}   # of a sweep
machine = {choice = ["cart", "portable"]}               # what belongs together, by name

[vary.test]
"probe.elevation_focus_mm" = [40, 60]                   # outside of what is trained on

[vary.named.cart]
"probe.elements" = 192
"bmode.dynamic_range_db" = [50, 70]

[vary.named.portable]
"probe.elements" = 128
"bmode.dynamic_range_db" = 60
"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from benchmark.dataset import SPLITS
from benchmark.errors import UserError, unknown_name
from simulate.spec.laws import Choice, Law, is_law, law_from_toml, listed, to_toml
from simulate.spec.tables import describe, typed

NAMED = "named"
LEVELS = ("subject", "sweep")
#: Tables that are the hand's and so are drawn per sweep; all others are drawn per subject.
OF_A_SWEEP = ("motion", "contact", "tissue.motion")
#: A subject has one tissue in all of its sweeps.
OF_A_SUBJECT = ("tissue",)
#: What is planned before anything is drawn.
PLANNED = (
    "name", "seed", "description", "subjects", "showcase", "stress", "vary", "motion.profiles",
    "motion.orientations",
)  # fmt: skip


@dataclass(frozen=True)
class Varied:
    """A key, the law of its values, and whether it is drawn per "subject" or per "sweep".

    A key without a dot that is no key of a spec is a label: its law is a choice of names of
    combinations. per: "" is the usual one of the key.
    """

    key: str
    law: Law
    per: str = ""

    def to_toml(self) -> Any:
        """Return law and `per` as they are written in TOML."""
        return self.law.to_table() | {"per": self.per} if self.per else to_toml(self.law)


@dataclass(frozen=True)
class Vary:
    """What is drawn for every split, for single splits, and the combinations by name.

    Entries are in the order of their keys. An entry of a split takes the place of that of every
    split.
    """

    everywhere: tuple[Varied, ...] = ()
    splits: tuple[tuple[str, tuple[Varied, ...]], ...] = ()
    named: tuple[tuple[str, tuple[Varied, ...]], ...] = ()

    def __bool__(self) -> bool:
        return bool(self.everywhere or self.splits)

    @classmethod
    def from_table(cls, table: Any, where: str) -> Vary:
        """Return the table as TOML gives it; `where` is its name.

        Raises
        ------
        UserError : not tables where tables are expected, or a law that is none.
        """
        _refuse_no_table(table, where)
        rest = {key: value for key, value in table.items() if key not in (*SPLITS, NAMED)}
        named = table.get(NAMED, {})
        _refuse_no_table(named, f"{where}.{NAMED}")
        return cls(
            _entries(rest, where),
            tuple((s, _entries(table[s], f"{where}.{s}")) for s in SPLITS if table.get(s) != {}
                  and s in table),
            tuple((n, _entries(named[n], f"{where}.{NAMED}.{n}")) for n in sorted(named)),
        )  # fmt: skip

    def to_table(self) -> dict[str, Any]:
        """Return the table as TOML gives it; {} where nothing varies."""
        found: dict[str, Any] = {entry.key: entry.to_toml() for entry in self.everywhere}
        for name, entries in self.splits:
            found[name] = {entry.key: entry.to_toml() for entry in entries}
        if self.named:
            found[NAMED] = {
                name: {entry.key: entry.to_toml() for entry in entries}
                for name, entries in self.named
            }
        return found

    def of(self, split: str) -> tuple[Varied, ...]:
        """Return what is drawn for a split, in the order of the keys."""
        own = dict(self.splits).get(split, ())
        merged = {entry.key: entry for entry in (*self.everywhere, *own)}
        return tuple(merged[key] for key in sorted(merged))

    def combination(self, name: str) -> tuple[Varied, ...]:
        """Return the entries of a named combination."""
        return dict(self.named)[name]

    def names(self, entry: Varied) -> tuple[str, ...] | None:
        """Return the names among which a label's entry chooses; None for a key of a spec."""
        known = dict(self.named)
        if "." in entry.key or not isinstance(entry.law, Choice):
            return None
        options = tuple(dict.fromkeys(entry.law.options))
        return options if all(isinstance(o, str) and o in known for o in options) else None

    def keys(self, entry: Varied) -> tuple[str, ...]:
        """Return every key of a spec that an entry may set."""
        names = self.names(entry)
        if names is None:
            return (entry.key,)
        return tuple(dict.fromkeys(e.key for name in names for e in self.combination(name)))

    def level(self, entry: Varied) -> str:
        """Return whether an entry is drawn per "subject" or per "sweep"."""
        hand = all(_is_of(key, OF_A_SWEEP) for key in self.keys(entry))
        return entry.per or ("sweep" if hand else "subject")


def check(spec: type, vary: Vary) -> None:
    """Refuse a `vary` table that does not fit the dataclass of a spec.

    Raises
    ------
    UserError : an unknown key or name (the nearest is suggested), one that cannot vary, a law of
        the wrong type, a key that is drawn twice, tissue drawn per sweep.
    """
    for where, entries in (("vary", vary.everywhere), *((f"vary.{s}", e) for s, e in vary.splits)):
        for entry in entries:
            if vary.names(entry) is None:
                _check_key(spec, vary, entry, f"{where}.{entry.key}")
            _check_level(vary, entry, f"{where}.{entry.key}")
    for name, entries in vary.named:
        for entry in entries:
            where = f"vary.{NAMED}.{name}.{entry.key}"
            _check_key(spec, Vary(), entry, where)
            if entry.per:
                raise UserError(f"{where}: expected 'per' where '{name}' is chosen, got it here")
    for split in SPLITS:
        _refuse_twice(vary, split)


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
        raise UserError(f"expected a key of the table {key}, or a choice of names of vary.{NAMED}")
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


@cache
def _hints(kind: Any) -> dict[str, Any]:
    """Return the types of a dataclass's fields by name; {} of anything else."""
    return typing.get_type_hints(kind) if dataclasses.is_dataclass(kind) else {}


def _bare(kind: Any) -> Any:
    """Return the type of `X | None` without the None."""
    if typing.get_origin(kind) not in (typing.Union, types.UnionType):
        return kind
    return next(a for a in typing.get_args(kind) if a is not type(None))


def _is_of(key: str, tables: tuple[str, ...]) -> bool:
    return any(key == table or key.startswith(f"{table}.") for table in tables)


def _refuse_no_table(table: Any, where: str) -> None:
    if not isinstance(table, dict):
        raise UserError(f"{where}: expected a table, got {table!r}")


def _entries(table: Any, where: str) -> tuple[Varied, ...]:
    """Return the entries of a table in the order of their keys; tables within it lengthen keys."""
    _refuse_no_table(table, where)
    found: dict[str, Varied] = {}
    for key, value in _leaves(table):
        if key in found:
            raise UserError(f"{where}.{key}: expected once, got twice")
        law, per = value, ""
        if isinstance(value, dict):
            law = {word: item for word, item in value.items() if word != "per"}
            per = value.get("per", "")
            if "per" in value and per not in LEVELS:
                raise UserError(f"{where}.{key}.per: expected 'subject' or 'sweep', got {per!r}")
        found[key] = Varied(key, law_from_toml(law, f"{where}.{key}"), per)
    return tuple(found[key] for key in sorted(found))


def _leaves(table: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the laws in a table and in those within it, by their dotted keys."""
    for key, value in table.items():
        if is_law(value):
            yield above + key, value
        else:
            yield from _leaves(value, f"{above}{key}.")


def _check_key(spec: type, vary: Vary, entry: Varied, where: str) -> None:
    """Refuse a key that no spec has or that cannot vary, and a law that is not of its type."""
    law, key = entry.law, entry.key
    strings = isinstance(law, Choice) and all(isinstance(o, str) for o in law.options)
    if "." not in key and key not in PLANNED and strings and vary.named:
        names = [name for name, _ in vary.named]
        wrong = next(o for o in typing.cast(Choice, law).options if o not in names)
        raise UserError(f"{where}: {unknown_name(f'name of vary.{NAMED}', wrong, names)}")
    if _is_of(key, PLANNED):
        raise UserError(f"{where}: cannot vary, as the plan of a data set's sweeps depends on it")
    try:
        kind = kind_of(spec, key)
    except UserError as error:
        raise UserError(f"{where}: {error}") from error
    if isinstance(law, Choice):
        for option in law.options:
            converted(kind, option, where)
        return
    number = number_kind(kind)
    if number is None:
        raise UserError(
            f"{where}: expected {{choice = [...]}} of {describe(kind)}, got {law.words()}"
        )
    ends = (law.low, law.high)
    if number is int and not all(isinstance(end, int) for end in ends):
        raise UserError(f"{where}: expected whole numbers from low to high, got {law.words()}")


def _check_level(vary: Vary, entry: Varied, where: str) -> None:
    wrong = [k for k in vary.keys(entry) if _is_of(k, OF_A_SUBJECT) and not _is_of(k, OF_A_SWEEP)]
    if wrong and vary.level(entry) == "sweep":
        raise UserError(
            f"{where}.per: expected 'subject', since {wrong[0]} is the same in all sweeps of a "
            "subject, got 'sweep'"
        )


def _refuse_twice(vary: Vary, split: str) -> None:
    """Refuse two entries of a split that set the same key."""
    setter: dict[str, str] = {}
    for entry in vary.of(split):
        for key in vary.keys(entry):
            if key in setter:
                raise UserError(
                    f"vary: expected {key} from one entry in split '{split}', got it from "
                    f"{setter[key]} and from {entry.key}"
                )
            setter[key] = entry.key
