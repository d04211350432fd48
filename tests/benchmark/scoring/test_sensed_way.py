"""The whole way of a tracker with IMU: run, prediction, check, score and board."""

import pytest

from benchmark.errors import UserError
from benchmark.files import read_json, write_json
from benchmark.leaderboard.board import read_leaderboard
from benchmark.learning.training import train
from benchmark.runs.predict import predict
from benchmark.runs.run import make_run
from benchmark.scoring.evaluate import evaluate
from benchmark.scoring.submission import check_predictions
from tests.benchmark.shared.sensed import ME, SEEN, write_sensed


@pytest.fixture
def dataset(tmp_path):
    return write_sensed(tmp_path / "data")


def test_a_tracker_with_imu_goes_all_the_way_on_its_own_track(dataset, tmp_path):
    SEEN.clear()
    sensed = make_run(ME, dataset, root=tmp_path / "runs")
    plain = make_run("identity", dataset, root=tmp_path / "runs")
    oracle = make_run("true-in-plane", dataset, root=tmp_path / "runs")
    train(sensed)
    train(plain)
    paths = []
    for run in (sensed, plain, oracle):
        folder = predict(run)
        assert check_predictions(folder, dataset, "test") == []
        evaluate(folder, dataset, "sweepbench-v1", run.result)
        paths.append(run.result)
    assert SEEN and all(set(seen.channels) == {"bmode"} and seen.imu for seen in SEEN)
    assert [read_json(path).get("track") for path in paths] == ["image+imu", "image", None]
    board = read_leaderboard(paths)
    assert board.tracks == ["image", "image+imu"]
    assert {row.label: row.track for row in board.rows} == {
        "gyroscope": "image+imu", "identity": "image", "true-in-plane": None,
    }  # fmt: skip
    assert all("2 subjects: too few" in row.remarks[0] for row in board.rows)


def test_other_protocols_keep_to_images(dataset, tmp_path):
    run = make_run(ME, dataset, root=tmp_path / "runs")
    train(run)
    folder = predict(run)
    with pytest.raises(UserError, match="track: protocol 'tusrec2025' has image, got"):
        evaluate(folder, dataset, "tusrec2025")
    meta = read_json(folder / "meta.json")
    write_json(folder / "meta.json", {**meta, "track": "telepathy"})
    (fault,) = check_predictions(folder, dataset, "test")
    assert "track: expected one of image, image+imu, bmode+pa, got 'telepathy'" in fault
