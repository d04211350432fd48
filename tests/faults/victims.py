"""A command in a process of its own, and the signal that ends it or its workers.

A command runs in a fork of this process, which has its imports and compiled kernels ready, or in a
fresh interpreter. Worker processes are forks as well in the first case, and spawned, as a command
does by itself, in the second.
"""

import atexit
import contextlib
import json
import mmap
import multiprocessing
import os
import random
import select
import signal
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import psutil
from tqdm import tqdm

from benchmark.errors import exit_status
from benchmark.machine import lock
from benchmark.machine.progress import hide_progress
from tests.faults.works import command

#: What Python tells an audit hook of operations on files; those of HDF5 and Lightning lie between.
OPERATIONS = ("open", "os.rename", "os.remove", "os.mkdir", "os.utime", "os.chmod", "os.truncate")
PATIENCE = 300  # seconds until a command that neither works nor ends is lost
PARTING = 20  # seconds that workers have to end after their command
WATCH_S, BEAT_S = 0.6, 0.1  # of locks, in place of 10 s and 1 s, in forks
TOLD_TO_END = (signal.SIGINT, signal.SIGTERM)
ALL, PARENT, WORKER = "all", "parent", "worker"


@dataclass(frozen=True)
class Kill:
    """A signal, whom it ends, and when: at one of its operations on files, or after seconds.

    whom: the command's own process, one of its workers, or all of them at once, as a terminal's
    Ctrl-C does. Operations are counted in each process from its beginning.
    """

    number: int
    whom: str
    at: int = 0
    after: float | None = None


@dataclass
class End:
    """How a command ended: status (below 0: by that signal), operations, standard error, faults."""

    status: int
    operations: int
    told: str
    faults: list[str] = field(default_factory=list)


class Hook:
    """Counts a process's operations on files below a folder, and ends it at one of them."""

    def __init__(self) -> None:
        self.folder, self.count, self.parent, self.kill = "", 0, 0, Kill(0, PARENT)
        self.shared = mmap.mmap(-1, 16)  # whether a worker was ended, and the parent's operations
        sys.addaudithook(self)
        os.register_at_fork(after_in_child=self._begin)

    def arm(self, folder: Path, kill: Kill | None) -> None:
        """Count from here on, in this process as the command's own."""
        self.shared[:] = bytes(16)
        self.folder, self.parent, self.kill = str(folder), os.getpid(), kill or Kill(0, PARENT)

    @property
    def operations(self) -> int:
        """Operations of the command's own process so far."""
        return int.from_bytes(self.shared[8:], "little")

    def _begin(self) -> None:
        self.count = 0

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self.folder or event not in OPERATIONS or not arguments:
            return
        if not isinstance(arguments[0], str | os.PathLike) or self.folder not in str(arguments[0]):
            return
        self.count += 1
        own = os.getpid() == self.parent
        if own:
            self.shared[8:] = self.count.to_bytes(8, "little")
        if self.count != self.kill.at or own == (self.kill.whom == WORKER):
            return
        if self.kill.whom == ALL:
            os.killpg(0, self.kill.number)
        elif own or not self.shared[0]:
            self.shared[0] = 1
            os.kill(os.getpid(), self.kill.number)


HOOK = Hook()


def run(words: list[str], folder: Path, kill: Kill | None = None, fresh: bool = False) -> End:
    """Run a command that works in a folder, end it where a kill says so, and wait for its end."""
    notes = folder.with_suffix(".err")
    signal.pthread_sigmask(signal.SIG_BLOCK, TOLD_TO_END)  # until the child is the command
    child = os.fork()
    if not child:
        with contextlib.suppress(BaseException):
            _be_the_command(words, folder, kill, fresh, notes)
        os._exit(3)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, TOLD_TO_END)
    ended = os.pidfd_open(child)
    try:
        if kill is not None and kill.after is not None and not _waited(ended, kill.after):
            _send(kill, child, ended)
        faults = [] if _waited(ended, PATIENCE) else [f"lost: no end within {PATIENCE} s"]
        if faults:
            os.killpg(child, signal.SIGKILL)
    finally:
        os.close(ended)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    faults += _left(child)
    return End(status, HOOK.operations, notes.read_text(encoding="utf-8", errors="replace"), faults)


