"""The stress error by hand, and what it must not depend on."""

import csv
import io

import numpy as np
import pytest

from benchmark.leaderboard.board import read_leaderboard
from benchmark.robustness.stress import stress_points
from benchmark.robustness.stress_error import stress_errors
from benchmark.robustness.stress_tables import stress_error_csv, stress_markdown
from benchmark.scoring.statistics import summarise
from tests.benchmark.shared.synthetic_results import stress_field, stress_result, write_results

DRIFT = "fdr_path_centre"
#: Errors of no motion at severity 0, 1, 3, 5: those of subject s are larger by s / 2, the mean by 1
STILL = {"speed": (40.0, 50.0, 60.0, 70.0), "my-own": (40.0, 40.0, 40.0, 40.0)}


def still_result():
    return stress_result("identity", "classical", STILL)


@pytest.fixture(scope="module")
def board(tmp_path_factory):
    folder = tmp_path_factory.mktemp("stress")
    return read_leaderboard(write_results(folder, [*stress_field(), still_result()]))


@pytest.fixture(scope="module")
def errors(board):
    return stress_errors(board)


def find(errors, tracker, factor, metric=DRIFT):
    wanted = (tracker, factor, metric)
    (found,) = [e for e in errors if (e.tracker, e.factor, e.metric) == wanted]
    return found


def test_errors_of_a_factor_are_shares_of_those_of_no_motion_by_hand(errors):
    speed = find(errors, "breaks", "speed")
    share = 100 * (16 + 26 + 61) / (51 + 61 + 71)
    assert speed.error["mean"] == pytest.approx(share)
    assert speed.loss["mean"] == pytest.approx(share - 100 * 6 / 41)
    own = find(errors, "breaks", "my-own")
    assert own.error["mean"] == pytest.approx(100 * (6 + 7 + 8) / (3 * 41))
    both = find(errors, "breaks", "all")
    assert both.error["mean"] == pytest.approx((speed.error["mean"] + own.error["mean"]) / 2)
    assert both.loss["mean"] == pytest.approx((speed.loss["mean"] + own.loss["mean"]) / 2)


def test_no_motion_has_an_error_of_100_percent_and_loses_nothing(errors):
    for factor in ("speed", "my-own", "all"):
        for metric in (DRIFT, "lpe"):
            found = find(errors, "identity", factor, metric)
            assert found.error["mean"] == pytest.approx(100)
            assert found.loss["mean"] == pytest.approx(0, abs=1e-9)


def test_a_factor_that_makes_all_errors_larger_changes_nothing(tmp_path):
    field = [*stress_field(), still_result()]
    for content in field:
        for sweep in content["sweeps"]:
            if sweep["factors"]["factor"] == "speed":
                sweep["metrics"][DRIFT] *= 7
    found = stress_errors(read_leaderboard(write_results(tmp_path, field)), [DRIFT])
    share = 100 * (16 + 26 + 61) / (51 + 61 + 71)
    assert find(found, "breaks", "speed").error["mean"] == pytest.approx(share)


def test_a_tracker_whose_error_is_a_constant_share_of_no_motion_loses_nothing(tmp_path):
    share = still_result() | {"tracker": "share", "config_hash": "5" * 64}
    for sweep in share["sweeps"]:
        sweep["metrics"][DRIFT] *= 0.3
    found = stress_errors(read_leaderboard(write_results(tmp_path, [share, still_result()])))
    for factor in ("speed", "my-own", "all"):
        error = find(found, "share", factor)
        assert error.error["mean"] == pytest.approx(30)
        assert error.loss["mean"] == pytest.approx(0, abs=1e-9)


def test_the_interval_is_that_of_subjects(board, errors):
    """Subject s errs by s / 2 more everywhere, and stands for its own sweeps."""
    each = [100 * (5 + 6 + 7 + 3 * s / 2) / (3 * 41) for s in range(5)]
    expected = summarise(each, sorted(set(board.subjects)))
    assert find(errors, "breaks", "my-own").error == pytest.approx(expected)
    assert expected["sd"] == pytest.approx(100 * 1.5 * np.sqrt(2.5) / (3 * 41))


def test_a_missing_sweep_leaves_no_number_of_its_factor_and_none_over_all(tmp_path):
    field = [*stress_field(), still_result()]
    lost = next(s for s in field[0]["sweeps"] if s["factors"]["factor"] == "speed")
    lost["metrics"][DRIFT] = None
    found = stress_errors(read_leaderboard(write_results(tmp_path, field)), [DRIFT])
    for factor in ("speed", "all"):
        assert find(found, "breaks", factor).error["mean"] is None
    assert find(found, "breaks", "my-own").error["mean"] is not None
    assert find(found, "holds", "all").error["mean"] is not None


def test_sweeps_of_which_no_motion_has_no_error_do_not_count(tmp_path):
    field = [*stress_field(), still_result()]
    for content in field:
        for sweep in content["sweeps"]:
            if sweep["name"] == "test-004-speed-5":
                sweep["metrics"][DRIFT] = None
    found = stress_errors(read_leaderboard(write_results(tmp_path, field)), [DRIFT])
    share = 100 * (16 + 26 + 60.75) / (51 + 61 + 70.75)
    assert find(found, "breaks", "speed").error["mean"] == pytest.approx(share)


def test_without_sweeps_of_severity_0_there_is_no_loss(tmp_path):
    field = [*stress_field(), still_result()]
    for content in field:
        content["sweeps"] = [s for s in content["sweeps"] if s["factors"]["factor"] != "none"]
        content["expected_sweeps"] = len(content["sweeps"])
    found = stress_errors(read_leaderboard(write_results(tmp_path, field)), [DRIFT])
    assert find(found, "holds", "all").error["mean"] is not None
    assert find(found, "holds", "all").loss["mean"] is None


def test_a_board_without_the_reference_has_no_stress_error(tmp_path):
    board = read_leaderboard(write_results(tmp_path, stress_field()))
    assert stress_errors(board) == []
    assert "stress error" not in stress_markdown(stress_points(board), stress_errors(board))


def test_csv_and_table_say_them(board, errors):
    lines = list(csv.DictReader(io.StringIO(stress_error_csv(errors))))
    assert len(lines) == len(errors) == 2 * 3 * 4  # metrics, factors and all, trackers
    (line,) = [
        row
        for row in lines
        if (row["metric"], row["factor"], row["tracker"]) == (DRIFT, "all", "breaks")
    ]
    expected = find(errors, "breaks", "all")
    assert float(line["stress_error"]) == expected.error["mean"]
    assert float(line["stress_loss_high"]) == expected.loss["high"]
    text = stress_markdown(stress_points(board), errors)
    rows = [x for x in text.splitlines() if x.startswith("| mean stress ")]
    assert [row.split(" | ")[0] for row in rows] == [
        "| mean stress error, %",
        "| mean stress loss, %",
    ] * 2
    assert f"| {expected.error['mean']:.1f}" in rows[0] and "| 100.0" in rows[0]
    assert "Mean stress error: " in text
