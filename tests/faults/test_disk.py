"""Disks that fail: work ends in one line (status 2) or well, and the next run finishes it."""

import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmark.machine import lock
from tests.faults.kill import contents, in_child
from tests.faults.works import WORKS, Work

if sys.platform == "win32":
    pytest.skip("no fork", allow_module_level=True)

ENDS_IN_ONE_LINE, ENDS_WELL = 2, 0


@pytest.fixture(params=["leaderboard", "predict"])
def work(request, tmp_path: Path) -> Work:
    return WORKS[request.param](tmp_path / "given")


@pytest.fixture(autouse=True)
def watch(monkeypatch) -> None:
    monkeypatch.setattr(lock, "WATCH_S", 0.6)
    monkeypatch.setattr(lock, "BEAT_S", 0.1)


def ends_and_is_finished(work: Work, failing: Work, folder: Path, peace: dict) -> None:
    ended, _ = in_child(failing, folder)
    assert ended in (ENDS_IN_ONE_LINE, ENDS_WELL)
    assert in_child(work, folder)[0] == ENDS_WELL
    assert contents(folder) == peace


def done_in_peace(work: Work, folder: Path) -> dict[str, bytes]:
    assert in_child(work, folder)[0] == ENDS_WELL
    return contents(folder)


def limited(work: Work, size: int) -> Work:
    """Return work whose files cannot grow beyond a size in bytes."""

    def run(folder: Path) -> None:
        import resource

        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # writing then fails, as on a full disk
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
        work(folder)

    return run


def test_writes_fail_at_any_byte(work: Work, tmp_path: Path) -> None:
    peace = done_in_peace(work, tmp_path / "peace")
    for size in (0, 1, 300, 3000, 30_000):
        folder = tmp_path / str(size)
        ends_and_is_finished(work, limited(work, size), folder, peace)


def at_operation(work: Work, number: int, act: Callable[[Path], object]) -> Work:
    """Return work during which something happens to its folder at an opening of a file in it."""

    def run(folder: Path) -> None:
        left = [number]

        def hook(event: str, arguments: tuple) -> None:
            if event == "open" and str(folder) in str(arguments[0]):
                left[0] -= 1
                if left[0] == 0:
                    act(folder)

        sys.addaudithook(hook)
        work(folder)

    return run


@pytest.mark.parametrize("number", [1, 4, 9])
def test_the_folder_vanishes(work: Work, tmp_path: Path, number: int) -> None:
    peace = done_in_peace(work, tmp_path / "peace")
    vanishing = at_operation(work, number, lambda f: shutil.rmtree(f, ignore_errors=True))
    ends_and_is_finished(work, vanishing, tmp_path / "folder", peace)


def test_a_file_where_a_folder_should_be_is_one_line(work: Work, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert in_child(work, tmp_path / "file" / "folder")[0] == ENDS_IN_ONE_LINE


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root writes anywhere")
def test_a_read_only_folder_is_one_line(work: Work, tmp_path: Path) -> None:
    (tmp_path / "locked").mkdir(mode=0o555)
    assert in_child(work, tmp_path / "locked" / "folder")[0] == ENDS_IN_ONE_LINE


@pytest.mark.parametrize("seconds", [-1e9, 1e9])
def test_clocks_jump_between_two_runs(work: Work, tmp_path: Path, seconds: float) -> None:
    peace = done_in_peace(work, tmp_path / "folder")
    for path in (tmp_path / "folder").rglob("*"):
        moved = path.stat().st_mtime + seconds
        os.utime(path, (moved, moved))
    assert in_child(work, tmp_path / "folder")[0] == ENDS_WELL
    assert contents(tmp_path / "folder") == peace
