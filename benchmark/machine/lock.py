"""A lock file, by which processes of any number of machines see that some work is going on.

Its holder touches the file again and again. A lock whose process has ended on this machine is taken
over at once, and one of another machine when nobody has touched it for `WATCH_S`. Only the file's
times are compared with each other, so clocks may differ, and no system call for locks is needed.
"""

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from benchmark.errors import Report, UserError, silent
from benchmark.files import atomic_path, cannot_be_written
from benchmark.machine.holder import Holder, read_holder, this_process

BEAT_S = 1.0  # between two touches
WATCH_S = 30.0  # a lock of another machine that rests so long was left behind

RefuseLost = Callable[[], None]  # raises where another process has taken the lock over


def done_once(
    path: Path,
    work: str,
    is_done: Callable[[], bool],
    do: Callable[[RefuseLost], None],
    report: Report = silent,
    *,
    waits: bool = True,
) -> None:
    """Do some work unless it is done; of several processes that are asked to, one does it.

    Arguments and errors as of `only_here`, whose answer `do` is handed. Nothing is written where
    the work is done.
    """
    if not is_done():
        with only_here(path, work, report, waits=waits) as refuse_lost:
            if not is_done():  # by the one that held the lock
                do(refuse_lost)
    remove_left(path)  # of one that was killed after its last file


@contextmanager
def only_here(
    path: Path, work: str, report: Report = silent, *, waits: bool = True
) -> Iterator[RefuseLost]:
    """Hold the lock of some work within the block, which begins when no other process holds it.

    work: what is done, as the beginning of a sentence, e.g. "this training"; report: told who
    holds the lock; waits: until it is free, or else an error tells who holds it. Yields a function
    to be called before files that must not be written twice.

    Raises
    ------
    UserError : the folder cannot be written; another process holds the lock and this one does not
        wait; another machine took it over while this one rested.
    """
    mine = this_process()
    _take(path, mine, work, report, waits)
    done = threading.Event()
    beats = threading.Thread(target=_beat, args=(path, mine, done), daemon=True)
    beats.start()

    def refuse_lost() -> None:
        holder = read_holder(path)
        if holder not in (None, mine):
            raise UserError(
                f"{path}: {work} was taken over by {holder} since nobody touched the lock for "
                f"{WATCH_S:g} s; this process ends, and the other goes on"
            )

    try:
        yield refuse_lost
    except OSError:
        refuse_lost()  # of a file that the other has removed
        raise
    finally:
        done.set()
        beats.join()
        _release(path, mine)


def remove_left(path: Path) -> None:
    """Remove a lock whose process was one of this machine and has ended."""
    holder = read_holder(path)
    if holder is not None and holder.has_ended():
        _release(path, holder)


def _release(path: Path, holder: Holder) -> None:
    if read_holder(path) == holder:
        with suppress(OSError):
            path.unlink()


def _beat(path: Path, mine: Holder, done: threading.Event) -> None:
    while not done.wait(BEAT_S):
        if read_holder(path) == mine:
            with suppress(OSError):
                os.utime(path)


def _take(path: Path, mine: Holder, work: str, report: Report, waits: bool) -> None:
    """Create the lock, now or when it is free, or take over one that was left behind."""
    watch, told = _Watch(path), False
    while not _created(path, mine):
        holder = read_holder(path)
        if watch.is_left(holder):
            if _is_taken_over(path, holder, mine):
                return
            continue
        text = f"{path}: {work} {_running(holder)}"
        if not waits and watch.is_held(holder):
            raise UserError(f"{text}; wait until it has ended, or end it")
        if not told:
            report(f"{text}; this one waits for it (Ctrl-C ends the waiting alone)")
            told = True
        time.sleep(BEAT_S / 2)


def _running(holder: Holder | None) -> str:
    """Return who holds a lock and when a dead holder's lock is taken over, within a sentence."""
    if holder is not None and holder.is_near:
        return f"runs in {holder} since {holder.since}"
    who = "another process" if holder is None else f"{holder} since {holder.since}"
    return f"runs in {who}, or did until it was lost: its lock is watched for {WATCH_S:g} s"


class _Watch:
    """Looks at a lock again and again: whether its holder is there, or its file rests."""

    def __init__(self, path: Path):
        self.path, self.stamp, self.since, self.moves = path, _stamp(path), time.monotonic(), False

    def is_left(self, holder: Holder | None) -> bool:
        """Return whether the lock was left behind by a holder that was lost."""
        stamp = _stamp(self.path)
        if stamp != self.stamp:
            self.moves = self.stamp is not None
            self.stamp, self.since = stamp, time.monotonic()
        if holder is not None and holder.is_near:
            if holder.has_ended():
                return True
            if holder.is_there():
                return False
        return stamp is not None and time.monotonic() - self.since > WATCH_S

    def is_held(self, holder: Holder | None) -> bool:
        """Return whether the lock's holder is known to be at work."""
        return self.moves or (holder is not None and holder.is_there())


def _is_taken_over(path: Path, left: Holder | None, mine: Holder) -> bool:
    """Replace a lock that was left behind; return False if another process did so later.

    All that find it left write theirs; the last to do so has it.
    """
    try:
        if read_holder(path) == left:
            with atomic_path(path) as temporary:
                temporary.write_text(mine.to_json(), encoding="ascii")
        time.sleep(BEAT_S)  # until all that found it left have written theirs
    except BaseException:
        _release(path, mine)
        raise
    return read_holder(path) == mine


def _created(path: Path, mine: Holder) -> bool:
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
            file.write(mine.to_json())
    except OSError as error:
        path.unlink(missing_ok=True)
        raise cannot_be_written(path, error) from error
    return True


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
