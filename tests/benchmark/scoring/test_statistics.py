"""Intervals, paired differences and rank ranges against closed forms and plain loops."""

import numpy as np
import pytest

from benchmark.errors import UserError
from benchmark.scoring.statistics import (
    bootstrap_means,
    cluster_bootstrap,
    compare_results,
    differs,
    paired_difference,
    rank_ranges,
)


def test_bootstrap_means_have_the_moments_of_drawing_clusters():
    """K clusters of one size: the mean's variance is the clusters' population variance over K."""
    rng = np.random.default_rng(0)
    offsets = rng.normal(size=12)
    values = np.repeat(offsets, 5) + 0.01 * rng.normal(size=60)
    subjects = np.repeat(np.arange(12), 5)
    means = bootstrap_means(values, subjects, resamples=20_000)
    clusters = values.reshape(12, 5).mean(1)
    assert means.mean() == pytest.approx(values.mean(), abs=4 * means.std() / np.sqrt(20_000))
    assert means.std() == pytest.approx(clusters.std() / np.sqrt(12), rel=0.02)


def test_each_resample_is_a_mean_over_the_sweeps_of_drawn_subjects():
    """Subjects of unequal size, against a loop that draws and averages one by one."""
    values, subjects = [1.0, 2.0, 3.0, 10.0, 20.0], ["a", "a", "a", "b", "c"]
    means = bootstrap_means(values, subjects, resamples=20_000)
    groups = {"a": [1.0, 2.0, 3.0], "b": [10.0], "c": [20.0]}
    rng = np.random.default_rng(1)
    loop = [
        np.mean(np.concatenate([groups[name] for name in rng.choice(["a", "b", "c"], 3)]))
        for _ in range(20_000)
    ]
    assert set(np.round(np.unique(means), 9)) == set(np.round(np.unique(loop), 9))
    assert means.mean() == pytest.approx(np.mean(loop), rel=0.02)
    assert means.std() == pytest.approx(np.std(loop), rel=0.03)


def test_an_interval_covers_as_often_as_it_says():
    """95 % nominal with 20 subjects; the percentile bootstrap is known to cover slightly less."""
    rng = np.random.default_rng(4)
    subjects = np.repeat(np.arange(20), 3)
    inside = 0
    for trial in range(400):
        values = np.repeat(rng.normal(size=20), 3) + 0.5 * rng.normal(size=60)
        found = cluster_bootstrap(values, subjects, seed=trial, resamples=500)
        inside += found["low"] <= 0 <= found["high"]
    assert 0.89 < inside / 400 < 0.97


def test_ignoring_the_clusters_would_give_an_interval_too_small():
    rng = np.random.default_rng(2)
    values = np.repeat(rng.normal(size=8), 10)
    right = cluster_bootstrap(values, np.repeat(np.arange(8), 10))
    wrong = cluster_bootstrap(values, np.arange(80))
    width = {k: s["high"] - s["low"] for k, s in (("right", right), ("wrong", wrong))}
    assert width["right"] > 2 * width["wrong"]


def test_mean_and_sd_are_those_of_numpy_and_gaps_are_left_out():
    values = [3.0, None, 5.0, float("nan"), 10.0]
    found = cluster_bootstrap(values, ["a", "a", "b", "b", "c"])
    assert found["mean"] == pytest.approx(6)
    assert found["sd"] == pytest.approx(np.std([3, 5, 10], ddof=1))
    assert 3 <= found["low"] < 6 < found["high"] <= 10


def test_what_cannot_be_known_is_none():
    empty = {"mean": None, "sd": None, "low": None, "high": None}
    assert cluster_bootstrap([], []) == empty
    assert cluster_bootstrap([None], ["a"]) == empty
    assert cluster_bootstrap([2.0], ["a"]) == {**empty, "mean": 2.0}
    one_subject = cluster_bootstrap([2.0, 4.0], ["a", "a"])
    assert one_subject["mean"] == 3 and one_subject["sd"] > 0 and one_subject["low"] is None


