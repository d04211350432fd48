"""A sample of kills of every command; `python -m tests.faults.kill` makes many more."""

import signal
import sys
from pathlib import Path

import pytest

from tests.faults.kill import Bench, Piece, differences, ill_told, table
from tests.faults.victims import PARENT, WORKER, End, Kill
from tests.faults.works import WORKS

if not sys.platform.startswith("linux"):
    pytest.skip("no pidfd", allow_module_level=True)


@pytest.mark.parametrize("name", WORKS)
def test_a_killed_command_is_finished_by_the_next(tmp_path: Path, name: str) -> None:
    bench, kills = Bench(name, tmp_path), 0
    for index in range(20):
        piece = bench.piece(index, seed=0, most=3)
        assert piece.faults == []
        kills += len(piece.kills)
        if kills >= 3:
            return
    raise AssertionError(f"{kills} of 20 kills found the command at work")


def test_what_is_lost_wrong_or_left_is_found() -> None:
    found = {"b": b"2", "c": b"3"}
    assert differences({"a": b"1", "b": b"1"}, found) == [
        "lost: missing: ['a']", "wrong: more files: ['c']", "wrong: other bytes: ['b']",
    ]  # fmt: skip
    assert differences(found, found) == []


@pytest.mark.parametrize(
    ("status", "told", "good"),
    [
        (-9, "", True),
        (2, "note: a\nerror: b\n", True),
        (2, "", False),
        (2, "error: a\nerror: b\n", False),
        (130, "Traceback (most recent call last):\nKeyboardInterrupt\n", False),
    ],
)
def test_a_command_ends_with_one_line(status: int, told: str, good: bool) -> None:
    assert (ill_told(End(status, 0, told)) == []) is good


def test_the_table_counts_kills_and_faults() -> None:
    kills = [Kill(signal.SIGKILL, WORKER), Kill(signal.SIGINT, PARENT)]
    pieces = [Piece("train", 0, False, kills), Piece("study", 0, False, kills[:1], ["lost: x"])]
    rows = [line.split(" | ") for line in table(pieces).splitlines()]
    last = dict(zip(rows[0], rows[-1], strict=True))
    assert (last["kills"], last["SIGKILL"], last["of worker"], last["lost"]) == ("3", "2", "2", "1")
