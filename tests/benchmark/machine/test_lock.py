"""Locks between processes: held, released, left behind, and wanted by two at once."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from benchmark.errors import UserError
from benchmark.machine import lock
from benchmark.machine.holder import Holder, read_holder, this_process
from benchmark.machine.lock import done_once, only_here, remove_left

ELSEWHERE = {"host": "elsewhere", "machine": "elsewhere boot pid:[1]"}


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock, "BEAT_S", 0.05)
    monkeypatch.setattr(lock, "WATCH_S", 0.5)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "work.lock"


def write_lock(path: Path, **changes: object) -> Holder:
    """Write the lock of this process with some of what it tells changed."""
    holder = replace(this_process(), **changes)  # type: ignore[arg-type]
    path.write_text(holder.to_json())
    return holder


@contextmanager
def touched(path: Path) -> Iterator[None]:
    """Touch a file again and again within the block, as another machine does."""
    done = threading.Event()

    def beat() -> None:
        while not done.wait(0.05):
            os.utime(path)

    with ThreadPoolExecutor(1) as pool:
        beats = pool.submit(beat)
        try:
            yield
        finally:
            done.set()
            beats.result()


def ended_process() -> int:
    """Return the number of a process that has ended."""
    child = subprocess.Popen([sys.executable, "-S", "-c", ""])
    child.wait()
    return child.pid


def test_a_held_lock_is_told_and_a_released_one_is_gone(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "work.lock"
    with only_here(path, "this work"):
        told = rf"lock: this work runs in process {os.getpid()} on \S+ since 20\S+ \S+ UTC; wait"
        with pytest.raises(UserError, match=told):
            only_here(path, "this work", waits=False).__enter__()
        assert path.is_file()
    assert not path.exists()
    with only_here(path, "this work", waits=False):
        pass


def test_a_second_waits_until_the_first_has_ended(path: Path) -> None:
    order: list[str] = []

    def second() -> None:
        with only_here(path, "this work", order.append):
            order.append("second")

    with ThreadPoolExecutor(1) as pool:
        with only_here(path, "this work"):
            waiting = pool.submit(second)
            time.sleep(0.3)
            order.append("first")
        waiting.result()
    told, *rest = order
    assert rest == ["first", "second"]
    assert "this one waits for it (Ctrl-C ends the waiting alone)" in told and "\n" not in told


def test_work_that_another_did_meanwhile_is_not_done_again(path: Path) -> None:
    done: list[int] = []

    def do(refuse_lost) -> None:
        refuse_lost()
        time.sleep(0.1)
        done.append(1)

    with ThreadPoolExecutor(3) as pool:
        for _ in range(3):
            pool.submit(done_once, path, "this work", lambda: bool(done), do)
    assert done == [1] and not path.exists()


def test_an_interrupt_while_waiting_leaves_the_lock_to_its_holder(path: Path, monkeypatch) -> None:
    holder = write_lock(path)
    with (
        pytest.raises(KeyboardInterrupt),
        only_here(path, "this work", lambda _: (_ for _ in ()).throw(KeyboardInterrupt)),
    ):
        pass
    assert read_holder(path) == holder


def test_an_error_within_releases_the_lock(path: Path) -> None:
    with pytest.raises(ZeroDivisionError), only_here(path, "this work"):
        _ = 1 / 0
    assert list(path.parent.iterdir()) == []


def test_a_lock_of_an_ended_process_is_taken_over_at_once(path: Path, monkeypatch) -> None:
    monkeypatch.setattr(lock, "WATCH_S", 1e6)
    write_lock(path, process=ended_process())
    with only_here(path, "this work", waits=False):
        assert read_holder(path).process == os.getpid()
    write_lock(path, process=ended_process())
    remove_left(path)
    assert not path.exists()


@pytest.mark.skipif(not hasattr(os, "waitid"), reason="the system cannot look without asking")
def test_a_zombie_has_ended(path: Path, monkeypatch) -> None:
    monkeypatch.setattr(lock, "WATCH_S", 1e6)
    child = subprocess.Popen([sys.executable, "-S", "-c", ""])
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # ended, and still in the table
    write_lock(path, process=child.pid)
    with only_here(path, "this work", waits=False):
        pass
    child.wait()


def test_a_process_of_this_machine_that_rests_keeps_its_lock(path: Path) -> None:
    """It may be stopped by Ctrl-Z: this machine knows that it is there."""
    holder = write_lock(path)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(only_here(path, "this work").__enter__)
        time.sleep(1.0)
        assert read_holder(path) == holder and not waiting.done()
        path.unlink()
        waiting.result()


@pytest.mark.parametrize("changes", [{"began": 1.0}, ELSEWHERE])
@pytest.mark.parametrize("waits", [True, False])
def test_what_nobody_touches_is_taken_over_after_a_while(path: Path, changes, waits) -> None:
    """A number that another process has by now, or another machine."""
    write_lock(path, **changes)
    begin, told = time.monotonic(), []
    with only_here(path, "this work", told.append, waits=waits):
        assert time.monotonic() - begin >= lock.WATCH_S
        assert read_holder(path).host == this_process().host
    assert not path.exists() and len(told) == 1


@pytest.mark.parametrize("left", ["", "{}", '{"process": 1, "host": "elsewhere", "key": "x"}'])
def test_a_lock_that_cannot_be_read_is_watched_too(path: Path, left: str) -> None:
    told: list[str] = []
    path.write_text(left)
    with only_here(path, "this work", told.append):
        assert path.read_text() != left
    assert "its lock is watched for 0.5 s" in told[0]


def test_a_lock_that_another_machine_touches_is_its_own(path: Path) -> None:
    holder = write_lock(path, **ELSEWHERE, process=7)
    with touched(path):
        with pytest.raises(UserError, match=r"this work runs in process 7 on elsewhere since "):
            only_here(path, "this work", waits=False).__enter__()
        assert read_holder(path) == holder


def test_one_that_lost_its_lock_says_so_and_leaves_it(path: Path) -> None:
    with only_here(path, "this work") as refuse_lost:
        refuse_lost()
        other = write_lock(path, **ELSEWHERE, process=7)
        stamp = path.stat().st_mtime_ns
        with pytest.raises(UserError, match="taken over by process 7 on elsewhere"):
            refuse_lost()
        time.sleep(0.2)
        assert path.stat().st_mtime_ns == stamp  # it is not touched for the other
    assert read_holder(path) == other
    path.unlink()
    with pytest.raises(UserError, match="taken over"), only_here(path, "this work"):
        write_lock(path, **ELSEWHERE)
        raise FileNotFoundError("a checkpoint that the other has removed")


def test_of_two_that_find_a_lock_left_behind_one_gets_it(path: Path) -> None:
    path.write_text("{}")

    def attempt(_: int) -> bool:
        held = only_here(path, "this work", waits=False)
        try:
            held.__enter__()
        except UserError:
            return False
        kept.append(held)
        return True

    kept: list = []
    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(attempt, range(2))) == [False, True]
    kept[0].__exit__(None, None, None)
    assert not path.exists()


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="cannot be written"):
        only_here(tmp_path / "file" / "work.lock", "this work").__enter__()
