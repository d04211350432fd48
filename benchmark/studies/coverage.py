"""How often intervals hold the true mean and equal trackers are told apart, by simulation.

`python -m benchmark.studies.coverage` writes the tables into docs/statistics.md. Scores are
simulated with a true mean of 1 and handed to the functions that the board uses. All spreads are
shares of that mean. Between seeds the learned trackers of results/small-v2 have 0 to 0.05 in
segment drift, and 0.16 to 0.34 of what is left besides subject and seed.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from benchmark.scoring.statistics import LEVEL, Estimate, estimate
from benchmark.tables import Markup, markdown

SUBJECTS = (5, 8, 16, 48)
LAWS = ("normal", "lognormal")
#: Coefficient of variation of scores between subjects.
BETWEEN_SUBJECTS = 0.6
#: What one tracker finds harder about a subject than another tracker does.
OWN_DIFFICULTY = 0.15
#: What is left of a score besides subject and seed.
REST = 0.25
DRAWS = 100_000
BATCH = 10_000  # what is simulated at once, for the memory's sake


@dataclass(frozen=True)
class Trainings:
    """How often a tracker is trained, and the sd of its mean between trainings."""

    number: int
    spread: float


THREE = Trainings(3, 0.12)
#: Pairs of trackers with one mean, by the words of a column.
PAIRS = {
    "three trainings each, sd 0.12": (THREE, THREE),
    "three each, sd 0.17 and 0": (Trainings(3, 0.17), Trainings(3, 0.0)),
    "three against none, sd 0.12": (THREE, Trainings(1, 0.0)),
    "one each, sd 0.12": (Trainings(1, 0.12), Trainings(1, 0.12)),
}


def difficulties(rng: Generator, law: str, draws: int, subjects: int) -> np.ndarray:
    """Return scores (draws, subjects) of mean 1 and sd `BETWEEN_SUBJECTS`, normal or lognormal."""
    if law == "normal":
        return rng.normal(1, BETWEEN_SUBJECTS, (draws, subjects))
    square = np.log(1 + BETWEEN_SUBJECTS**2)
    return rng.lognormal(-square / 2, np.sqrt(square), (draws, subjects))


def trained(rng: Generator, scores: np.ndarray, trainings: Trainings) -> np.ndarray:
    """Return scores (draws, seeds, subjects) of a tracker: subject, seed and rest, added up."""
    draws, subjects = scores.shape
    seeds = rng.normal(0, trainings.spread, (draws, trainings.number, 1))
    rest = rng.normal(0, REST, (draws, trainings.number, subjects))
    return scores[:, None] + seeds + rest


def means(
    rng: Generator, law: str, draws: int, subjects: int, trainings: Trainings | None
) -> Estimate:
    """Return estimates (draws,) of the mean; without trainings of scores that know no chance."""
    scores = difficulties(rng, law, draws, subjects)
    if trainings is None:
        return estimate(scores)
    table = trained(rng, scores, trainings)
    return estimate(table.mean(1), [table.mean(2)])


def differences(
    rng: Generator, law: str, draws: int, subjects: int, pair: tuple[Trainings, Trainings]
) -> Estimate:
    """Return estimates (draws,) of the difference between two trackers of one mean."""
    shared = difficulties(rng, law, draws, subjects)
    tables = [
        trained(rng, shared + rng.normal(0, OWN_DIFFICULTY, shared.shape), each) for each in pair
    ]
    gaps = tables[0].mean(1) - tables[1].mean(1)
    return estimate(gaps, [table.mean(2) for table in tables])


def coverage(law: str, subjects: int, trainings: Trainings | None, draws: int = DRAWS) -> float:
    """Return the percentage of intervals that hold the true mean."""

    def held(rng: Generator, count: int) -> np.ndarray:
        low, high = means(rng, law, count, subjects, trainings).interval()
        return (low <= 1) & (high >= 1)

    return _percentage(held, law, subjects, draws)


def student_coverage(law: str, subjects: int, draws: int = DRAWS) -> float:
    """Return the percentage of Student's intervals that hold the mean of scores without chance."""
    from scipy.special import stdtrit

    def held(rng: Generator, count: int) -> np.ndarray:
        found = means(rng, law, count, subjects, None)
        return abs(found.value - 1) <= stdtrit(found.freedom, 0.5 + LEVEL / 2) * found.error

    return _percentage(held, law, subjects, draws)


def false_alarms(
    law: str, subjects: int, pair: tuple[Trainings, Trainings], draws: int = DRAWS
) -> float:
    """Return the percentage of pairs of one mean that are told apart, each pair by itself."""

    def told_apart(rng: Generator, count: int) -> np.ndarray:
        return differences(rng, law, count, subjects, pair).p_value() < 1 - LEVEL

    return _percentage(told_apart, law, subjects, draws)


def _percentage(
    happens: Callable[[Generator, int], np.ndarray], law: str, subjects: int, draws: int
) -> float:
    """Return how often something happens in so many draws, which are made batch by batch."""
    rng = np.random.default_rng([subjects, LAWS.index(law)])
    batches = [min(BATCH, draws - done) for done in range(0, draws, BATCH)]
    return 100 * float(np.concatenate([happens(rng, count) for count in batches]).mean())


def coverage_markdown(draws: int = DRAWS) -> str:
    """Return the table of coverage: a row per number of subjects."""
    kinds = {"no chance": None, "three trainings": THREE}
    rows = [
        {"subjects": str(n)}
        | {
            f"{kind}, {law}": _percent(coverage(law, n, trainings, draws))
            for kind, trainings in kinds.items()
            for law in LAWS
        }
        | {f"Student's t alone, {law}": _percent(student_coverage(law, n, draws)) for law in LAWS}
        for n in SUBJECTS
    ]
    return markdown(rows, right=rows[0])


def alarms_markdown(draws: int = DRAWS) -> str:
    """Return the table of false alarms with lognormal scores: a row per number of subjects."""
    rows = [
        {"subjects": str(n)}
        | {
            name: _percent(false_alarms("lognormal", n, pair, draws))
            for name, pair in PAIRS.items()
        }
        for n in SUBJECTS
    ]
    return markdown(rows, right=rows[0])


def _percent(value: float) -> Markup:
    return Markup(f"{value:.1f}")


def main() -> None:
    """Write the tables into a page of the documentation."""
    import argparse
    from pathlib import Path

    from benchmark.studies.metric_page import page_with_tables
    from benchmark.tables import write_text

    parser = argparse.ArgumentParser(
        description="Write how often intervals hold the mean into docs/statistics.md"
    )
    parser.add_argument("--page", type=Path, default=Path("docs/statistics.md"))
    page = parser.parse_args().page
    tables = {"coverage": coverage_markdown(), "false alarms": alarms_markdown()}
    write_text(page, page_with_tables(page.read_text(encoding="utf-8"), tables))
    print(page)


if __name__ == "__main__":
    main()
