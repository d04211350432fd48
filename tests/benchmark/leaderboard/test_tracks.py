"""Tracks on the board: a tracker is ranked among those that read the same."""

from benchmark.leaderboard import build_leaderboard
from benchmark.leaderboard.page import page_data
from benchmark.leaderboard.tables import console_table, csv_text, markdown_text
from tests.benchmark.shared.synthetic_results import result, write_results


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
    assert "Track image\n" in plain and "| good (one" in plain and "| sensed" not in plain
    assert "| sensed (one" in sensed and "| good" not in sensed
    assert "| oracle |" in plain and "| oracle |" in sensed
    assert "image+imu" in console_table(board)
    assert csv_text(board).splitlines()[0].split(",")[4] == "track"
    rows = {row["label"]: row["track"] for row in page_data(board)["rows"]}
    assert rows == {"good": "image", "bad": "image", "sensed": "image+imu", "oracle": None}


def test_with_one_track_nothing_speaks_of_tracks(tmp_path):
    board = build_leaderboard(write_results(tmp_path, [result("a"), result("b")]), tmp_path)
    assert board.tracks == ["image"] and "rack image" not in markdown_text(board)
    assert "image" not in console_table(board)
