"""A few damaged files for every reader; `python -m tests.faults.fuzz` makes many."""

import hashlib
import os
import signal
import sys
from pathlib import Path

import pytest

from benchmark.errors import UserError
from tests.faults.fuzz import Inputs, fuzz, outcome
from tests.faults.inputs import READERS, Reader

if sys.platform != "linux":
    pytest.skip("limits of memory are set as Linux has them", allow_module_level=True)


@pytest.mark.parametrize("name", READERS)
def test_damaged_files_end_in_one_line(name: str) -> None:
    tally = fuzz(name, count=40, seconds=120.0, seed=0, keep=None)
    assert (tally.inputs, tally.finds) == (40, {})


@pytest.mark.parametrize("name", ["prediction", "dicom", "dataset"])
def test_an_input_of_a_seed_is_always_the_same_file(tmp_path: Path, name: str) -> None:
    made = []
    for folder, numbers in (("a", range(60)), ("b", reversed(range(60)))):
        (tmp_path / folder).mkdir()
        inputs = Inputs(READERS[name], tmp_path / folder, 3)
        made.append({number: inputs.make(number) for number in numbers})
    for number, (_, file, data) in made[0].items():
        _, again, other = made[1][number]
        assert (file.name, data) == (again.name, other), number


def test_a_later_run_goes_on_and_reads_no_file_twice(tmp_path: Path, monkeypatch) -> None:
    places = tmp_path / "read"
    places.touch()

    def note(path: Path) -> None:
        with places.open("ab") as file:
            file.write(hashlib.sha256(path.read_bytes()).digest())

    monkeypatch.setitem(READERS, "noted", Reader(write, note))
    for count in (20, 20, 50):
        tally = fuzz("noted", count, 60.0, 0, None, counts=tmp_path / "counts")
        assert (tally.inputs, tally.answers, tally.finds) == (count, count, {})
    digests = places.read_bytes()
    read = [digests[place : place + 32] for place in range(0, len(digests), 32)]
    sound = hashlib.sha256(b"1 2 3\n").digest()
    assert read.count(sound) == 3 and len(set(read)) == 51 == len(read) - 2


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
