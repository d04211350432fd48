"""Intervals and paired differences against closed forms, by hand and under what changes nothing."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from benchmark.scoring.statistics import (
    FEWEST_SUBJECTS,
    estimate,
    mirrored,
    paired_difference,
    subjects_with,
    summarise,
)

SUBJECTS = [f"p{i // 3}" for i in range(24)]


def scores(seed=0, trainings=3, sweeps=24, subjects=8):
    """Return a table (M, N) of skewed scores with differences between subjects and seeds."""
    rng = np.random.default_rng(seed)
    hard = np.repeat(rng.lognormal(1, 0.6, subjects), sweeps // subjects)
    return hard * rng.lognormal(0, 0.1, (trainings, 1)) * rng.lognormal(0, 0.2, (trainings, sweeps))


def test_scores_without_skewness_have_students_interval():
    """Symmetric scores: no correction is due, and SciPy's interval of a mean is the answer."""
    values = [-4.0, -1.0, -0.5, 0.0, 0.5, 1.0, 4.0]
    found = summarise([value + 10 for value in values], range(7))
    sem = np.std(values, ddof=1) / math.sqrt(7)
    low, high = stats.t.interval(0.95, 6, loc=10, scale=sem)
    assert (found["low"], found["high"]) == pytest.approx((low, high), rel=1e-9)
    t_test = stats.ttest_1samp(values, 1.0)
    p = estimate(np.array(values) - 1.0).p_value()
    assert p == pytest.approx(t_test.pvalue, rel=1e-9)


def test_the_ends_are_the_outer_ones_of_student_and_hall():
    """Skewed to the right: at the upper end Hall's statistic is Student's quantile."""
    values = np.array([1.0, 1.2, 1.5, 1.6, 2.0, 6.0])
    found = estimate(values)
    low, high = found.interval()
    quantile = stats.t.ppf(0.975, 5)
    sem = stats.sem(values)
    g = stats.skew(values, bias=False) / math.sqrt(6)
    assert found.skewness == pytest.approx(g) and g > 0
    t = (values.mean() - high) / sem
    assert t + g * t**2 / 3 + g**2 * t**3 / 27 + g / 6 == pytest.approx(-quantile)
    assert high > values.mean() + quantile * sem
    assert low == pytest.approx(values.mean() - quantile * sem)


def test_satterthwaite_by_hand_where_subjects_and_seeds_are_balanced():
    """Two seeds by five subjects, worked out by hand.

    Subjects' means are 1..5: s² = 2.5, over 5 it is 0.5 with 4 degrees. Seeds' means are 2 and 4:
    s² = 2, over 2 it is 1 with 1. The square of the error is 1.5; 1.5² / (0.5²/4 + 1²/1) = 36/17.
    """
    table = np.array([[0.0, 1, 2, 3, 4], [2, 3, 4, 5, 6]])
    found = estimate(table.mean(0), [table.mean(1)])
    assert found.value == 3 and found.error == pytest.approx(math.sqrt(1.5))
    assert found.freedom == pytest.approx(36 / 17)
    mean_squares = 2 * np.var([1, 2, 3, 4, 5], ddof=1), 5 * np.var([2, 4], ddof=1)
    assert found.error**2 == pytest.approx(sum(mean_squares) / 10)
    half = stats.t.ppf(0.975, 36 / 17) * math.sqrt(1.5)
    summary = summarise(table, "abcde")
    assert (summary["low"], summary["high"]) == pytest.approx((3 - half, 3 + half))


def test_two_sets_of_trainings_add_their_own_variances():
    """Equal differences per subject leave the seeds alone: Welch's test of the seeds' means."""
    one = np.array([[1.0], [2.0], [4.0]]) + np.arange(6.0)
    other = np.array([[0.5], [0.7]]) + np.arange(6.0)
    found = paired_difference(one, other, range(6))
    welch = stats.ttest_ind(one.mean(1), other.mean(1), equal_var=False)
    assert found["p"] == pytest.approx(welch.pvalue, rel=1e-9)
    low, high = welch.confidence_interval(0.95)
    assert (found["low"], found["high"]) == pytest.approx((low, high), rel=1e-9)


def test_subjects_of_unequal_size_count_by_their_sweeps():
    """Against the linearised variance of a ratio of sums, cluster by cluster."""
    values = [1.0, 2.0, 3.0, 10.0, 20.0, 4.0, 5.0, 5.5]
    subjects = ["a", "a", "a", "b", "c", "d", "d", "e"]
    found = summarise(values, subjects)
    assert found["mean"] == pytest.approx(np.mean(values))
    sums = {s: [v for v, t in zip(values, subjects, strict=True) if t == s] for s in "abcde"}
    residuals = [sum(v) - len(v) * np.mean(values) for v in sums.values()]
    error = math.sqrt(5 / 4 * np.sum(np.square(residuals))) / len(values)
    low = np.mean(values) - stats.t.ppf(0.975, 4) * error
    assert found["low"] == pytest.approx(low, rel=1e-9)  # skewed to the right: Student's end
    assert found["high"] > np.mean(values) + stats.t.ppf(0.975, 4) * error


def test_sweeps_of_one_subject_are_no_independent_evidence():
    values = np.repeat(np.random.default_rng(2).normal(size=8), 10)
    right = summarise(values, np.repeat(np.arange(8), 10))
    wrong = summarise(values, np.arange(80))
    width = {k: s["high"] - s["low"] for k, s in (("right", right), ("wrong", wrong))}
    assert width["right"] > 2 * width["wrong"]


