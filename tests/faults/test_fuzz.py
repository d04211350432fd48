"""A few damaged files for every reader; `python -m tests.faults.fuzz` makes many."""

import os
import signal
import sys
from pathlib import Path

import pytest

from benchmark.errors import UserError
from tests.faults.fuzz import fuzz, outcome
from tests.faults.inputs import READERS, Reader

if sys.platform != "linux":
    pytest.skip("limits of memory are set as Linux has them", allow_module_level=True)


@pytest.mark.parametrize("name", READERS)
def test_damaged_files_end_in_one_line(name: str) -> None:
    tally = fuzz(name, count=40, seconds=120.0, seed=0, keep=None)
    assert (tally.inputs, tally.finds) == (40, {})


def write(folder: Path):
    (folder / "a.txt").write_text("1 2 3\n")
    return [(folder / "a.txt", folder / "a.txt")]


def dies(path: Path) -> None:
    if path.read_bytes() != b"1 2 3\n":
        os.kill(os.getpid(), signal.SIGKILL)


def grows(path: Path) -> None:
    if path.read_bytes() != b"1 2 3\n":
        bytearray(1 << 30)


def fails(path: Path) -> None:
    if path.read_bytes() != b"1 2 3\n":
        raise KeyError("text")


@pytest.mark.parametrize(
    ("read", "found"), [(dies, "crash (SIGKILL)"), (grows, "memory at"), (fails, "KeyError at")]
)
def test_what_a_reader_does_wrong_is_found(monkeypatch, read, found: str) -> None:
    monkeypatch.setitem(READERS, "wrong", Reader(write, read))
    tally = fuzz("wrong", count=5, seconds=60.0, seed=0, keep=None)
    assert tally.inputs == 5 and [place for place in tally.finds if place.startswith(found)]


def test_lines_of_errors_are_looked_at(tmp_path: Path) -> None:
    def says_nothing(path: Path) -> None:
        raise UserError("")

    assert outcome(Reader(write, says_nothing), tmp_path).startswith("message of 0 lines")
