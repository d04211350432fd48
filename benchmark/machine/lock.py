"""A lock file, by which processes of any number of machines see that some work is going on.

Its holder touches the file again and again. A lock that nobody touches was left by a process that
was killed, on this machine or another, and is taken over. Only the file's times are compared with
each other, so clocks may differ, and no system call for locks is needed.
"""

import json
import os
import platform
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from benchmark.errors import Report, UserError, silent
from benchmark.files import atomic_path, cannot_be_written

BEAT_S = 1.0  # between two touches
WATCH_S = 10.0  # a lock that rests so long was left behind


@contextmanager
def only_here(path: Path, work: str, report: Report = silent) -> Iterator[None]:
    """Hold the lock of some work within the block; told of a lock that has to be watched.

    work: what is done, as the beginning of a sentence, e.g. "this training".

    Raises
    ------
    UserError : another process does it, or the folder cannot be written.
    """
    mine = json.dumps({"process": os.getpid(), "host": platform.node(), "key": uuid.uuid4().hex})
    _take(path, mine, work, report)
    done = threading.Event()
    beats = threading.Thread(target=_beat, args=(path, done), daemon=True)
    beats.start()
    try:
        yield
    finally:
        done.set()
        beats.join()
        if _content(path) == mine:
            path.unlink(missing_ok=True)


def remove_left(path: Path) -> None:
    """Remove a lock whose process was one of this machine and has ended."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        told = json.loads(_content(path))
        if told["host"] == platform.node() and not psutil.pid_exists(told["process"]):
            path.unlink()


def _beat(path: Path, done: threading.Event) -> None:
    while not done.wait(BEAT_S):
        with suppress(OSError):
            os.utime(path)


def _take(path: Path, mine: str, work: str, report: Report) -> None:
    """Create the lock, or take over one that was left behind."""
    while True:
        if _created(path, mine):
            return
        report(f"{path}: there already; looking for {WATCH_S:g} s whether its holder is alive")
        if _rests(path):
            with atomic_path(path) as temporary:
                temporary.write_text(mine, encoding="ascii")
            time.sleep(BEAT_S)  # until all that found it at rest have written theirs
        found = _content(path)
        if found == mine:
            return
        if found:
            raise UserError(f"{path}: {work} {_holder(found)}; wait until it has ended")


def _created(path: Path, content: str) -> bool:
    """Create the lock; return False if there is one."""
    if path.is_file():
        return False
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("x", encoding="ascii")
    except OSError as error:
        if path.is_file():  # another process was faster
            return False
        raise cannot_be_written(path, error) from error
    try:
        with file:
            file.write(content)
    except OSError as error:
        path.unlink(missing_ok=True)
        raise cannot_be_written(path, error) from error
    return True


def _rests(path: Path) -> bool:
    """Watch a lock for `WATCH_S`; return whether it stayed as it was all the time."""
    before, end = _stamp(path), time.monotonic() + WATCH_S
    while time.monotonic() < end:
        time.sleep(BEAT_S / 2)
        if _stamp(path) != before:
            return False
    return before is not None


def _stamp(path: Path) -> tuple[int, int] | None:
    """Return what changes when a file is touched or replaced; None if there is none.

    The file is opened, as network file systems ask their server for the times only then.
    """
    try:
        with path.open("rb") as file:
            told = os.fstat(file.fileno())
    except OSError:
        return None
    return told.st_mtime_ns, told.st_ino


def _content(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError):
        return ""


def _holder(content: str) -> str:
    try:
        told = json.loads(content)
        return f"runs in process {told['process']} on {told['host']}"
    except (ValueError, KeyError, TypeError):
        return "runs in another process"
