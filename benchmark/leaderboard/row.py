"""One row of the leaderboard: a tracker with one configuration, over its training seeds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmark.leaderboard.columns import HEADLINE
from benchmark.scoring.statistics import (
    FEWEST_SUBJECTS,
    Summary,
    mean_of_known,
    subjects_with,
    summarise,
)
from benchmark.tracks import PLAIN

COLLAPSE = "mean_collapse"


@dataclass(frozen=True, eq=False)
class Row:
    """One tracker with one configuration, over its seeds.

    label: the name, made unique; results: one result per seed, by seed; tables: per metric the
    scores (S, N) by seed and sweep of the leaderboard, NaN where missing; values: per metric their
    mean over seeds by sweep, None where any seed has no score; summary: per metric mean, sd and
    95 % interval over subjects and seeds; subjects: how many have a headline in every seed;
    missing: how many sweeps have no score in some seed; rank: best and worst rank in its track that
    the paired differences leave open, None if unranked; seed_spread: per metric the sd of the
    seeds' means, None for one seed; collapsed: whether the tracker answers the mean motion on most
    sweeps; headline_id: the metric that ranks; other_data: which other version of the data the row
    is of, empty for the board's own: such a row is shown and not compared.
    """

    label: str
    results: tuple[Mapping[str, Any], ...]
    tables: Mapping[str, np.ndarray]
    values: Mapping[str, list[float | None]]
    summary: Mapping[str, Summary]
    seed_spread: Mapping[str, float | None]
    subjects: int
    missing: int
    collapsed: bool
    headline_id: str = HEADLINE
    rank: tuple[int, int] | None = None
    other_data: str = ""

    @property
    def tracker(self) -> str:
        """The tracker's own name."""
        return self.results[0]["tracker"]

    @property
    def kind(self) -> str:
        """learned, classical, reference or external."""
        return self.results[0].get("kind") or "external"

    @property
    def track(self) -> str | None:
        """What the tracker may see; None for a reference row, which is shown with every track."""
        return None if self.kind == "reference" else self.results[0].get("track") or PLAIN

    @property
    def seeds(self) -> list[int | None]:
        """The training seeds; None where a result names none or no random numbers were used."""
        return [result.get("seed") if self.uses_chance else None for result in self.results]

    @property
    def uses_chance(self) -> bool:
        """Whether another training of the same method could score otherwise."""
        return self.kind in ("learned", "external")

    @property
    def expected(self) -> int:
        """How many sweeps there are to track."""
        return max(result["expected_sweeps"] for result in self.results)

    @property
    def scored(self) -> int:
        """How many sweeps have a score in every seed."""
        return self.expected - self.missing

    @property
    def may_rank(self) -> bool:
        """Whether the row takes a rank: own data, no reference, all sweeps, enough subjects."""
        complete = self.missing == 0 and self.subjects >= FEWEST_SUBJECTS
        return complete and self.kind != "reference" and not self.other_data

    @property
    def remarks(self) -> list[str]:
        """What limits the row's interval and rank, in a few words each."""
        found = [f"{self.other_data}: other data, not ranked"] if self.other_data else []
        if 0 < self.subjects < FEWEST_SUBJECTS:
            noun = "subject" if self.subjects == 1 else "subjects"
            found.append(f"{self.subjects} {noun}: too few for an interval or a rank")
        if self.uses_chance and len(self.results) == 1:
            found.append("one training")
        return found

    @property
    def headline(self) -> Summary:
        """The summary of the metric that ranks."""
        return self.summary[self.headline_id]

    def first(self, key: str) -> Any:
        """Return the value of a key in the first seed's result, None where it lacks the key."""
        return self.results[0].get(key)

    def mean_of(self, key: str) -> float | None:
        """Return the mean over seeds of a number in their results, None where no result has it."""
        return mean_of_known(result.get(key) for result in self.results)

    @property
    def training_seconds(self) -> float | None:
        """Duration of a training, mean over seeds; None where no result states one."""
        return mean_of_known(
            (result.get("training") or {}).get("seconds") for result in self.results
        )


def make_row(
    label: str,
    results: list[Mapping[str, Any]],
    sweeps: Sequence[Mapping[str, Any]],
    undefined: set[str],
    headline: str = HEADLINE,
) -> Row:
    """Return the unranked row of one tracker's results (one per seed) on the leaderboard's sweeps.

    undefined: names of the sweeps whose headline is undefined in every result; headline: the
    metric that ranks.
    """
    by_seed = [{sweep["name"]: sweep["metrics"] for sweep in r["sweeps"]} for r in results]
    names = [sweep["name"] for sweep in sweeps]
    subjects = [str(sweep["subject"]) for sweep in sweeps]
    metrics = sorted(
        {key for seed in by_seed for found in seed.values() for key in found} | {headline}
    )
    tables = {metric: _table(by_seed, names, metric) for metric in metrics}
    values = {metric: _mean_over_seeds(table) for metric, table in tables.items()}
    done = [
        {n for n in seed if n in undefined or seed[n].get(headline) is not None} for seed in by_seed
    ]
    missing = max(r["expected_sweeps"] for r in results) - len(set.intersection(*done))
    collapse = [value for value in values.get(COLLAPSE, []) if value is not None]
    kind = results[0].get("kind") or "external"
    return Row(
        label=label,
        results=tuple(results),
        tables=tables,
        values=values,
        summary={metric: summarise(table, subjects) for metric, table in tables.items()},
        subjects=subjects_with(tables[headline], subjects),
        seed_spread={metric: _seed_spread(table) for metric, table in tables.items()},
        missing=missing,
        headline_id=headline,
        # A classical or reference row that looks at no image answers a constant by intention.
        collapsed=kind in ("learned", "external") and sum(collapse) > 0.5 * len(collapse),
    )


def _table(
    by_seed: Sequence[Mapping[str, Mapping[str, Any]]], names: Sequence[str], metric: str
) -> np.ndarray:
    """Return the values (S, N) of a metric by seed and sweep, NaN where there is none."""
    rows = [[seed.get(name, {}).get(metric) for name in names] for seed in by_seed]
    return np.array(rows, float).reshape(len(by_seed), len(names))


def _mean_over_seeds(table: np.ndarray) -> list[float | None]:
    """Return the mean over seeds (S, N) per sweep; None where any seed has no score."""
    return [None if np.isnan(mean) else float(mean) for mean in table.mean(0)]


def _seed_spread(table: np.ndarray) -> float | None:
    """Return the sd over seeds (S, N) of their means over the sweeps that all of them have."""
    shared = table[:, ~np.isnan(table).any(0)]
    if len(table) < 2 or not shared.size:
        return None
    return float(shared.mean(1).std(ddof=1))
