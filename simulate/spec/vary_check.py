"""Checks of a `vary` table against the spec that it is a table of."""

from __future__ import annotations

import re
from collections.abc import Sequence

from benchmark.dataset import SPLITS
from benchmark.errors import UserError, unknown_name
from simulate.spec.keys import converted, is_in, kind_of, number_kind
from simulate.spec.laws import Choice
from simulate.spec.tables import describe
from simulate.spec.vary import DEALT, HELD_OUT, NAMED, OF_A_SWEEP, Varied, Vary

#: A subject has one tissue in all of its sweeps.
OF_A_SUBJECT = ("tissue",)
#: What is planned before anything is drawn.
PLANNED = (
    "name", "seed", "description", "subjects", "showcase", "stress", "vary", "motion.profiles",
    "motion.orientations",
)  # fmt: skip
FIXED = "cannot vary, as the plan of a data set's sweeps depends on it"


def check_vary(spec: type, vary: Vary) -> None:
    """Refuse a `vary` table that does not fit the dataclass of a spec.

    Raises
    ------
    UserError : an unknown key or name (the nearest is suggested), one that cannot vary, a law of
        the wrong type, a key that is drawn twice, tissue drawn per sweep.
    """
    for where, entries in (("vary", vary.everywhere), *((f"vary.{s}", e) for s, e in vary.splits)):
        for entry in entries:
            _check_entry(spec, vary, entry, f"{where}.{entry.key}")
            _check_level(vary, entry, f"{where}.{entry.key}")
    for name, entries in vary.named:
        for entry in entries:
            where = f"vary.{NAMED}.{name}.{entry.key}"
            if is_in(entry.key, PLANNED):
                raise UserError(f"{where}: {FIXED}")
            _check_law(spec, entry, where)
            if entry.per:
                raise UserError(f"{where}: expected 'per' where '{name}' is chosen, got it here")
    for split in SPLITS:
        _refuse_twice(vary, vary.of(split), f"split '{split}'")
    for name, entries in vary.held_out:
        _check_group(spec, vary, name, entries)


def _check_group(spec: type, vary: Vary, name: str, entries: Sequence[Varied]) -> None:
    """Refuse a held-out group that has no short name or does not fit the spec."""
    where = f"vary.{HELD_OUT}.{name}"
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]*", name) or name == "none":
        raise UserError(f"{where}: expected a name of small letters, digits and '-', got {name!r}")
    for entry in entries:
        if entry.key in DEALT:
            _check_dealt(entry, f"{where}.{entry.key}")
        else:
            _check_entry(spec, vary, entry, f"{where}.{entry.key}")
            _check_level(vary, entry, f"{where}.{entry.key}")
    _refuse_twice(vary, vary.of_group(name), f"group '{name}'")


def _check_dealt(entry: Varied, where: str) -> None:
    law = entry.law
    if not isinstance(law, Choice) or not all(isinstance(option, str) for option in law.options):
        raise UserError(f"{where}: expected {{choice = [...]}} of texts, got {law.words()}")


def _check_entry(spec: type, vary: Vary, entry: Varied, where: str) -> None:
    """Refuse what is planned, names of no combination, and what `_check_law` refuses."""
    if is_in(entry.key, PLANNED):
        raise UserError(f"{where}: {FIXED}")
    if vary.names(entry) is not None:
        return
    if "." not in entry.key and vary.named and isinstance(entry.law, Choice):
        names = [name for name, _ in vary.named]
        wrong = next(option for option in entry.law.options if option not in names)
        raise UserError(f"{where}: {unknown_name(f'name of vary.{NAMED}', str(wrong), names)}")
    _check_law(spec, entry, where)


def _check_law(spec: type, entry: Varied, where: str) -> None:
    """Refuse a key that no spec has, and a law that is not of the key's type."""
    law = entry.law
    try:
        kind = kind_of(spec, entry.key)
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
    wrong = [k for k in vary.keys(entry) if is_in(k, OF_A_SUBJECT) and not is_in(k, OF_A_SWEEP)]
    if wrong and vary.level(entry) == "sweep":
        raise UserError(
            f"{where}.per: expected 'subject', since {wrong[0]} is the same in all sweeps of a "
            "subject, got 'sweep'"
        )


def _refuse_twice(vary: Vary, entries: Sequence[Varied], who: str) -> None:
    """Refuse two entries that are drawn together and set the same key."""
    setter: dict[str, str] = {}
    for entry in entries:
        for key in vary.keys(entry):
            if key in setter:
                raise UserError(
                    f"vary: expected {key} from one entry in {who}, got it from "
                    f"{setter[key]} and from {entry.key}"
                )
            setter[key] = entry.key
