"""The spec of one sweep of a data set that varies: each key is drawn from a stream of its own.

A key's random number depends on the data set's seed, on the subject or sweep and on the key's name,
so another key in the `vary` table leaves it as it is. Values that cannot be together, by the checks
of the spec, are drawn again, all of the same subject or all of the same sweep. A twin in a held-out
group keeps what was drawn for its sweep and draws what its group names over it.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, NamedTuple

from benchmark.errors import UserError
from simulate.spec.keys import converted, kind_of, number_kind, with_values
from simulate.spec.laws import Choice, drawn, listed
from simulate.spec.plan import SweepPlan
from simulate.spec.record import Spec
from simulate.spec.vary import Varied, Vary
from simulate.streams import stream

# First names of the streams of what is drawn; others: `simulate.sweep.scene`.
STREAM = {"subject": "vary of subjects", "sweep": "vary of sweeps"}
MOST_DRAWS = 200  # for one subject or sweep

# Entropy, stream, index of the subject or sweep, and number of the draw.
_Place = tuple[int, str, int, int]


@dataclass(frozen=True)
class Draw:
    """What was drawn for one sweep.

    spec: with the values in place and nothing left to vary; values: number, text or truth value by
    key or label, lists as their JSON, in the order of the keys; refused: why draws before this one
    could not be, an error each, by the subject or sweep that was drawn; put: what was drawn, by the
    keys of a spec and in their types.
    """

    spec: Spec
    values: Mapping[str, Any]
    refused: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    put: Mapping[str, Any] = field(default_factory=dict)


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
    who = (plan.split, plan.subject, plan.subject_index, source)
    own = _subject(spec, *who)
    entries = _of_level(spec.vary, spec.vary.of(plan.split), "sweep")
    place = (source, STREAM["sweep"], plan.drawn_as)
    now = _draw(own.spec, spec.vary, entries, place, f"sweep '{plan.name}'")
    if not plan.held_out:
        return _after(own, now)
    other = _held_out(spec, plan.held_out, *who)
    entries = _of_level(spec.vary, spec.vary.of_group(plan.held_out), "sweep")
    kept = {key: value for key, value in now.put.items() if key not in other.put} | _dealt(
        spec.vary, plan
    )
    last = _draw(other.spec, spec.vary, entries, place, f"sweep '{plan.name}'", kept)
    return _after(own, now, other, last)


def _after(*draws: Draw) -> Draw:
    """Return draws one after the other as one; what a later one puts in place is told by it."""
    values: dict[str, Any] = {}
    refused: dict[str, tuple[str, ...]] = {}
    for draw in draws:
        values = {key: value for key, value in values.items() if key not in draw.put}
        values |= draw.values
        refused |= draw.refused
    ordered = {key: values[key] for key in sorted(values)}
    return Draw(draws[-1].spec, ordered, refused)


def _dealt(vary: Vary, plan: SweepPlan) -> dict[str, Any]:
    """Return the keys that are dealt to a twin, with the values of its plan."""
    own = {"motion.profiles": (plan.profile,), "motion.orientations": (plan.orientation,)}
    return {key: value for key, value in own.items() if vary.dealt(plan.held_out, key)}


def reason_counts(refused: Iterable[str]) -> Counter[str]:
    """Return how many draws were refused, by the key that stands first in the reason."""
    return Counter(reason.partition(":")[0] for reason in refused)


@lru_cache(maxsize=1024)
def _subject(spec: Spec, split: str, subject: str, index: int, entropy: int) -> Draw:
    """Return what is drawn for a subject; keys drawn per sweep have the values of the file."""
    entries = _of_level(spec.vary, spec.vary.of(split), "subject")
    place = (entropy, STREAM["subject"], index)
    return _draw(replace(spec, vary=Vary()), spec.vary, entries, place, f"subject '{subject}'")


@lru_cache(maxsize=1024)
def _held_out(spec: Spec, group: str, split: str, subject: str, index: int, entropy: int) -> Draw:
    """Return what a held-out group draws for a subject, over what was drawn for it before."""
    entries = _of_level(spec.vary, spec.vary.of_group(group), "subject")
    place = (entropy, STREAM["subject"], index)
    own = _subject(spec, split, subject, index, entropy)
    return _draw(own.spec, spec.vary, entries, place, f"subject '{subject}' in '{group}'")


def _of_level(vary: Vary, entries: Iterable[Varied], level: str) -> list[Varied]:
    return [entry for entry in entries if vary.level(entry) == level]


def _draw(
    base: Spec,
    vary: Vary,
    entries: list[Varied],
    place: tuple[int, str, int],
    who: str,
    kept: Mapping[str, Any] | None = None,
) -> Draw:
    """Return a spec with drawn values in place of its own, drawn until they can be together.

    kept: values by key that are put in place too, where none is drawn.
    """
    if not entries and not kept:
        return Draw(base, {})
    refused: list[str] = []
    for attempt in range(MOST_DRAWS):
        found = list(_values(vary, entries, (*place, attempt)))
        told = {one.key: _flat(one.value) for one in found if one.is_told}
        new = {one.key: converted(kind_of(Spec, one.key), one.value, f"vary.{one.key}")
               for one in found if not one.is_label}  # fmt: skip
        try:
            made = with_values(base, {**(kept or {}), **new})
            return Draw(made, told, {who: tuple(refused)}, new)
        except UserError as error:
            refused.append(str(error))
    key, times = reason_counts(refused).most_common(1)[0]
    last = next(reason for reason in reversed(refused) if reason.startswith(key))
    raise UserError(
        f"vary: expected values for {who} that can be together, got none in {MOST_DRAWS} draws; "
        f"{times} times the reason was {last}"
    )


class _Value(NamedTuple):
    """The value of a key or of a label, and whether it is told as a factor of the sweep."""

    key: str
    value: Any
    is_label: bool = False
    is_told: bool = True


def _values(vary: Vary, entries: list[Varied], place: _Place) -> Iterator[_Value]:
    """Yield the value of each entry, and those of the combination that a label names."""
    for entry in entries:
        if vary.names(entry) is None:
            yield _Value(entry.key, _value(entry, place))
            continue
        name = drawn(entry.law, _share(entry.key, place), whole=False)
        yield _Value(entry.key, name, is_label=True)
        for inner in vary.combination(name):
            fixed = isinstance(inner.law, Choice) and len(inner.law.options) == 1
            yield _Value(inner.key, _value(inner, place), is_told=not fixed)


def _value(entry: Varied, place: _Place) -> Any:
    whole = number_kind(kind_of(Spec, entry.key)) is int
    return drawn(entry.law, _share(entry.key, place), whole)


def _share(key: str, place: _Place) -> float:
    """Return the uniform random number in [0, 1) of a key."""
    entropy, name, index, attempt = place
    return float(stream(entropy, name, index, attempt, key).random())


def _flat(value: Any) -> Any:
    """Return a number, a text or a truth value as it is, a list as its JSON."""
    return json.dumps(listed(value)) if isinstance(value, tuple) else value
