"""Segment drift: closed forms on lines, arcs, stops and uneven speed, and a plain search."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from benchmark.metrics import Case, compute
from benchmark.metrics.segments import LENGTHS_MM
from tests.benchmark.shared.random_cases import (
    MM_FROM_PIXEL,
    SHAPE,
    case_of,
    chained,
    moved,
    pose,
    random_case,
)

DRIFTS = ["segment_drift", *(f"segment_drift_{length}mm" for length in LENGTHS_MM)]
TURNS = ["segment_rotation", *(f"segment_rotation_{length}mm" for length in LENGTHS_MM)]


def line(places) -> np.ndarray:
    """Return poses along z at the places (N,) in mm."""
    return moved(np.outer(places, [0.0, 0.0, 1.0]))


def about_centre(case: Case, step: np.ndarray) -> np.ndarray:
    """Return the step (4, 4) that does to the image centre what `step` does to the origin."""
    there, back = pose(np.zeros(3), case.centre), pose(np.zeros(3), -case.centre)
    return there @ step @ back


@pytest.mark.parametrize("seed", range(3))
def test_errors_equal_a_search_frame_by_frame(seed):
    case = random_case(seed, frames=120, landmarks=0)
    centre, path = np.append(case.centre, 1), case.paths[0]
    true, predicted = case.true_first_from_frame, case.predicted_first_from_frame
    found = compute(case, [*DRIFTS, *TURNS])
    drifts, turns = [], []
    for length in (5, 10, 20, 50):
        shares, angles = [], []
        for i in range(len(case)):
            ends = [j for j in range(i, len(case)) if path[j] - path[i] >= length]
            if ends:
                q, p = (np.linalg.inv(t[i]) @ t[ends[0]] for t in (true, predicted))
                own = path[ends[0]] - path[i]
                shares.append(100 * np.linalg.norm((q - p) @ centre) / own)
                angle = Rotation.from_matrix(q[:3, :3].T @ p[:3, :3]).magnitude()
                angles.append(100 * np.degrees(angle) / own)
        drifts.append(np.mean(shares))
        turns.append(np.mean(angles))
        assert found[f"segment_drift_{length}mm"] == pytest.approx(drifts[-1], rel=1e-9)
        assert found[f"segment_rotation_{length}mm"] == pytest.approx(turns[-1], rel=1e-9)
    assert path[-1] < 100 and found["segment_drift_100mm"] is None
    assert found["segment_drift"] == pytest.approx(np.mean(drifts), rel=1e-9)
    assert found["segment_rotation"] == pytest.approx(np.mean(turns), rel=1e-9)


def test_a_line_that_is_three_percent_short_drifts_by_three_percent_over_every_length():
    """At any speed: a sub-path that overshoots counts by its own length."""
    places = np.cumsum(np.random.default_rng(0).uniform(0, 2.5, 250))
    found = compute(case_of(line(places), line(0.97 * places)), [*DRIFTS, *TURNS])
    assert [found[name] for name in DRIFTS] == pytest.approx([3.0] * 7, rel=1e-9)
    assert [found[name] for name in TURNS] == pytest.approx([0.0] * 7, abs=1e-9)


def test_a_yaw_rate_on_a_straight_line_drifts_by_the_closed_form_of_an_arc():
    """An arc of angle a ends from the line's end by sqrt((1 - sin a / a)^2 + ((1 - cos a) / a)^2)
    of its length."""
    curvature, step = 0.004, 0.5  # rad/mm, mm
    straight = pose(np.zeros(3), [0, 0, step])
    angle = curvature * step
    bent = pose([0, angle, 0], [(1 - np.cos(angle)) / curvature, 0, np.sin(angle) / curvature])
    still = case_of(line([0.0]), line([0.0]))
    true, predicted = (chained([about_centre(still, s)] * 500) for s in (straight, bent))
    found = compute(case_of(true, predicted), [*DRIFTS, *TURNS])
    a = curvature * np.array(LENGTHS_MM)
    share = 100 * np.hypot(1 - np.sin(a) / a, (1 - np.cos(a)) / a)
    assert [found[name] for name in DRIFTS] == pytest.approx([share.mean(), *share], rel=1e-9)
    assert [found[name] for name in TURNS] == pytest.approx([np.degrees(0.4)] * 7, rel=1e-9)


def test_no_motion_drifts_by_the_chord_of_each_stretch():
    """All of it on a straight path; on a circle of steps of angle f, n steps have a chord of
    sin(n f / 2) / (n sin(f / 2)) of their length."""
    places = np.arange(0, 220.0, 0.5)
    found = compute(case_of(line(places), line(0 * places)), DRIFTS)
    assert list(found.values()) == pytest.approx([100.0] * 7, rel=1e-12)
    turn = 0.02
    radius = 0.25 / np.sin(turn / 2)  # steps of 0.5 mm
    angles = turn * np.arange(441)
    circle = moved(radius * np.column_stack([np.cos(angles), np.sin(angles), 0 * angles]))
    found = compute(case_of(circle, moved(np.zeros((441, 3)))), DRIFTS)
    steps = 2 * np.array(LENGTHS_MM)
    chord = 100 * np.abs(np.sin(steps * turn / 2)) / (steps * np.sin(turn / 2))
    assert list(found.values()) == pytest.approx([chord.mean(), *chord], rel=1e-9)


def test_neither_the_world_nor_a_wrong_first_frame_matters():
    case = random_case(4, frames=150, landmarks=0)
    true, predicted = case.true_first_from_frame, case.predicted_first_from_frame
    one, other = pose([0.3, -1.2, 0.4], [50, -20, 9]), pose([-0.7, 0.1, 2.0], [-3, 80, 1])
    names = ["segment_drift", "segment_rotation", "segment_drift_20mm"]
    expected = compute(case, names)
    changed = compute(Case(one @ true, other @ predicted, MM_FROM_PIXEL, SHAPE), names)
    assert changed == pytest.approx(expected, rel=1e-9)


def test_the_mean_motion_has_no_final_drift_and_much_segment_drift():
    """Half of the frames at 0.5 mm, half at 1.5 mm; predicted: 1 mm at every frame."""
    steps = np.repeat([0.5, 1.5], 60)
    true = np.concatenate([[0], np.cumsum(steps)])
    predicted = np.arange(121.0)
    found = compute(
        case_of(line(true), line(predicted)), ["fdr_path_centre", "segment_drift_5mm", *DRIFTS]
    )
    assert found["fdr_path_centre"] == pytest.approx(0, abs=1e-9)
    for length in (5, 10, 20, 50, 100):
        ends = np.searchsorted(true, true + length - 1e-6)
        start = np.flatnonzero(ends < 121)
        own = true[ends[start]] - true[start]
        shares = np.abs(ends[start] - start - own) / own
        assert found[f"segment_drift_{length}mm"] == pytest.approx(100 * shares.mean(), rel=1e-9)
    # 51 stretches of 5 mm lie in the slow half and are twice as long in the prediction, 57 in the
    # fast half and a third too short; 9 see both.
    within = (51 * 100 + 57 * 100 / 3) / 117
    assert within < found["segment_drift_5mm"] < within + 9 * 100 / 117


def test_what_drifts_during_a_stop_counts_in_the_stretches_that_contain_it():
    """40 mm at 1 mm a frame, and ten more frames at 20 mm, of which each drifts by 0.1 mm."""
    stop, drift = 10, 0.1
    true = np.concatenate([np.arange(21.0), np.full(stop, 20.0), np.arange(21.0, 41.0)])
    predicted = true + drift * np.concatenate(
        [np.zeros(21), np.arange(1, stop + 1), np.full(20, stop)]
    )
    found = compute(case_of(line(true), line(predicted)), ["segment_drift_10mm"])
    # From 11 to 20 mm all of the stop lies ahead, from its own frames what is left of it.
    total = 10 * stop * drift + drift * stop * (stop - 1) / 2
    assert found["segment_drift_10mm"] == pytest.approx(100 * total / 10 / (31 + stop), rel=1e-9)


def test_sparse_frames_have_the_lengths_that_a_relative_error_leaves_out():
    places = np.arange(0, 100, 7.0)
    names = ["segment_drift_5mm", "segment_drift", "rpe_translation_5mm"]
    found = compute(case_of(line(places), line(0.9 * places)), names)
    assert found == {names[0]: pytest.approx(10.0), names[1]: pytest.approx(10.0), names[2]: None}


def test_the_mean_is_over_the_lengths_that_fit_and_of_none_is_undefined():
    places = np.arange(0, 13.0)
    predicted = places + 0.01 * places**2
    found = compute(case_of(line(places), line(predicted)), DRIFTS)
    both = (found["segment_drift_5mm"], found["segment_drift_10mm"])
    assert found["segment_drift"] == pytest.approx(np.mean(both)) and both[0] != both[1]
    assert found["segment_drift_20mm"] is found["segment_drift_200mm"] is None
    for short in (places[:5], 0 * places):
        found = compute(case_of(line(short), line(0.5 * short)), [*DRIFTS, *TURNS])
        assert set(found.values()) == {None}
