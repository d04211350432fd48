"""HDF5 files that the library crashes on, found by a process that may die of them.

One process at a time, started when the first file is read and gone when none was for some seconds,
goes through each file before its reader does (`benchmark.stored.trial`). Where none can be started
files are read without it.
"""

import atexit
import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

from benchmark.stored import Refused

READY, CHECKED, FAULTY, MEMORY = "ready", "checked", "faulty", "memory"  # answers of the process
CRASH = "the HDF5 library crashes on this file: it is damaged or hostile"
HANG = "the HDF5 library finds no end in this file: it is damaged or hostile"
#: What an answer of the process says of a file; any other: nothing.
FAULTS = {MEMORY: "the HDF5 library needs too much memory for this file: it is damaged or hostile"}
#: What the process runs: with the places of modules that this one has, its current folder left out,
#: where a file may bear the name of a module.
CODE = "import sys; sys.path[:] = sys.argv[1:]; from benchmark.stored.trial import serve; serve()"
#: One thread, and memory that was freed or never filled holds no old values, so that it is fatal
#: there to follow them.
ENVIRONMENT = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MALLOC_PERTURB_": "90",
               "HDF5_USE_FILE_LOCKING": "FALSE"}  # fmt: skip
#: Ends that no file brings about: nothing came, an error of the process, ended from outside.
OUTSIDE = (0, 1, *(-getattr(signal, name, 0) for name in ("SIGKILL", "SIGTERM", "SIGHUP")))
HUNG = -getattr(signal, "SIGPROF", 0)
MOST_KNOWN = 10_000
SETTLED_S = 2  # age from which a file that changes again has another time


class Probe:
    """The process, and what it found of files that it went through; a fork begins with neither."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.process: subprocess.Popen[str] | None = None
        self.possible = True
        self.known: dict[tuple[int, ...], str] = {}

    def answer(self, path: Path) -> str:
        """Return CHECKED, what the library does wrong with a file, or "" where nothing is known.

        A file is gone through once, as long as its place, size and times stay.
        """
        about, now = path.stat(), time.time()
        file = (about.st_dev, about.st_ino, about.st_size, about.st_mtime_ns, about.st_ctime_ns)
        with self.lock:
            if file in self.known:
                return self.known[file]
            answer = self._tried(path)
            if len(self.known) >= MOST_KNOWN:
                self.known.clear()
            if now - max(about.st_mtime, about.st_ctime) > SETTLED_S:
                self.known[file] = answer
        return answer

    def _tried(self, path: Path) -> str:
        for _ in range(2):  # again where it was ended from outside, or ended as nothing came
            answer, code = self._asked(path)
            if answer is not None:
                return FAULTS.get(answer, answer if answer == CHECKED else "")
            if code not in OUTSIDE:
                return HANG if code == HUNG else CRASH
        return ""

    def _asked(self, path: Path) -> tuple[str | None, int]:
        """Return the answer for a file; None and how the process ended, where it ended."""
        try:
            process = self.process or self._started()
            if process is None:
                return "", 0
            answer = _line(process, json.dumps(str(path.absolute())))
        except BaseException:  # an interrupt: its answer would be taken for that of the next file
            self.end()
            raise
        if answer:
            return answer, 0
        code = process.wait()
        self.end()
        return None, code

    def _started(self) -> subprocess.Popen[str] | None:
        """Start the process and return it once it is ready; None where that cannot be."""
        if not self.possible:
            return None
        with contextlib.suppress(OSError, RuntimeError, ValueError):
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-c", CODE, *_places()],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                encoding="ascii",
                env={**os.environ, **ENVIRONMENT},
                start_new_session=True,  # interrupts of a terminal are for this process
            )
        if self.process is None or _line(self.process) != READY:
            self.possible = False
            self.end()
        return self.process

    def end(self) -> None:
        """End the process, if there is one."""
        process, self.process = self.process, None
        if process is not None:
            process.kill()
            process.wait()
            _close(process)

    def forget(self) -> None:
        """Begin anew in a fork: process and lock are those of the process that it is a fork of."""
        process = self.process
        Probe.__init__(self)
        if process is not None:
            process.returncode = 0  # not a child of this one
            _close(process)


def _places() -> list[str]:
    """Return the folders that modules are looked for in, this package's among them."""
    return [*filter(os.path.isabs, sys.path), str(Path(__file__).parents[2])]


def _line(process: subprocess.Popen[str], asked: str = "") -> str:
    """Return the next line of the process, after it was told one; "" where it has ended."""
    assert process.stdin and process.stdout
    with contextlib.suppress(OSError):
        if asked:
            print(asked, file=process.stdin, flush=True)
    return process.stdout.readline().strip()


def _close(process: subprocess.Popen[str]) -> None:
    for pipe in (process.stdin, process.stdout):
        with contextlib.suppress(OSError):
            if pipe:
                pipe.close()


PROBE = Probe()
atexit.register(PROBE.end)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=PROBE.forget)


def refuse_deadly(path: Path) -> bool:
    """Refuse an HDF5 file that the library crashes on, or finds no end in.

    Return whether `refuse_links` and `refuse_heaps` have passed it already.

    Raises
    ------
    Refused : such a file.
    OSError : no such file.
    """
    answer = PROBE.answer(path)
    if answer not in ("", CHECKED):
        raise Refused(answer)
    return answer == CHECKED
