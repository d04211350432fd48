"""Locks between processes: held, released, left behind, and wanted by two at once."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from benchmark.errors import UserError
from benchmark.machine import lock
from benchmark.machine.lock import only_here


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock, "BEAT_S", 0.05)
    monkeypatch.setattr(lock, "WATCH_S", 0.5)


def test_a_held_lock_is_refused_and_a_released_one_is_gone(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "work.lock"
    with only_here(path, "this work"):
        with pytest.raises(UserError, match=r"lock: this work runs in process \d+ on \S+; wait"):
            only_here(path, "this work").__enter__()
        assert path.is_file()
    assert not path.exists()
    with only_here(path, "this work"):
        pass


def test_an_error_within_releases_the_lock(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), only_here(tmp_path / "work.lock", "this work"):
        _ = 1 / 0
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("left", ["", "{}", '{"process": 1, "host": "elsewhere", "key": "x"}'])
def test_a_lock_that_nobody_touches_is_taken_over(tmp_path: Path, left: str) -> None:
    """Whatever process or machine wrote it: its number may be another program's by now."""
    path, told = tmp_path / "work.lock", []
    path.write_text(left)
    with only_here(path, "this work", told.append):
        assert path.read_text() != left
    assert not path.exists() and "looking for 0.5 s" in told[0]


def test_a_lock_released_while_it_is_watched_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "work.lock"
    path.write_text("{}")
    with ThreadPoolExecutor(1) as pool:
        pool.submit(lambda: (lock.time.sleep(0.1), path.unlink()))
        with only_here(path, "this work"):
            assert path.is_file()


def test_of_two_that_find_a_lock_left_behind_one_gets_it(tmp_path: Path) -> None:
    path = tmp_path / "work.lock"
    path.write_text("{}")

    def attempt(stack: ExitStack) -> bool:
        try:
            stack.enter_context(only_here(path, "this work"))
        except UserError:
            return False
        return True

    with ExitStack() as stack, ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(attempt, [stack, stack])) == [False, True]


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="cannot be written"):
        only_here(tmp_path / "file" / "work.lock", "this work").__enter__()
