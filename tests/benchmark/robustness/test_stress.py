"""Stress: points, breaks, tables and the curves of factors known beforehand."""

import csv
import dataclasses
import io
import json
from dataclasses import replace

import numpy as np
import pytest

from benchmark.commands.selection import Selection
from benchmark.commands.stress import Stress
from benchmark.dataset import write_dataset, write_entry
from benchmark.errors import UserError
from benchmark.figures import plot
from benchmark.figures.stress import stress_curves
from benchmark.files import read_json
from benchmark.leaderboard.board import read_leaderboard
from benchmark.leaderboard.conditions import FLOOR, conditions, shared_level
from benchmark.leaderboard.tables import markdown_text
from benchmark.learning.training import train
from benchmark.robustness.generalisation import generalisation_table
from benchmark.robustness.stress import Break, breaks, stress_points
from benchmark.robustness.stress_error import stress_errors
from benchmark.robustness.stress_tables import stress_csv, stress_markdown
from benchmark.runs.run import make_run
from benchmark.runs.score import score_run
from benchmark.scoring.statistics import summarise
from tests.benchmark.shared.folders import make_sweep
from tests.benchmark.shared.synthetic_results import result, stress_field, write_results


@pytest.fixture(scope="module")
def board(tmp_path_factory):
    folder = tmp_path_factory.mktemp("stress")
    return read_leaderboard(write_results(folder, stress_field()))


@pytest.fixture(scope="module")
def points(board):
    return stress_points(board)


def find(points, **wanted):
    (found,) = [p for p in points if all(getattr(p, k) == v for k, v in wanted.items())]
    return found


def test_each_factor_has_its_severities_and_shares_the_sweeps_without_any(board):
    groups = conditions(board.sweeps)
    assert set(groups) == {"speed", "my-own"}
    for by_severity in groups.values():
        assert list(by_severity) == [0, 1, 3, 5]
        assert all(len(indices) == 5 for indices in by_severity.values())
    assert groups["speed"][0] == groups["my-own"][0]
    names = {board.sweeps[i]["name"] for i in groups["speed"][3]}
    assert names == {f"test-{s:03d}-speed-3" for s in range(5)}


def test_levels_are_those_of_the_sweeps_and_none_where_they_name_none(board):
    groups = conditions(board.sweeps)
    assert [shared_level(board.sweeps, v) for v in groups["speed"].values()] == [
        None,
        1.25,
        2.0,
        3.0,
    ]
    assert {shared_level(board.sweeps, v) for v in groups["my-own"].values()} == {None}


def test_a_point_is_the_mean_over_subjects_with_its_interval_and_the_paired_difference(points):
    point = find(points, tracker="breaks", factor="speed", severity=3, metric="fdr_path_centre")
    assert point.sweeps == 5 and point.level == 2.0
    assert point.summary == summarise([25, 25.5, 26, 26.5, 27], "abcde")
    # Subjects differ, the difference to the floor does not: its interval has no width.
    assert point.over_floor["mean"] == point.over_floor["low"] == pytest.approx(5.0)
    local = find(points, tracker="breaks", factor="speed", severity=3, metric="lpe")
    assert local.summary["mean"] == pytest.approx(0.26)


def test_a_tracker_breaks_where_it_becomes_worse_than_the_training_mean(points):
    broken = breaks(points)
    assert broken["fdr_path_centre", "speed", "breaks"] == Break(3, 3)
    assert broken["fdr_path_centre", "my-own", "breaks"] == Break(None, None)
    assert broken["lpe", "speed", "holds"] == Break(None, None)
    assert broken["lpe", "speed", "training-mean"] == Break(None, None)


def test_a_reference_row_knows_the_truth_and_cannot_break(points):
    oracle = [replace(point, kind="reference") for point in points]
    assert set(breaks(oracle).values()) == {Break(None, None)}


def test_a_break_that_subjects_disagree_about_is_not_certain(tmp_path):
    field = stress_field()
    for sweep in field[1]["sweeps"]:  # means above the floor's at severity 1, by one subject alone
        if sweep["factors"]["factor"] == "speed" and sweep["factors"]["severity"] == 1:
            subject = int(sweep["subject"][-1])
            sweep["metrics"]["fdr_path_centre"] = 20 + subject / 2 + (-4 if subject else 18)
    found = breaks(stress_points(read_leaderboard(write_results(tmp_path, field))))
    assert found["fdr_path_centre", "speed", "holds"] == Break(1, None)


def test_the_csv_has_every_point_and_the_tables_say_where_each_breaks(points):
    lines = list(csv.DictReader(io.StringIO(stress_csv(points))))
    assert len(lines) == len(points) == 2 * 2 * 3 * 4
    (line,) = [
        row
        for row in lines
        if (row["tracker"], row["factor"], row["severity"], row["metric"])
        == ("breaks", "speed", "5", "fdr_path_centre")
    ]
    assert line["level"] == "3.0" and float(line["mean"]) == 61
    assert float(line["over_training-mean"]) == pytest.approx(30)
    text = stress_markdown(points)
    assert "| speed | 0 to 5 (3) | 9.0 → 11.0 | 6.0 → 61.0, breaks at 3/3 | 21.0 → 31.0 |" in text
    assert "| my-own | 0 to 5 | 9.0 → 10.0 | 6.0 → 8.0 | 21.0 → 31.0 |" in text


