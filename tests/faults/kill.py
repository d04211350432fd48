"""Kill work at its writes and at any instant, do it again, compare with work left in peace.

    python -m tests.faults.kill --count 200 --seconds 600 --seed 0

Each trial does one kind of work in a child process with a folder of its own, ends the child by
SIGKILL, SIGTERM or SIGINT, and does the work again in a second child. That one must end well and
leave the same files with the same bytes as work that nothing disturbed, what is measured aside, and
no temporary file. Every second kill comes from within, at an operation on a file that is drawn from
all of them; the others come from outside after a time. No process but these children is ended.
"""

import argparse
import contextlib
import os
import random
import re
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmark.errors import exit_status
from benchmark.machine import lock
from tests.faults.works import WORKS

SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
#: What Python tells an audit hook of operations on files; those of HDF5 and Lightning lie between.
OPERATIONS = ("open", "os.rename", "os.remove", "os.mkdir", "os.utime", "os.chmod", "os.truncate")
MEASURED = re.compile(rb'"(seconds\w*|peak_memory_mb|first_seconds)": [^,\n]*,?\n')
PATIENCE = 120  # seconds until a child that neither works nor ends is a loss
WATCH_S, BEAT_S = 0.6, 0.1  # of locks, in place of 10 s and 1 s


@dataclass
class Tally:
    """Trials of one kind of work: kills that found it at work, and what was lost or wrong."""

    kills: int
    faults: list[str]


class Killer:
    """Counts operations on files below a folder, and ends this process at one of them."""

    def __init__(self) -> None:
        self.folder, self.count, self.at, self.signal = "", 0, 0, signal.SIGKILL
        sys.addaudithook(self)

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self.folder or event not in OPERATIONS or not arguments:
            return
        if isinstance(arguments[0], str | os.PathLike) and self.folder in str(arguments[0]):
            self.count += 1
            if self.count == self.at:
                os.kill(os.getpid(), self.signal)


KILLER = Killer()


def contents(folder: Path) -> dict[str, bytes]:
    """Return the files of a folder by name, without what is measured."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(p.relative_to(folder)): MEASURED.sub(b"", p.read_bytes()) for p in files}


def in_child(work: Callable[[Path], object], folder: Path, **kill: Any) -> tuple[int, float]:
    """Do work in a child; return its status (below 0: the signal that ended it) and seconds.

    kill: `at` (an operation) or `after` (seconds), and the `signal`; none of them: in peace.
    """
    start = time.monotonic()
    child = os.fork()
    if not child:
        with contextlib.suppress(BaseException):
            _quiet()
            KILLER.folder, KILLER.count = str(folder), 0
            KILLER.at, KILLER.signal = kill.get("at", 0), kill.get("signal", signal.SIGKILL)
            os._exit(exit_status(lambda: work(folder)))
        os._exit(3)
    timers = [threading.Timer(PATIENCE, os.kill, (child, signal.SIGKILL))]
    if "after" in kill:
        timers.append(threading.Timer(kill["after"], os.kill, (child, kill["signal"])))
    for timer in timers:
        timer.daemon = True
        timer.start()
    _, status = os.waitpid(child, os.WUNTRACED)
    for timer in timers:
        timer.cancel()
        timer.join()
    return os.waitstatus_to_exitcode(status), time.monotonic() - start


def _quiet() -> None:
    for number in (1, 2):
        os.dup2(os.open(os.devnull, os.O_WRONLY), number)
    sys.stdout = sys.stderr = os.fdopen(1, "w")


def try_work(name: str, count: int, seconds: float, seed: int) -> Tally:
    """Return what came of up to `count` kills of one kind of work."""
    rng, tally = random.Random(f"{name}:{seed}"), Tally(0, [])
    lock.WATCH_S, lock.BEAT_S = WATCH_S, BEAT_S
    with tempfile.TemporaryDirectory() as place:
        work, same = WORKS[name](Path(place) / "given"), Path(place) / "peace"
        KILLER.folder, KILLER.count, KILLER.at = str(same), 0, 0
        work(same)  # in this process: what it compiles and imports, children have
        KILLER.folder, operations = "", KILLER.count
        _, whole = in_child(work, Path(place) / "timed")
        expected, end = contents(same), time.monotonic() + seconds
        while tally.kills < count and time.monotonic() < end:
            folder = Path(place) / "killed"
            kill: dict[str, Any] = {"signal": rng.choice(SIGNALS)}
            kill |= (
                {"at": rng.randint(1, operations)} if rng.random() < 0.5
                else {"after": rng.uniform(0, whole)}
            )  # fmt: skip
            ended, _ = in_child(work, folder, **kill)
            tally.kills += ended != 0
            fault = _fault(work, folder, expected)
            if fault:
                tally.faults.append(f"{name}: {kill}: {fault}")
            shutil.rmtree(folder, ignore_errors=True)
    return tally


def _fault(work: Callable[[Path], object], folder: Path, expected: dict[str, bytes]) -> str | None:
    """Do the work again; return what is lost or wrong."""
    ended, _ = in_child(work, folder)
    if ended != 0:
        return f"the next run ended with status {ended}"
    found = contents(folder)
    if found.keys() != expected.keys():
        return f"other files: {sorted(found.keys() ^ expected.keys())[:4]}"
    wrong = [file for file in expected if found[file] != expected[file]]
    return f"other bytes: {wrong[:4]}" if wrong else None


def main() -> int:
    """Kill every kind of work and print a line for each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("works", nargs="*", default=list(WORKS), help=f"of {', '.join(WORKS)}")
    parser.add_argument("--count", type=int, default=100, help="kills of each kind of work")
    parser.add_argument("--seconds", type=float, default=300.0, help="for each")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    faults = Counter[str]()
    for name in given.works:
        tally = try_work(name, given.count, given.seconds, given.seed)
        print(f"{name}: {tally.kills} kills, {len(tally.faults)} lost or wrong", flush=True)
        for fault in tally.faults:
            print(f"  {fault}", flush=True)
        faults[name] = len(tally.faults)
    return int(faults.total() > 0)


if __name__ == "__main__":
    sys.exit(main())
