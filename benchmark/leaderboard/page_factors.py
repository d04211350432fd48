"""Factors of the page: which can be filtered by, and along which the error is drawn."""

from collections.abc import Mapping, Sequence
from typing import Any

from benchmark.errors import UserError
from benchmark.leaderboard.conditions import conditions, shared_level

Sweeps = Sequence[Mapping[str, Any]]

#: Factors that name a sweep instead of describing it.
IDENTITIES = {"subject", "seed", "index", "name", "spec_hash", "hash", "spec", "sweep", "level"}
#: Factors that come first among the filters.
FIRST_FACTORS = ("profile", "factor", "severity", "tissue")
MOST_VALUES = 40  # of a factor to filter by


def _values(sweeps: Sweeps, factor: str) -> list[Any]:
    found: dict[Any, None] = {}
    for sweep in sweeps:
        value = sweep["factors"].get(factor)
        if isinstance(value, str | int | float):
            found[value] = None
    return list(found)


def factors_of(sweeps: Sweeps) -> list[str]:
    """Return the factors to filter by: those with a few values, `FIRST_FACTORS` first.

    A factor with more values than half the number of sweeps hardly groups sweeps: it is left out,
    and so is a number that each subject has of its own.
    """
    names = dict.fromkeys(name for sweep in sweeps for name in sweep["factors"])
    useful = [
        name
        for name in names
        if name not in IDENTITIES
        and 2 <= len(_values(sweeps, name)) <= min(MOST_VALUES, len(sweeps) / 2)
        and not _names_a_subject(sweeps, name)
    ]
    return sorted(useful, key=lambda name: (name not in FIRST_FACTORS, useful.index(name)))


def _names_a_subject(sweeps: Sweeps, factor: str) -> bool:
    subjects: dict[Any, set[str]] = {}
    for sweep in sweeps:
        subjects.setdefault(sweep["factors"].get(factor), set()).add(sweep["subject"])
    count = len(set().union(*subjects.values()))
    numbers = any(isinstance(value, float) and value % 1 for value in subjects)
    own = all(len(having) == 1 for value, having in subjects.items() if value is not None)
    return numbers and own and len(subjects) >= count > 1


def stress_of(sweeps: Sweeps, factors: list[str]) -> list[dict[str, Any]]:
    """Return the curves that can be drawn: a factor's name, and at each value which sweeps count.

    Where sweeps name the one `factor` that was made worse, there is a curve over `severity` for
    each; otherwise one for every factor that is a number.
    """
    try:
        groups = conditions(sweeps)
    except UserError:
        groups = {}
    if groups:
        return [
            {
                "label": factor,
                "points": [
                    {"x": severity, "level": shared_level(sweeps, indices), "sweeps": indices}
                    for severity, indices in by_severity.items()
                ],
            }
            for factor, by_severity in groups.items()
        ]
    numeric = [f for f in factors if all(_is_number(value) for value in _values(sweeps, f))]
    return [{"label": name, "points": _points(sweeps, name)} for name in numeric]


def _points(sweeps: Sweeps, factor: str) -> list[dict[str, Any]]:
    return [
        {
            "x": value,
            "level": None,
            "sweeps": [i for i, s in enumerate(sweeps) if s["factors"].get(factor) == value],
        }
        for value in sorted(_values(sweeps, factor))
    ]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