def _be_the_command(
    words: list[str], folder: Path, kill: Kill | None, fresh: bool, notes: Path
) -> None:
    """Become the command, in a session of its own beside its folder; does not return."""
    os.setsid()
    paths = [str(Path.cwd()), *filter(None, [os.environ.get("PYTHONPATH")])]
    os.environ["PYTHONPATH"] = os.pathsep.join(paths)  # for commands in fresh interpreters
    os.chdir(folder.parent)  # where no runs or data lie that are not the command's
    hide_progress()
    atexit._clear()  # what the first process does at its end
    for number in TOLD_TO_END:
        signal.signal(number, signal.SIG_DFL)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    os.dup2(os.open(notes, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 2)
    if fresh:
        inside = kill if kill is not None and kill.at else None
        line = [sys.executable, "-m", "sweepbench", *words]
        if inside is not None:
            told = json.dumps([words, str(folder), asdict(inside)])
            line = [sys.executable, "-m", "tests.faults.victims", told]
        signal.pthread_sigmask(signal.SIG_UNBLOCK, TOLD_TO_END)
        os.execv(sys.executable, line)
    sys.stdout, sys.stderr = os.fdopen(1, "w"), os.fdopen(2, "w", buffering=1)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    tqdm.set_lock(threading.RLock())  # not one that a killed fork holds for ever
    lock.WATCH_S, lock.BEAT_S = WATCH_S, BEAT_S
    forks = multiprocessing.get_context("fork")
    multiprocessing.get_context = lambda _: forks  # type: ignore[assignment]
    HOOK.arm(folder, kill)
    statuses = [1]

    def main() -> None:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, TOLD_TO_END)
        statuses[0] = command(words)

    try:
        status = exit_status(main) or statuses[0]
    except BaseException:
        traceback.print_exc()
        status = 1
    sys.stderr.flush()
    os._exit(status)


def _waited(ended: int, seconds: float) -> bool:
    """Wait for the end of a process; return whether it has ended within the time."""
    return bool(select.select([ended], [], [], seconds)[0])


def _send(kill: Kill, child: int, ended: int) -> None:
    """Send the signal, to a worker as soon as there is one."""
    with contextlib.suppress(ProcessLookupError):
        if kill.whom == PARENT:
            os.kill(child, kill.number)
        elif kill.whom == ALL:
            os.killpg(child, kill.number)
        else:
            found: list[int] = []
            while not found and not _waited(ended, 0.01):
                found = list(_workers(child))
            if found:
                os.kill(random.choice(found), kill.number)


def _workers(parent: int) -> Iterator[int]:
    with contextlib.suppress(psutil.Error):
        for process in psutil.Process(parent).children():
            words = " ".join(process.cmdline())
            if "resource_tracker" not in words and "stored.trial" not in words:
                yield process.pid


def _left(group: int) -> list[str]:
    """Return a fault if processes of a command's group outlive it, and end them."""
    end = time.monotonic() + PARTING
    while _alive(group):
        if time.monotonic() > end:
            os.killpg(group, signal.SIGKILL)
            return ["left behind: worker processes"]
        time.sleep(0.01)
    return []


def _alive(group: int) -> bool:
    """Return whether a process group has a process that has not ended."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, ProcessLookupError):
            if os.getpgid(process.pid) == group and process.status() != psutil.STATUS_ZOMBIE:
                return True
    return False


if __name__ == "__main__":
    words, folder, kill = json.loads(sys.argv[1])
    HOOK.arm(Path(folder), Kill(**kill))
    sys.exit(command(words))
