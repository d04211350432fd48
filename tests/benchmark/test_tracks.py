"""Tracks: a tracker is handed what it reads, and ranked among those that read the same."""

from dataclasses import replace

import numpy as np
import pytest

from benchmark import geometry
from benchmark.checker import check_tracker, example_observation
from benchmark.dataset import Entry, write_dataset
from benchmark.errors import UserError
from benchmark.files import read_json, sha256_of_file, write_json
from benchmark.hdf5 import write_sweep
from benchmark.leaderboard import build_leaderboard
from benchmark.leaderboard.board import read_leaderboard
from benchmark.leaderboard.page import page_data
from benchmark.leaderboard.tables import console_table, csv_text, markdown_text
from benchmark.runs.predict import predict
from benchmark.runs.run import make_run
from benchmark.scoring.evaluate import evaluate
from benchmark.scoring.submission import check_predictions
from benchmark.sweep import Channel, Observation, Prediction
from benchmark.tracker import Tracker
from benchmark.tracks import TRACKS, track_of
from tests.benchmark.folders import make_sweep
from tests.benchmark.synthetic_results import result, write_results

SEEN: list[Observation] = []


class Gyroscope(Tracker):
    """Turns as the gyroscope says and advances by a constant: for tests of the IMU's track."""

    name = "gyroscope"
    reads = ("bmode", "imu")

    def track(self, observation: Observation) -> Prediction:
        SEEN.append(observation)
        times, imu = observation.bmode.timestamps, observation.imu
        middle = (times[1:] + times[:-1]) / 2
        rate = [np.interp(middle, imu["timestamps"], axis) for axis in imu["angular_rate"].T]
        motion = np.zeros((len(times) - 1, 6))
        motion[:, 2] = 0.8
        motion[:, 3:] = np.stack(rate, 1) * np.diff(times)[:, None]
        return Prediction.from_steps(geometry.from_degrees_of_freedom(motion))


class Peeks(Tracker):
    """Reads what no track has."""

    name = "peeks"
    reads = ("bmode", "poses")

    def track(self, observation: Observation) -> Prediction:
        return Prediction(np.tile(np.eye(4), (len(observation), 1, 1)))


ME = "tests.benchmark.test_tracks:Gyroscope"


def full_sweep(name: str, subject: str):
    """A sweep with an IMU that turns as the probe does, and with photoacoustic frames."""
    sweep = make_sweep(name, subject)
    times = sweep.bmode.timestamps
    steps = geometry.degrees_of_freedom(geometry.relative(sweep.bmode.world_from_image))
    rate = steps[:, 3:] / np.diff(times)[:, None]
    imu = {
        "timestamps": (times[1:] + times[:-1]) / 2,
        "acceleration": np.zeros((len(rate), 3)),
        "angular_rate": rate,
        "true_angular_rate": rate,
    }
    glow = Channel(
        np.ones((3, 4, 4), np.float32),
        times[:3],
        np.eye(4),
        np.full(3, 800.0),
        world_from_image=sweep.bmode.world_from_image[:3],
    )
    return replace(sweep, channels={**sweep.channels, "pa": glow}, imu=imu)


@pytest.fixture
def dataset(tmp_path):
    entries = []
    for index, split in enumerate(("train", "test", "test")):
        sweep = full_sweep(f"s{index}", f"p{index}")
        path = tmp_path / "data" / f"{sweep.name}.h5"
        write_sweep(path, sweep)
        entries.append(
            Entry(
                sweep.name, path.name, split, f"p{index}", len(sweep), sha256_of_file(path), {}
            )
        )  # fmt: skip
    return write_dataset(tmp_path / "data", "sensed", entries, {})


def test_what_is_read_decides_the_track():
    assert track_of(("bmode",)) == "image" and track_of(["imu", "bmode"]) == "image+imu"
    assert track_of({"pa", "bmode"}) == "bmode+pa"
    for wrong in ((), ("imu",), ("bmode", "poses"), ("bmode", "imu", "pa")):
        with pytest.raises(UserError, match=r"no track has .* \(tracks: image \(bmode\)"):
            track_of(wrong)


