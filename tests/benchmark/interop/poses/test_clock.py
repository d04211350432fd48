"""Poses at frames' times: on the geodesic, on one clock, and never beyond what the table holds."""

from pathlib import Path

import numpy as np
import pytest

from benchmark import geometry
from benchmark.errors import UserError
from benchmark.interop.poses.clock import poses_at_frames
from benchmark.interop.poses.table import PoseTable

SCREW = np.array([3.0, -1, 8, 0.3, 0.2, -0.4])  # per second
START = geometry.exp(np.array([200.0, -30, 9, 1, 2, 0.5]))


def moving(times: np.ndarray) -> np.ndarray:
    """Return the poses (N, 4, 4) of a constant screw motion, whose geodesics are itself."""
    return START @ geometry.exp(np.asarray(times, float)[:, None] * SCREW)


def table_of(times: np.ndarray) -> PoseTable:
    return PoseTable(Path("p.csv"), moving(times), np.asarray(times, float))


def test_a_faster_tracker_on_its_own_clock_is_interpolated() -> None:
    times = 1.7e9 + np.sort(np.random.default_rng(0).uniform(0, 4, 400))
    frames = np.linspace(times[0], times[-1], 37)
    poses, valid = poses_at_frames(table_of(times - 1.7e9), frames - 1.7e9)
    assert valid.all()
    np.testing.assert_allclose(poses, moving(frames - 1.7e9), atol=1e-8)


def test_frames_outside_and_in_gaps_have_none() -> None:
    times = np.concatenate([np.arange(0, 1, 0.1), np.arange(3, 4, 0.1)])
    frames = np.array([-0.2, 0.0, 0.05, 0.9, 0.95, 2.0, 3.0, 3.85, 3.9, 4.2])
    notes: list[str] = []
    poses, valid = poses_at_frames(table_of(times), frames, notes.append)
    assert valid.tolist() == [False, True, True, True, False, False, True, True, True, False]
    assert np.isnan(poses[~valid]).all()
    np.testing.assert_allclose(poses[valid], moving(frames[valid]), atol=1e-9)
    assert "p.csv: 2 of 10 frames outside its times (0 to 3.9 s): no pose" in notes
    assert "p.csv: 2 of 10 frames in gaps longer than 0.5 s: no pose" in notes


def test_a_row_per_frame_on_another_clock_is_told_of_lag_start() -> None:
    table = table_of(0.025 + np.arange(6) / 20)
    for shift, told in ((0.0, 1), (0.025, 0)):
        notes: list[str] = []
        poses_at_frames(table, shift + np.arange(6) / 20, notes.append)
        assert sum("--lag start lets both begin together" in note for note in notes) == told


def test_a_short_gap_is_bridged_and_an_empty_row_is_not() -> None:
    table = table_of(np.arange(6) / 10)
    table.world_from_body[2] = np.nan
    notes: list[str] = []
    _, valid = poses_at_frames(table, np.array([0.1, 0.15, 0.2, 0.3]), notes.append)
    assert valid.tolist() == [True, True, False, True]
    assert notes == ["p.csv: 1 of 4 frames whose row holds no pose: no pose"]


def test_clocks_that_do_not_overlap_are_refused_with_both_ranges() -> None:
    with pytest.raises(UserError, match=r"poses at 100 to 101 s, frames at 0 to 2 s: .*--lag"):
        poses_at_frames(table_of(np.array([100.0, 101.0])), np.array([0.0, 2.0]))


def test_a_table_without_times_has_one_row_per_frame() -> None:
    table = PoseTable(Path("p.csv"), moving(np.arange(3)), None)
    poses, valid = poses_at_frames(table, np.arange(3) / 20)
    assert valid.all() and np.array_equal(poses, table.world_from_body)
    with pytest.raises(UserError, match="3 poses for 4 frames"):
        poses_at_frames(table, np.arange(4) / 20)


def test_a_single_pose_is_that_of_its_own_time() -> None:
    _, valid = poses_at_frames(table_of(np.array([0.5])), np.array([0.4, 0.5, 0.6]))
    assert valid.tolist() == [False, True, False]


def test_times_of_another_unit_are_doubted_by_the_rates_of_rows_and_frames() -> None:
    frames = np.arange(40) / 20
    rows = np.arange(40) / 20
    with pytest.raises(UserError, match=r"rows every 50 s, frames every 0\.05 s: are the times in"):
        poses_at_frames(table_of(1000 * rows), frames)
    notes: list[str] = []
    _, valid = poses_at_frames(table_of(np.arange(4.0)), frames, notes.append)  # a slow tracker
    assert valid.all() and "rows every 1 s" in notes[0] and len(notes) == 1
    poses_at_frames(table_of(np.arange(0, 3, 0.2)), frames, notes.append)
    assert len(notes) == 1
