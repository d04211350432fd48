"""The `vary` table of a spec: which keys are drawn, by which law, for whom.

[vary]
"probe.elevation_focus_mm" = [8, 40]                    # of a subject, in every split
"motion.tremor_mm" = {low = 0.01, high = 0.1, log = true}   # of a sweep
machine = {choice = ["cart", "portable"]}               # what belongs together, by name

[vary.test]
"probe.elevation_focus_mm" = [40, 60]                   # outside of what is trained on

[vary.held_out.new-hand]                                # each test sweep once more, other in this
"motion.profiles" = {choice = ["loop", "spiral"]}       # dealt in turn
"motion.direction" = "both"

[vary.named.cart]
"probe.elements" = 192
"bmode.dynamic_range_db" = [50, 70]

[vary.named.portable]
"probe.elements" = 128
"bmode.dynamic_range_db" = 60
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from benchmark.dataset import SPLITS
from benchmark.errors import UserError
from simulate.spec.keys import is_in
from simulate.spec.laws import Choice, Law, is_law, law_from_toml, to_toml

NAMED = "named"
HELD_OUT = "held_out"
#: Keys that only a held-out group may have: dealt in turn, as the plan needs them, not drawn.
DEALT = ("motion.profiles", "motion.orientations")
LEVELS = ("subject", "sweep")
#: Tables that are the hand's and so are drawn per sweep; all others are drawn per subject.
OF_A_SWEEP = ("motion", "contact", "tissue.motion")


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
    split. held_out: groups by name; of each test sweep there is a twin in each group, which differs
    in what the entries of the group draw.
    """

    everywhere: tuple[Varied, ...] = ()
    splits: tuple[tuple[str, tuple[Varied, ...]], ...] = ()
    named: tuple[tuple[str, tuple[Varied, ...]], ...] = ()
    held_out: tuple[tuple[str, tuple[Varied, ...]], ...] = ()

    def __bool__(self) -> bool:
        return bool(self.everywhere or self.splits or self.named or self.held_out)

    @classmethod
    def from_table(cls, table: Any, where: str) -> Vary:
        """Return the table as TOML gives it; `where` is its name.

        Raises
        ------
        UserError : not tables where tables are expected, or a law that is none.
        """
        _refuse_no_table(table, where)
        inner = (*SPLITS, NAMED, HELD_OUT)
        rest = {key: value for key, value in table.items() if key not in inner}
        return cls(
            _entries(rest, where),
            tuple(
                (s, _entries(table[s], f"{where}.{s}")) for s in SPLITS if table.get(s, {}) != {}
            ),
            _groups(table.get(NAMED, {}), f"{where}.{NAMED}"),
            _groups(table.get(HELD_OUT, {}), f"{where}.{HELD_OUT}"),
        )

    def to_table(self) -> dict[str, Any]:
        """Return the table as TOML gives it; {} where nothing varies."""
        found: dict[str, Any] = {entry.key: entry.to_toml() for entry in self.everywhere}
        for name, entries in self.splits:
            found[name] = {entry.key: entry.to_toml() for entry in entries}
        for word, groups in ((NAMED, self.named), (HELD_OUT, self.held_out)):
            if groups:
                found[word] = {
                    name: {entry.key: entry.to_toml() for entry in entries}
                    for name, entries in groups
                }
        return found

    def of(self, split: str) -> tuple[Varied, ...]:
        """Return what is drawn for a split, in the order of the keys."""
        own = dict(self.splits).get(split, ())
        merged = {entry.key: entry for entry in (*self.everywhere, *own)}
        return tuple(merged[key] for key in sorted(merged))

    @property
    def groups(self) -> tuple[str, ...]:
        """The names of the held-out groups."""
        return tuple(name for name, _ in self.held_out)

    def of_group(self, name: str) -> tuple[Varied, ...]:
        """Return what is drawn for the twins of a held-out group, less what is dealt."""
        return tuple(entry for entry in dict(self.held_out)[name] if entry.key not in DEALT)

    def dealt(self, name: str, key: str) -> tuple[str, ...]:
        """Return the values of a key of `DEALT` in a held-out group; () where it has none."""
        found = [entry.law for entry in dict(self.held_out)[name] if entry.key == key]
        return found[0].options if found and isinstance(found[0], Choice) else ()

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
        hand = all(is_in(key, OF_A_SWEEP) for key in self.keys(entry))
        return entry.per or ("sweep" if hand else "subject")


def _refuse_no_table(table: Any, where: str) -> None:
    if not isinstance(table, dict):
        raise UserError(f"{where}: expected a table, got {table!r}")


def _groups(table: Any, where: str) -> tuple[tuple[str, tuple[Varied, ...]], ...]:
    """Return the entries of each table in a table, in the order of their names."""
    _refuse_no_table(table, where)
    return tuple((name, _entries(table[name], f"{where}.{name}")) for name in sorted(table))


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
