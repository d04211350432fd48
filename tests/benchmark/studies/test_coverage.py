"""What the intervals promise: 95 % within two points, and at most 6 % of false alarms."""

import numpy as np
import pytest
from scipy import stats

from benchmark.studies.coverage import (
    BATCH,
    LAWS,
    PAIRS,
    SUBJECTS,
    THREE,
    alarms_markdown,
    coverage,
    coverage_markdown,
    difficulties,
    false_alarms,
    student_coverage,
    trained,
)


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("subjects", SUBJECTS)
def test_intervals_hold_the_mean_as_often_as_they_say(subjects, law):
    """Without chance (or of one training's weights) and over three trainings."""
    assert coverage(law, subjects, None, BATCH) == pytest.approx(95, abs=2)
    assert coverage(law, subjects, THREE, BATCH) == pytest.approx(95, abs=2)


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("subjects", SUBJECTS)
def test_methods_of_one_mean_are_rarely_told_apart(subjects, law):
    assert false_alarms(law, subjects, (THREE, THREE), BATCH) <= 6


@pytest.mark.parametrize("pair", ["three each, sd 0.17 and 0", "three against none, sd 0.12"])
def test_unequal_variances_of_seeds_are_kept_apart(pair):
    assert false_alarms("lognormal", 16, PAIRS[pair], BATCH) <= 6


def test_one_training_each_tells_weights_apart_and_not_methods():
    """The reason for the remark at rows of one training."""
    assert false_alarms("lognormal", 16, PAIRS["one each, sd 0.12"], BATCH) > 15


def test_students_interval_is_short_of_skewed_scores_and_right_for_normal_ones():
    """So the simulation would see an interval that does not hold what it says."""
    assert student_coverage("lognormal", 8, BATCH) < 92.5
    assert student_coverage("normal", 8, BATCH) == pytest.approx(95, abs=1)


@pytest.mark.parametrize("law", LAWS)
def test_simulated_scores_have_the_moments_they_are_said_to_have(law):
    rng = np.random.default_rng(0)
    hard = difficulties(rng, law, 20_000, 10)
    assert hard.mean() == pytest.approx(1, abs=0.01) and hard.std() == pytest.approx(0.6, rel=0.02)
    assert stats.skew(hard, axis=None) == pytest.approx(
        {"normal": 0, "lognormal": 3 * 0.6 + 0.6**3}[law], abs=0.1
    )
    seeds = trained(rng, hard, THREE) - hard[:, None]
    assert seeds.shape == (20_000, 3, 10)
    between = np.cov(seeds[:, 0, 0], seeds[:, 0, 1])[0, 1]
    assert between == pytest.approx(THREE.spread**2, rel=0.1)
    assert abs(np.cov(seeds[:, 0, 0], seeds[:, 1, 0])[0, 1]) < 0.002


def test_the_tables_have_a_row_per_number_of_subjects():
    for text in (coverage_markdown(1), alarms_markdown(1)):
        lines = [line.split("|")[1].strip() for line in text.splitlines()]
        assert lines == ["subjects", "---:", *map(str, SUBJECTS)]
