"""The order of rows: paired differences, the ranks that these leave open, how often each occurs.

Rows are compared pair by pair, on the same sweeps, with Holm's correction over all pairs of a
table. A table is that of one track: its rows and the reference rows.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np

from benchmark.leaderboard.row import Row
from benchmark.metrics import METRICS
from benchmark.scoring.statistics import LEVEL, Summary, mirrored, paired_difference

RESAMPLES = 10_000

#: paired[first label][second label]: headline of the first minus the second, with interval, p, and
#: p_holm: p with Holm's correction, None for rows of which no table holds both.
Paired = Mapping[str, Mapping[str, Summary]]


def paired_differences(
    rows: Sequence[Row], subjects: Sequence[str]
) -> dict[str, dict[str, Summary]]:
    """Return the differences of the headline between all rows, over the sweeps of both."""
    found = {
        (one.label, other.label): paired_difference(
            one.tables[one.headline_id], other.tables[other.headline_id], subjects
        )
        for one, other in combinations(rows, 2)
    }
    corrected = _corrected(rows, {pair: difference["p"] for pair, difference in found.items()})
    table: dict[str, dict[str, Summary]] = {row.label: {} for row in rows}
    for (one, other), difference in found.items():
        whole = difference | {"p_holm": corrected.get((one, other))}
        table[one][other], table[other][one] = whole, mirrored(whole)
    return table


def _corrected(
    rows: Sequence[Row], p_values: Mapping[tuple[str, str], float | None]
) -> dict[tuple[str, str], float]:
    """Return p with Holm's correction by pair; of a pair in several tables the largest."""
    largest: dict[tuple[str, str], float] = {}
    for track in {row.track for row in rows}:
        labels = [row.label for row in rows if row.track in (track, None)]
        family = {pair: p for pair in combinations(labels, 2) if (p := p_values[pair]) is not None}
        for pair, p in zip(family, holm(list(family.values())), strict=True):
            largest[pair] = max(p, largest.get(pair, 0.0))
    return largest


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values corrected for their number by Holm's step-down method.

    Source: Holm (1979), Scandinavian J. Statistics 6:65.
    """
    p = np.asarray(p_values, float)
    order = np.argsort(p)
    stepped = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    corrected = np.empty_like(p)
    corrected[order] = np.minimum(stepped, 1.0)
    return corrected.tolist()


def ranked(rows: Sequence[Row], paired: Paired) -> list[Row]:
    """Return rows by headline, complete ones first, with the ranks of those that may have one.

    Ranks are within a track: trackers that may see different things do not compete.
    """
    ranks: dict[str, tuple[int, int]] = {}
    for competitors in _competitors(rows):
        labels = [row.label for row in competitors]
        better = [
            [_is_better(paired, one, other, competitors[0]) for other in labels] for one in labels
        ]
        ranks |= dict(zip(labels, rank_ranges(np.array(better)), strict=True))
    placed = [replace(row, rank=ranks.get(row.label)) for row in rows]
    return sorted(placed, key=lambda row: (row.missing > 0, _place(row), row.label))


def _competitors(rows: Sequence[Row]) -> list[list[Row]]:
    """Return the rows that take ranks, track by track."""
    tracks = dict.fromkeys(row.track for row in rows if row.may_rank)
    return [[row for row in rows if row.may_rank and row.track == track] for track in tracks]


def _is_better(paired: Paired, one: str, other: str, like: Row) -> bool:
    """Return whether the first row is better than the second beyond chance."""
    if one == other:
        return False
    difference = paired[one][other]
    p, mean = difference["p_holm"], difference["mean"]
    return p is not None and mean is not None and p < 1 - LEVEL and _sign(like) * mean < 0


def rank_ranges(better: np.ndarray) -> list[tuple[int, int]]:
    """Return the best and the worst rank (from 1) of each row.

    better : (R, R) whether the row is better than the column beyond chance.
    """
    ahead, behind = better.sum(0), better.sum(1)
    return [(1 + int(a), len(better) - int(b)) for a, b in zip(ahead, behind, strict=True)]


def _sign(row: Row) -> float:
    """Return -1 where a higher headline is better, else 1."""
    return -1.0 if METRICS[row.headline_id].better == "higher" else 1.0


def _place(row: Row) -> float:
    """Return the number that rows are sorted by: lower is better."""
    value = row.headline["mean"]
    return math.inf if value is None else _sign(row) * value


def rank_frequencies(
    rows: Sequence[Row], subjects: Sequence[str], *, seed: int = 0, resamples: int = RESAMPLES
) -> dict[str, list[float]]:
    """Return by label how often a ranked row takes rank 1, 2, ... of its track in a bootstrap.

    Subjects are drawn with replacement, the same for all rows, each with all its sweeps; and of
    each row as many of its trainings as it has, with replacement. Rows of one mean share the better
    rank. The frequencies of a row sum to 1.
    """
    found: dict[str, list[float]] = {}
    for competitors in _competitors(rows):
        rng = np.random.default_rng(seed)
        ordered = sorted(competitors, key=lambda row: row.label)
        means = _resampled_means(
            [row.tables[row.headline_id] for row in ordered], subjects, rng, resamples
        )
        scores = means * _sign(ordered[0])
        ranks = (scores[:, None] < scores[:, :, None]).sum(2)
        for row, own in zip(ordered, ranks.T, strict=True):
            found[row.label] = (np.bincount(own, minlength=len(ordered)) / resamples).tolist()
    return found


def _resampled_means(
    tables: Sequence[np.ndarray], subjects: Sequence[str], rng: np.random.Generator, resamples: int
) -> np.ndarray:
    """Return means (B, R) of tables (S, N) over drawn subjects and seeds, sweeps of all counted."""
    whole = np.logical_and.reduce([np.isfinite(table).all(0) for table in tables])
    names, index = np.unique(np.asarray(subjects, str)[whole], return_inverse=True)
    member = np.eye(len(names))[index]
    drawn = _drawn(len(names), rng, resamples)
    sweeps = drawn @ member.sum(0)
    means = []
    for table in tables:
        by_seed = drawn @ (table[:, whole] @ member).T / sweeps[:, None]
        means.append((_drawn(len(table), rng, resamples) * by_seed).sum(1) / len(table))
    return np.stack(means, 1)


def _drawn(count: int, rng: np.random.Generator, resamples: int) -> np.ndarray:
    """Return how often each of `count` is drawn (B, count), as many draws as there are."""
    return rng.multinomial(count, np.full(count, 1 / count), size=resamples)
