"""Ranks of rows: Holm's correction, ranges that pairs leave open, frequencies over draws."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmark.leaderboard.board import Leaderboard, read_leaderboard
from benchmark.leaderboard.ranks import holm, paired_differences, rank_frequencies, rank_ranges
from benchmark.scoring.statistics import paired_difference
from tests.benchmark.shared.synthetic_results import field, result, write_results

HEADLINE = "fdr_path_centre"


def board_of(tmp_path, *results: dict[str, Any]) -> Leaderboard:
    return read_leaderboard(write_results(tmp_path, list(results)))


def scored(tracker: str, scores: list[float], **more: Any) -> dict[str, Any]:
    """Return a result with these scores, one sweep of each subject."""
    content = result(tracker, sweeps=len(scores), **more)
    for index, (sweep, score) in enumerate(zip(content["sweeps"], scores, strict=True)):
        sweep["metrics"][HEADLINE] = score
        sweep["subject"] = f"p{index}"
    return content


def test_holm_by_hand():
    """The smallest of four times 4, then 3, 2, 1, never falling."""
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.5, 0.9]) == [1.0, 1.0]
    assert holm([]) == []


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_lies_between_p_and_bonferroni_and_keeps_the_order(p_values):
    corrected = np.array(holm(p_values))
    assert (corrected >= p_values).all()
    assert (corrected <= np.minimum(1, len(p_values) * np.array(p_values))).all()
    assert (np.diff(corrected[np.argsort(p_values, kind="stable")]) >= 0).all()


@pytest.mark.parametrize(
    ("better", "expected"),
    [
        ([[0, 1, 1], [0, 0, 1], [0, 0, 0]], [(1, 1), (2, 2), (3, 3)]),
        ([[0, 0, 1], [0, 0, 0], [0, 0, 0]], [(1, 2), (1, 3), (2, 3)]),
        ([[0, 0], [0, 0]], [(1, 2), (1, 2)]),
    ],
)
def test_a_rank_range_counts_those_that_are_better_and_worse(better, expected):
    assert rank_ranges(np.array(better, bool)) == expected


def test_pairs_are_told_apart_on_the_same_sweeps_where_intervals_overlap(tmp_path):
    hard = np.linspace(5, 40, 10)
    noise = np.random.default_rng(0).normal(0, 0.2, (2, 10))
    one = scored("one", list(hard + noise[0]))
    other = scored("other", list(hard + 2 + noise[1]))
    board = board_of(tmp_path, one, other)
    spans = [row.headline for row in board.rows]
    assert spans[1]["low"] < spans[0]["high"]
    assert [(row.label, row.rank) for row in board.rows] == [("one", (1, 1)), ("other", (2, 2))]


def test_seeds_that_differ_as_much_as_the_rows_leave_the_ranks_open(tmp_path):
    """One training of each differs beyond chance; three of each show that the weights differed."""
    hard = np.linspace(5, 40, 10)
    rng = np.random.default_rng(1)

    def training(tracker, seed, offset):
        return scored(tracker, list(hard + offset + rng.normal(0, 0.2, 10)), seed=seed)

    seeds = {"one": (0, 3, 6), "other": (4, 1, 7)}
    firsts = [training(name, 0, offsets[0]) for name, offsets in seeds.items()]
    single = board_of(tmp_path, *firsts)
    assert [row.rank for row in single.rows] == [(1, 1), (2, 2)]
    assert [row.remarks for row in single.rows] == [["one training"]] * 2
    every = [
        training(name, seed, offset)
        for name, offsets in seeds.items()
        for seed, offset in enumerate(offsets)
    ]
    board = board_of(tmp_path, *every)
    assert [row.rank for row in board.rows] == [(1, 2), (1, 2)]
    assert [row.remarks for row in board.rows] == [[], []]


def test_the_correction_is_over_all_pairs_of_a_table_with_its_reference_rows(tmp_path):
    results = field(seeds=2)
    board = board_of(tmp_path, *results)
    p = {
        (one, other): found["p"]
        for one, others in board.paired.items()
        for other, found in others.items()
        if one < other
    }
    corrected = dict(zip(p, holm(list(p.values())), strict=True))
    assert len(p) == 8 * 7 / 2
    for (one, other), expected in corrected.items():
        assert board.paired[one][other]["p_holm"] == pytest.approx(expected)
        assert board.paired[other][one]["p_holm"] == pytest.approx(expected)


def test_rows_of_two_tracks_have_a_difference_and_no_verdict(tmp_path):
    """Reference rows are in both tables; their verdict is the more careful one."""
    sensed = {**result("sensed", rate=2.0), "track": "image+imu"}
    oracle = result("oracle", "reference", 4.0)
    board = board_of(tmp_path, result("plain"), result("second", rate=12.0), sensed, oracle)
    across = board.paired["plain"]["sensed"]
    assert across["p"] < 0.05 and across["p_holm"] is None
    assert board.paired["sensed"]["oracle"]["p_holm"] == board.paired["sensed"]["oracle"]["p"]
    assert board.paired["plain"]["oracle"]["p_holm"] > board.paired["plain"]["oracle"]["p"]
    assert {row.label: row.rank for row in board.rows}["sensed"] == (1, 1)


def test_few_subjects_have_no_rank_and_the_row_says_why(tmp_path):
    few = [scored(name, [1.0 + k, 2.0, 3.0]) for k, name in enumerate("ab")]
    for row in board_of(tmp_path, *few).rows:
        assert row.rank is None and row.headline["low"] is None
        assert row.remarks[0] == "3 subjects: too few for an interval or a rank"
    enough = [scored(name, [1.0 + k, 2.0, 3.0, 4.0, 5.0]) for k, name in enumerate("ab")]
    assert [row.rank for row in board_of(tmp_path, *enough).rows] == [(1, 2), (1, 2)]


def test_rank_frequencies_against_a_loop_that_draws_one_by_one(tmp_path):
    """Two rows, subjects of unequal size, three seeds of one: shares within sampling error."""
    rng = np.random.default_rng(4)
    subjects = [f"p{i}" for i in (0, 0, 0, 1, 2, 2, 3, 4)]
    results = [scored("one", list(rng.lognormal(1, 0.5, 8)), seed=seed) for seed in range(3)]
    results.append(scored("two", list(rng.lognormal(1, 0.5, 8)), kind="classical"))
    for content in results:
        for sweep, subject in zip(content["sweeps"], subjects, strict=True):
            sweep["subject"] = subject
    board = board_of(tmp_path, *results)
    rows = {row.label: row.tables[HEADLINE] for row in board.rows}
    index = [np.flatnonzero(np.array(subjects) == name) for name in sorted(set(subjects))]
    wins = 0
    for _ in range(4000):
        sweeps = np.concatenate([index[i] for i in rng.integers(0, 5, 5)])
        one = rows["one"][rng.integers(0, 3, 3)][:, sweeps].mean()
        wins += one < rows["two"][:, sweeps].mean()
    found = board.rank_frequencies
    assert found["one"][0] == pytest.approx(wins / 4000, abs=0.035)
    assert 0.02 < found["one"][0] < 0.98
    assert found["one"] == pytest.approx(found["two"][::-1])


def test_rank_frequencies_are_shares_that_every_run_and_order_repeats(tmp_path):
    board = board_of(tmp_path, *field(seeds=2))
    found = board.rank_frequencies
    ranked = [row for row in board.rows if row.rank is not None]
    assert set(found) == {row.label for row in ranked}
    for shares in found.values():
        assert len(shares) == len(ranked) and sum(shares) == pytest.approx(1)
    assert rank_frequencies(board.rows[::-1], board.subjects) == found
    assert rank_frequencies(board.rows, board.subjects, seed=1) != found


def test_differences_of_rows_are_those_of_their_tables(tmp_path):
    board = board_of(tmp_path, *field(seeds=2))
    one, other = board.rows[1], board.rows[2]
    expected = paired_difference(one.tables[HEADLINE], other.tables[HEADLINE], board.subjects)
    found = paired_differences(board.rows, board.subjects)[one.label][other.label]
    assert {key: found[key] for key in expected} == expected