def test_lists_of_different_length_are_refused():
    with pytest.raises(ValueError, match="argument"):
        cluster_bootstrap([1.0, 2.0], ["a"])


def test_the_same_seed_gives_the_same_interval():
    values, subjects = np.random.default_rng(5).normal(size=60), np.arange(60) // 2
    assert cluster_bootstrap(values, subjects) == cluster_bootstrap(values, subjects)
    assert cluster_bootstrap(values, subjects) != cluster_bootstrap(values, subjects, seed=1)
    order = np.random.default_rng(0).permutation(60)
    shuffled = cluster_bootstrap(values[order], subjects[order])
    assert shuffled == pytest.approx(cluster_bootstrap(values, subjects))


def test_a_paired_difference_sees_what_two_intervals_do_not():
    rng = np.random.default_rng(3)
    subjects = np.repeat(np.arange(10), 4)
    hard = np.repeat(rng.normal(20, 8, 10), 4)  # subjects differ much, the trackers little
    one, other = hard + rng.normal(1, 0.3, 40), hard + rng.normal(0, 0.3, 40)
    first, second = cluster_bootstrap(one, subjects), cluster_bootstrap(other, subjects)
    assert rank_ranges([first, second]) == [(1, 2), (1, 2)]
    found = paired_difference(one, other, subjects)
    assert differs(found) and found["mean"] == pytest.approx((one - other).mean())
    back = paired_difference(other, one, subjects)
    assert back["low"] == pytest.approx(-found["high"], abs=0.05)
    assert not differs(paired_difference(one, one, subjects))


def test_a_sweep_that_one_tracker_lacks_is_left_out_of_both():
    found = paired_difference([1.0, None, 3.0], [0.0, 100.0, 1.0], ["a", "b", "c"])
    assert found["mean"] == 1.5


@pytest.mark.parametrize(
    ("spans", "better", "expected"),
    [
        ([(1, 2), (3, 4), (5, 6)], "lower", [(1, 1), (2, 2), (3, 3)]),
        ([(1, 2), (3, 4), (5, 6)], "higher", [(3, 3), (2, 2), (1, 1)]),
        ([(1, 3), (2, 5), (4, 6)], "lower", [(1, 2), (1, 3), (2, 3)]),
        ([(1, 1), (1, 1)], "lower", [(1, 2), (1, 2)]),
        ([(1, 2), (None, None), (5, 6)], "lower", [(1, 2), (1, 3), (2, 3)]),
        ([], "lower", []),
    ],
)
def test_ranks_are_ranges_where_intervals_overlap(spans, better, expected):
    rows = [{"mean": None, "sd": None, "low": low, "high": high} for low, high in spans]
    assert rank_ranges(rows, better=better) == expected


def result(name, values, **changes):
    sweeps = [
        {"name": f"s{i}", "subject": f"p{i // 2}", "metrics": {"gpe": value}}
        for i, value in enumerate(values)
    ]
    content = {"tracker": name, "dataset": {"hash": "d"}, "protocol": {"hash": "p"}}
    return {**content, "sweeps": sweeps, **changes}


def test_results_are_compared_by_sweep_name():
    one, other = result("a", [1.0, 2, 3, 4]), result("b", [0.0, 1, 2, 3])
    other["sweeps"].reverse()
    assert compare_results(one, other, "gpe")["mean"] == 1
    assert compare_results(one, other, "gpe")["low"] == 1
    assert compare_results(one, other, "lpe")["mean"] is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"dataset": {"hash": "x"}}, "dataset differs"),
        ({"protocol": {"hash": "x"}}, "protocol differs"),
        ({"sweeps": []}, "share no sweep"),
    ],
)
def test_results_of_other_data_or_rules_are_not_compared(change, message):
    with pytest.raises(UserError, match=message):
        compare_results(result("a", [1.0]), result("b", [1.0], **change), "gpe")
