"""Disks that fail: work ends in one line (status 2) or well, and the next run finishes it."""

import contextlib
import os
import shutil
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from benchmark.machine import lock
from tests.faults.kill import contents
from tests.faults.works import WORKS, command

if sys.platform == "win32":
    pytest.skip("no fork", allow_module_level=True)

ENDS_IN_ONE_LINE, ENDS_WELL = 2, 0
Action = Callable[[Path], int]


@dataclass(frozen=True)
class Task:
    """A command and what it reads; called with a folder, it works there and returns its status."""

    name: str
    given: Path

    def begin(self, folder: Path) -> None:
        """Give the work what its folder holds at first."""
        if (self.given / "runs").is_dir():
            with contextlib.suppress(OSError):
                shutil.copytree(self.given / "runs", folder / "runs", dirs_exist_ok=True)

    def __call__(self, folder: Path) -> int:
        work = WORKS[self.name]
        return command(work.line(self.given, folder, 1))


@pytest.fixture(params=["leaderboard", "predict"])
def work(request, tmp_path: Path) -> Task:
    (tmp_path / "given").mkdir()
    WORKS[request.param].write(tmp_path / "given")
    return Task(request.param, tmp_path / "given")


@pytest.fixture(autouse=True)
def watch(monkeypatch) -> None:
    monkeypatch.setattr(lock, "WATCH_S", 0.6)
    monkeypatch.setattr(lock, "BEAT_S", 0.1)


def status_of(work: Task, folder: Path, action: Action | None = None) -> int:
    """Do work, or an action that does it, in a child without output; return its status."""
    work.begin(folder)
    child = os.fork()
    if not child:
        status = 3
        os.chdir(work.given.parent)  # where no runs lie that are not the command's
        with contextlib.suppress(BaseException), Path(os.devnull).open("w") as sys.stdout:
            sys.stderr = sys.stdout  # not pytest's files, which would not grow either
            status = (action or work)(folder)
            os._exit(status)
        os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def ends_and_is_finished(work: Task, failing: Action, folder: Path, peace: dict) -> None:
    assert status_of(work, folder, failing) in (ENDS_IN_ONE_LINE, ENDS_WELL)
    assert status_of(work, folder) == ENDS_WELL
    assert contents(folder) == peace


def done_in_peace(work: Task, folder: Path) -> dict[str, bytes]:
    assert status_of(work, folder) == ENDS_WELL
    return contents(folder)


def limited(work: Task, size: int) -> Action:
    """Return work whose files cannot grow beyond a size in bytes."""

    def run(folder: Path) -> int:
        import resource

        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # writing then fails, as on a full disk
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
        return work(folder)

    return run


def test_writes_fail_at_any_byte(work: Task, tmp_path: Path) -> None:
    peace = done_in_peace(work, tmp_path / "peace")
    for size in (0, 1, 300, 3000, 30_000):
        folder = tmp_path / str(size)
        ends_and_is_finished(work, limited(work, size), folder, peace)


def at_operation(work: Task, number: int, act: Callable[[Path], object]) -> Action:
    """Return work during which something happens to its folder at an opening of a file in it."""

    def run(folder: Path) -> int:
        left = [number]

        def hook(event: str, arguments: tuple) -> None:
            if event == "open" and str(folder) in str(arguments[0]):
                left[0] -= 1
                if left[0] == 0:
                    act(folder)

        sys.addaudithook(hook)
        return work(folder)

    return run


@pytest.mark.parametrize("number", [1, 4, 9])
def test_the_folder_vanishes(work: Task, tmp_path: Path, number: int) -> None:
    peace = done_in_peace(work, tmp_path / "peace")
    vanishing = at_operation(work, number, lambda f: shutil.rmtree(f, ignore_errors=True))
    ends_and_is_finished(work, vanishing, tmp_path / "folder", peace)


def test_a_file_where_a_folder_should_be_is_one_line(work: Task, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert status_of(work, tmp_path / "file" / "folder") == ENDS_IN_ONE_LINE


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root writes anywhere")
def test_a_read_only_folder_is_one_line(work: Task, tmp_path: Path) -> None:
    (tmp_path / "locked").mkdir(mode=0o555)
    assert status_of(work, tmp_path / "locked" / "folder") == ENDS_IN_ONE_LINE


@pytest.mark.parametrize("seconds", [-1e9, 1e9])
def test_clocks_jump_between_two_runs(work: Task, tmp_path: Path, seconds: float) -> None:
    peace = done_in_peace(work, tmp_path / "folder")
    for path in (tmp_path / "folder").rglob("*"):
        moved = path.stat().st_mtime + seconds
        os.utime(path, (moved, moved))
    assert status_of(work, tmp_path / "folder") == ENDS_WELL
    assert contents(tmp_path / "folder") == peace