@pytest.mark.parametrize("track", TRACKS)
def test_an_observation_holds_what_the_track_allows_and_no_more(track):
    reads = TRACKS[track]
    seen = full_sweep("a", "b").observe(tuple(reads))
    assert set(seen.channels) == reads - {"imu"}
    assert (seen.imu is not None) == ("imu" in reads)
    if seen.imu:
        assert set(seen.imu) == {"timestamps", "acceleration", "angular_rate"}
    example = example_observation(6, reads=tuple(reads))
    assert set(example.channels) == set(seen.channels)
    assert set(example.imu or ()) == set(seen.imu or ())


def test_a_sweep_that_lacks_what_is_read_is_named():
    for reads in (("bmode", "imu"), ("bmode", "pa")):
        with pytest.raises(UserError, match=f"sweep 'x' has no '{reads[1]}', which the tracker"):
            make_sweep("x", "p").observe(reads)


def test_the_checker_gives_a_tracker_what_it_reads_and_refuses_what_no_track_has():
    check_tracker(Gyroscope())
    with pytest.raises(UserError, match="'peeks': reads: no track has bmode, poses"):
        check_tracker(Peeks())


def test_a_tracker_with_imu_goes_all_the_way_on_its_own_track(dataset, tmp_path):
    SEEN.clear()
    sensed = make_run(ME, dataset, root=tmp_path / "runs")
    plain = make_run("identity", dataset, root=tmp_path / "runs")
    oracle = make_run("true-in-plane", dataset, root=tmp_path / "runs")
    from benchmark.learning.training import train

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
    assert {row.label: row.rank for row in board.rows} == {
        "gyroscope": (1, 1), "identity": (1, 1), "true-in-plane": None,
    }  # fmt: skip


def test_other_protocols_keep_to_images(dataset, tmp_path):
    run = make_run(ME, dataset, root=tmp_path / "runs")
    from benchmark.learning.training import train

    train(run)
    folder = predict(run)
    with pytest.raises(UserError, match="track: protocol 'tusrec2025' has image, got"):
        evaluate(folder, dataset, "tusrec2025")
    meta = read_json(folder / "meta.json")
    write_json(folder / "meta.json", {**meta, "track": "telepathy"})
    (fault,) = check_predictions(folder, dataset, "test")
    assert "track: expected one of image, image+imu, bmode+pa, got 'telepathy'" in fault


def two_tracks() -> list[dict]:
    """Two rows on images, one with IMU that beats both, and a reference row."""
    return [
        result("good", rate=9.0),
        result("bad", rate=60.0),
        {**result("sensed", rate=2.0), "track": "image+imu"},
        result("oracle", "reference", 4.0),
    ]


def test_ranks_are_those_of_the_track(tmp_path):
    board = build_leaderboard(write_results(tmp_path, two_tracks()), tmp_path)
    ranks = {row.label: row.rank for row in board.rows}
    assert ranks == {"good": (1, 1), "bad": (2, 2), "sensed": (1, 1), "oracle": None}
    text = markdown_text(board)
    plain, sensed = text.split("Track image+imu")
    assert "Track image\n" in plain and "| good |" in plain and "| sensed |" not in plain
    assert "| sensed |" in sensed and "| good |" not in sensed
    assert "| oracle |" in plain and "| oracle |" in sensed
    assert "image+imu" in console_table(board)
    assert csv_text(board).splitlines()[0].split(",")[4] == "track"
    rows = {row["label"]: row["track"] for row in page_data(board)["rows"]}
    assert rows == {"good": "image", "bad": "image", "sensed": "image+imu", "oracle": None}


def test_with_one_track_nothing_speaks_of_tracks(tmp_path):
    board = build_leaderboard(write_results(tmp_path, [result("a"), result("b")]), tmp_path)
    assert board.tracks == ["image"] and "rack image" not in markdown_text(board)
    assert "image" not in console_table(board)