def test_the_figure_has_a_chart_per_factor_and_a_ring_where_a_tracker_breaks(points, tmp_path):
    figure = stress_curves(points, "fdr_path_centre")
    charts = [axes for axes in figure.axes if axes.lines]
    assert [axes.get_title(loc="left") for axes in charts] == ["my-own", "speed"]
    rings = [[line for line in axes.lines if line.get_fillstyle() == "none"] for axes in charts]
    assert [len(found) for found in rings] == [0, 1]
    assert rings[1][0].get_xdata() == [3]
    (curve,) = [line for line in charts[1].lines if line.get_label() == "breaks"]
    np.testing.assert_allclose(curve.get_ydata(), [6, 16, 26, 61])
    assert plot.save(figure, tmp_path / "x", "t", "c").stat().st_size > 5000


def test_a_set_without_stress_and_a_field_without_floor_are_refused(tmp_path):
    with pytest.raises(UserError, match="no sweep names a 'factor' and its 'severity'"):
        stress_points(read_leaderboard(write_results(tmp_path, [result("training-mean")])))
    lonely = stress_field()[:1]
    with pytest.raises(UserError, match="expected a result of 'training-mean'"):
        stress_points(read_leaderboard(write_results(tmp_path, lonely)))


@pytest.fixture
def dataset(tmp_path):
    """A data set of two test subjects, each plain and under a factor at two severities."""
    entries = []
    rows = [("train-0", "train", None), ("train-1", "train", None)]
    for subject in ("p1", "p2"):
        rows += [(subject, "test", ("none", 0)), (subject, "test", ("shake", 1))]
        rows += [(subject, "test", ("shake", 2))]
    for subject, split, stress in rows:
        name = subject if stress is None else f"{subject}-{stress[0]}-{stress[1]}"
        factors = {"subject": subject}
        if stress:
            factors |= {"factor": stress[0], "severity": stress[1], "level": None}
        sweep = dataclasses.replace(make_sweep(name, subject), factors=factors)
        entries.append(write_entry(tmp_path / "data", f"{name}.h5", sweep, split, subject))
    return write_dataset(tmp_path / "data", "shaken", entries, {})


def test_the_command_goes_all_the_way_and_does_nothing_twice(dataset, tmp_path, capsys):
    selection = Selection(dataset.folder, ("identity", "true-in-plane"), runs=tmp_path / "runs")
    command = Stress(selection, keep=tmp_path / "kept")
    command.run()
    assert "shake" in capsys.readouterr().out
    place = tmp_path / "runs" / "shaken"
    lines = list(csv.DictReader(io.StringIO((place / "stress.csv").read_text())))
    assert {row["tracker"] for row in lines} == {"identity", "true-in-plane", "training-mean"}
    assert {(row["severity"], row["sweeps"]) for row in lines} == {(s, "2") for s in "012"}
    for name in ("stress.md", "stress-error.csv"):
        assert (tmp_path / "kept" / name).read_text() == (place / name).read_text()
    about = read_json(place / "stress-lpe.json")
    assert about["tracker"] is None and (place / "stress-lpe.png").is_file()
    page = (place / "leaderboard.html").read_text()
    data = json.loads(page.split('id="data">')[1].split("</script>")[0])
    assert [factor["label"] for factor in data["stress"]] == ["shake"]
    results = {p: p.stat().st_mtime_ns for p in place.glob("*/result.json")}
    assert data["stress_metrics"] == ["segment_drift", "fdr_path_centre", "lpe"]
    command.run()
    assert {p: p.stat().st_mtime_ns for p in place.glob("*/result.json")} == results


def test_under_sweepbench_v2_segment_drift_comes_first_and_final_drift_beside_it(dataset, tmp_path):
    for name in ("identity", FLOOR):
        run = make_run(name, dataset, root=tmp_path)
        train(run)
        score_run(run, protocol="sweepbench-v2")
    paths = sorted(tmp_path.glob("*/*/result.json"))
    board = read_leaderboard(paths)
    assert markdown_text(board).startswith(
        "| # | tracker | class | Segment drift (%) [95 %] | Final drift (%) | Average drift (%) |"
    )
    errors = ["segment_drift", "fdr_path_centre", "lpe"]
    text = stress_markdown(stress_points(board), stress_errors(board))
    assert [line.split("`")[1] for line in text.splitlines() if line.startswith("## ")] == errors
    still = [e for e in stress_errors(board) if e.tracker == "identity" and e.factor == "all"]
    assert [(e.metric, e.error["mean"]) for e in still] == [
        (name, pytest.approx(100)) for name in errors
    ]
    assert [*dict.fromkeys(cell.metric for cell in generalisation_table(paths))] == errors
