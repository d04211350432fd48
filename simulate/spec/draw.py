"""The spec of one sweep of a data set that varies: each key is drawn from a stream of its own.

A key's random number depends on the data set's seed, on the subject or sweep and on the key's name,
so another key in the `vary` table leaves it as it is. Values that cannot be together, by the checks
of the spec, are drawn again, all of the same subject or all of the same sweep.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

import numpy as np

from benchmark.errors import UserError
from benchmark.files import sha256_of_text
from simulate.spec.laws import Choice, drawn, listed
from simulate.spec.plan import SweepPlan
from simulate.spec.record import Spec
from simulate.spec.vary import Varied, Vary, converted, kind_of, number_kind

# First spawn keys of what is drawn per subject and per sweep; others: `simulate.sweep.scene`.
STREAM = {"subject": 2**31 + 2, "sweep": 2**31 + 3}
MOST_DRAWS = 200  # for one subject or sweep


@dataclass(frozen=True)
class Draw:
    """What was drawn for one sweep.

    spec: with the values in place and nothing left to vary; values: number, text or truth value by
    key or label, lists as their JSON, in the order of the keys; refused: why draws before this one
    could not be, an error each, by the subject or sweep that was drawn.
    """

    spec: Spec
    values: Mapping[str, Any]
    refused: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def draw_spec(spec: Spec, plan: SweepPlan, entropy: int | None = None) -> Draw:
    """Return what is drawn for a planned sweep, without its stress.

    entropy: used in place of the spec's seed.

    Raises
    ------
    UserError : `MOST_DRAWS` draws in a row cannot be; names the key in most of the reasons.
    """
    if not spec.vary:
        return Draw(spec, {})
    source = spec.seed if entropy is None else entropy
    own = _subject(spec, plan.split, plan.subject, plan.subject_index, source)
    entries = _of_level(spec.vary, plan.split, "sweep")
    place = (source, STREAM["sweep"], plan.drawn_as)
    now = _draw(own.spec, spec.vary, entries, place, f"sweep '{plan.name}'")
    values = {**own.values, **now.values}
    ordered = {key: values[key] for key in sorted(values)}
    return Draw(now.spec, ordered, {**own.refused, **now.refused})


def reason_counts(refused: Iterable[str]) -> Counter[str]:
    """Return how many draws were refused, by the key that stands first in the reason."""
    return Counter(reason.partition(":")[0] for reason in refused)


@lru_cache(maxsize=1024)
def _subject(spec: Spec, split: str, subject: str, index: int, entropy: int) -> Draw:
    """Return what is drawn for a subject; keys drawn per sweep have the values of the file."""
    entries = _of_level(spec.vary, split, "subject")
    place = (entropy, STREAM["subject"], index)
    return _draw(replace(spec, vary=Vary()), spec.vary, entries, place, f"subject '{subject}'")


def _of_level(vary: Vary, split: str, level: str) -> list[Varied]:
    return [entry for entry in vary.of(split) if vary.level(entry) == level]


def _draw(
    base: Spec, vary: Vary, entries: list[Varied], place: tuple[int, int, int], who: str
) -> Draw:
    """Return a spec with drawn values in place of its own, drawn until they can be together."""
    if not entries:
        return Draw(base, {})
    refused: list[str] = []
    for attempt in range(MOST_DRAWS):
        values: dict[str, Any] = {}
        changes: dict[str, Any] = {}
        for key, value, told in _values(vary, entries, (*place, attempt)):
            if told:
                values[key] = value if not isinstance(value, tuple) else json.dumps(listed(value))
            if "." in key or hasattr(base, key):
                _put(changes, key, converted(kind_of(type(base), key), value, f"vary.{key}"))
        try:
            return Draw(_replaced(base, changes), values, {who: tuple(refused)})
        except UserError as error:
            refused.append(str(error))
    key, times = reason_counts(refused).most_common(1)[0]
    last = next(reason for reason in reversed(refused) if reason.startswith(key))
    raise UserError(
        f"vary: expected values for {who} that can be together, got none in {MOST_DRAWS} draws; "
        f"{times} times the reason was {last}"
    )


def _values(
    vary: Vary, entries: list[Varied], place: tuple[int, ...]
) -> Iterator[tuple[str, Any, bool]]:
    """Yield key or label, value, and whether it is told, of each entry and of what it names."""
    for entry in entries:
        value = _value(entry, place, vary)
        yield entry.key, value, True
        if vary.names(entry) is not None:
            for inner in vary.combination(value):
                fixed = isinstance(inner.law, Choice) and len(inner.law.options) == 1
                yield inner.key, _value(inner, place, vary), not fixed


def _value(entry: Varied, place: tuple[int, ...], vary: Vary) -> Any:
    """Return the value of an entry: the law's at the random number of its name."""
    entropy, *numbers = place
    digest = sha256_of_text(entry.key)
    words = [int(digest[start : start + 8], 16) for start in range(0, 32, 8)]
    sequence = np.random.SeedSequence(entropy, spawn_key=(*numbers, *words))
    share = float(np.random.default_rng(sequence).random())
    whole = vary.names(entry) is None and number_kind(kind_of(Spec, entry.key)) is int
    return drawn(entry.law, share, whole)


def _put(table: dict[str, Any], key: str, value: Any) -> None:
    """Set a dotted key of a table of tables."""
    *tables, last = key.split(".")
    for name in tables:
        table = table.setdefault(name, {})
    table[last] = value


def _replaced(record: Any, changes: Mapping[str, Any]) -> Any:
    """Return a frozen dataclass with some values replaced, those of each table at once."""
    new = {
        key: _replaced(getattr(record, key), value) if isinstance(value, dict) else value
        for key, value in changes.items()
    }
    return replace(record, **new)