def test_seeds_that_differ_widen_the_interval():
    table = np.tile(scores(trainings=1), (3, 1))
    alike, apart = summarise(table, SUBJECTS), summarise(table * [[0.8], [1.0], [1.2]], SUBJECTS)
    assert alike == pytest.approx(summarise(table[0], SUBJECTS))
    assert apart["mean"] == pytest.approx(alike["mean"])
    assert apart["low"] < alike["low"] and apart["high"] > alike["high"]


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.floats(-50, 50), st.floats(0.1, 10))
def test_the_interval_moves_and_stretches_with_the_scores(seed, shift, scale):
    table = scores(seed)
    plain, moved = summarise(table, SUBJECTS), summarise(scale * table + shift, SUBJECTS)
    for key in ("mean", "low", "high"):
        assert moved[key] == pytest.approx(scale * plain[key] + shift, rel=1e-6, abs=1e-6)
    turned = summarise(-table, SUBJECTS)
    assert (turned["low"], turned["high"]) == pytest.approx((-plain["high"], -plain["low"]))


@settings(max_examples=30, deadline=None)
@given(st.randoms(use_true_random=False), st.integers(0, 10_000))
def test_the_order_of_sweeps_subjects_and_seeds_changes_nothing(random, seed):
    one, other = scores(seed), scores(seed + 1, trainings=2)
    sweeps, seeds = list(range(24)), [0, 1, 2]
    random.shuffle(sweeps)
    random.shuffle(seeds)
    names = dict(zip(sorted(set(SUBJECTS)), random.sample(range(100), 8), strict=True))
    renamed = [names[SUBJECTS[i]] for i in sweeps]
    assert summarise(one[seeds][:, sweeps], renamed) == pytest.approx(summarise(one, SUBJECTS))
    assert paired_difference(one[seeds][:, sweeps], other[:, sweeps], renamed) == pytest.approx(
        paired_difference(one, other, SUBJECTS)
    )


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.floats(0, 3), st.integers(1, 3))
def test_p_is_below_five_percent_where_the_interval_leaves_out_zero(seed, gap, trainings):
    one, other = scores(seed), scores(seed + 1, trainings) + gap
    found = paired_difference(one, other, SUBJECTS)
    assert (found["p"] < 0.05) == (found["low"] > 0 or found["high"] < 0)
    back = paired_difference(other, one, SUBJECTS)
    assert back == pytest.approx(mirrored(found))


@pytest.mark.parametrize("trainings", [1, 3])
def test_identical_rows_never_differ(trainings):
    table = scores(trainings=trainings)
    found = paired_difference(table, table, SUBJECTS)
    assert found["mean"] == 0 and found["p"] == 1
    assert found["low"] <= 0 <= found["high"]


def test_a_paired_difference_sees_what_two_intervals_do_not():
    rng = np.random.default_rng(3)
    subjects = np.repeat(np.arange(10), 4)
    hard = np.repeat(rng.normal(20, 8, 10), 4)  # subjects differ much, the trackers little
    one, other = hard + rng.normal(1, 0.3, 40), hard + rng.normal(0, 0.3, 40)
    first, second = summarise(one, subjects), summarise(other, subjects)
    assert first["low"] < second["high"] and second["low"] < first["high"]
    found = paired_difference(one, other, subjects)
    assert found["low"] > 0 and found["mean"] == pytest.approx((one - other).mean())


def test_mean_and_sd_are_those_of_numpy_and_gaps_are_left_out():
    values = [3.0, None, 5.0, float("nan"), 10.0]
    found = summarise(values, ["a", "a", "b", "b", "c"])
    assert found["mean"] == pytest.approx(6)
    assert found["sd"] == pytest.approx(np.std([3, 5, 10], ddof=1))


def test_a_sweep_that_one_training_or_one_tracker_lacks_is_left_out_of_all():
    table = [[1.0, None, 3.0], [3.0, 100.0, 5.0]]
    assert summarise(table, "abc")["mean"] == 3
    assert subjects_with(table, "abc") == 2
    found = paired_difference(table, [0.0, 5.0, None], "abc")
    assert found["mean"] == 2


def test_what_cannot_be_known_is_none():
    empty = {"mean": None, "sd": None, "low": None, "high": None}
    assert summarise([], []) == empty
    assert summarise([None], ["a"]) == empty
    assert summarise([2.0], ["a"]) == {**empty, "mean": 2.0}
    few = [f"p{i}" for i in range(FEWEST_SUBJECTS - 1)]
    found = summarise(range(len(few)), few)
    assert found["mean"] == 1.5 and found["low"] is None and found["high"] is None
    assert paired_difference([1.0, 2], [3.0, 5], "ab") == {
        **empty,
        "mean": -2.5,
        "sd": pytest.approx(math.sqrt(0.5)),
        "p": None,
    }
    enough = summarise(range(FEWEST_SUBJECTS), range(FEWEST_SUBJECTS))
    assert enough["low"] is not None


def test_lists_of_different_length_are_refused():
    with pytest.raises(ValueError, match="expected one per sweep, 1, got 2"):
        summarise([1.0, 2.0], ["a"])
