"""Work in threads and in processes, and how worker processes end.

Compiled loops that release the interpreter lock run in threads of our own, not in numba's: its
parallel loops set the process's number of OpenMP threads, which is torch's too, so after one call
every network in the process would run on another number of threads than it was given.
"""

import atexit
import contextlib
import multiprocessing
import multiprocessing.connection
import os
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from types import MappingProxyType
from typing import Any, TypeVar

from benchmark.errors import UserError

THREAD_VARIABLES = ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS",
                    "MKL_NUM_THREADS")  # fmt: skip

ENDED = (
    "a worker process was ended from outside, perhaps for want of memory; the same command with "
    "fewer --workers goes on from here"
)
NONE_BEGAN = (
    "no worker process could begin: a script that starts workers does so within 'if __name__ == "
    '"__main__":\', and lies in a file; or use one worker, which is this process itself'
)

Item = TypeVar("Item")
Result = TypeVar("Result")


def core_count() -> int:
    """Return how many cores this process may use; where the system does not say, all there are."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def thread_count() -> int:
    """Return `NUMBA_NUM_THREADS`, or the number of cores this process may use."""
    return int(os.environ.get("NUMBA_NUM_THREADS", 0)) or core_count()


def process_began(number: int) -> float | None:
    """Return when a process of this machine began (s since 1970); None where there is none.

    One that has ended and that its parent has not asked about is none; 0.0 where the system does
    not tell.
    """
    import psutil

    try:
        found = psutil.Process(number)
        return None if found.status() == psutil.STATUS_ZOMBIE else found.create_time()
    except psutil.NoSuchProcess:
        return None
    except (psutil.Error, OSError):
        return 0.0


def in_parts(work: Callable[[int, int], None], count: int) -> None:
    """Call `work(start, stop)` for consecutive parts of `count` items, one part a thread."""
    threads = min(thread_count(), count)
    ends = [round(count * part / max(threads, 1)) for part in range(threads + 1)]
    with ThreadPoolExecutor(max(threads, 1)) as pool:
        list(pool.map(work, ends[:-1], ends[1:]))


def side_by_side(
    work: Callable[[Item], Result], items: Sequence[Item], workers: int
) -> Iterator[Result]:
    """Yield `work(item)` of each item, in the order of the items; exceptions of work are raised.

    work: importable; its argument and result are sent between processes. With one worker it runs
    in this process, with all threads; otherwise each process has its share of the cores. An
    interrupt, or an exception of one item, ends all workers.

    Raises
    ------
    UserError : fewer than one worker, or a worker that was ended from outside.
    """
    if workers < 1:
        raise UserError(f"--workers: expected 1 or more, got {workers}")
    if workers == 1:
        yield from map(work, items)
        return
    with process_pool(workers, max(1, core_count() // workers)) as pool:
        for future in [pool.submit(_ended_quietly, work, item) for item in items]:
            yield future.result()


def ahead_of(
    work: Callable[[Item], Result], items: Iterable[Item], workers: int, ahead: int
) -> Generator[Result, None, None]:
    """Yield `work(item)` of items, perhaps without end, in their order, from so many processes.

    work: as in `side_by_side`; ahead: how many results are in the making or wait at most, and so
    how much memory they take. The processes, one thread each, begin with the first result that is
    asked for and end when the generator is closed.

    Raises
    ------
    UserError : a worker that was ended from outside.
    """
    with process_pool(workers) as pool:
        waiting: deque[Future[Result]] = deque()
        for item in items:
            waiting.append(pool.submit(_ended_quietly, work, item))
            if len(waiting) == ahead:
                yield waiting.popleft().result()
        for future in waiting:
            yield future.result()


def _ended_quietly(work: Callable[[Item], Result], item: Item) -> Result:
    """Do the work; if it is told to end (as Lightning is by SIGTERM), end the worker with it.

    Raised exceptions would not end it: the pool hands them on and begins the next item.
    """
    try:
        return work(item)
    except (KeyboardInterrupt, SystemExit):
        atexit._run_exitfuncs()  # releases the semaphores of progress bars
        os._exit(130)


@contextlib.contextmanager
def process_pool(workers: int, threads: int = 1) -> Iterator[ProcessPoolExecutor]:
    """Yield a pool of spawned processes with so many threads each, ended when the block fails.

    A worker also ends when this process ends, however that happens. Libraries read their number
    of threads when they are first imported, so it is set in the environment while a worker starts.
    Each worker has a line of its own for progress bars (`TQDM_POSITION`).

    Raises
    ------
    UserError : a worker was ended from outside, or none could begin.
    """
    # Workers read the main script again. One that starts workers then would never end: it is left
    # here, quietly, and the first process tells of it.
    if getattr(multiprocessing.current_process(), "_inheriting", False):
        raise SystemExit(1)
    context = multiprocessing.get_context("spawn")
    lines = context.Value("i", 0)
    pool = _Pool(workers, context, _begin_worker, (lines,))
    pool.variables = dict.fromkeys(THREAD_VARIABLES, str(threads))
    try:
        yield pool
    except BaseException as error:
        for process in list((pool._processes or {}).values()):  # its own, not those of others
            process.terminate()
        if isinstance(error, BrokenProcessPool):
            raise UserError(ENDED if lines.get_obj().value else NONE_BEGAN) from error
        raise
    finally:
        processes = list((pool._processes or {}).values())
        manager: Any = pool._executor_manager_thread
        pool.shutdown(wait=False)
        _see_off(processes)
        with contextlib.suppress(RuntimeError):  # a thread that an interrupt kept from beginning
            if manager is not None:
                manager.join()


def _see_off(processes: Sequence[Any]) -> None:
    """Wait until all workers have ended, to whom a pool has said that there is no more work.

    One that is killed at that moment may take with it the lock behind which the others wait for
    these words. They have nothing left to do and are ended.
    """
    there = {process.sentinel: process for process in processes}
    while there:
        for sentinel in multiprocessing.connection.wait(list(there)):
            if _exit_code(there.pop(sentinel)) != 0:
                for process in there.values():
                    process.terminate()


def _exit_code(ended: Any) -> int | None:
    """Return the exit code of a process that has ended; None where nobody learns it in a second.

    Another thread may have asked the system, which tells it once, and be about to note it.
    """
    for _ in range(100):
        if ended.exitcode is not None:
            break
        time.sleep(0.01)
    return ended.exitcode


class _Pool(ProcessPoolExecutor):
    """A pool whose processes find `variables` in their environment; `submit` starts them."""

    variables: Mapping[str, str] = MappingProxyType({})

    def submit(self, *work: Any, **options: Any) -> Future[Any]:
        """Begin work, in a process that is started now if there is none to do it.

        Raises
        ------
        UserError : that process was ended from outside before it had read what to do.
        """
        try:
            with _environment(self.variables), _interrupts_held_back():
                return super().submit(*work, **options)
        except BrokenPipeError as error:  # no reader of what a command prints, as this looks like
            raise UserError(ENDED) from error


@contextlib.contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Set environment variables within the block."""
    before = {key: os.environ.get(key) for key in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for key, value in before.items():
            if value is None:
                os.environ.pop(key, None)
            else:
                os.environ[key] = value


@contextlib.contextmanager
def _interrupts_held_back() -> Iterator[None]:
    """Let interrupts wait for the end of the block; a process that begins in it lets them wait."""
    if not hasattr(signal, "pthread_sigmask"):  # not POSIX
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _begin_worker(lines: Any) -> None:
    """Set up a worker: who ends it, and its line for progress bars (`lines`: how many are taken).

    A terminal sends an interrupt to all processes: the parent heeds it and ends its workers.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # those that came while it began, too
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    with lines.get_lock():
        os.environ["TQDM_POSITION"] = str(lines.value)
        lines.value += 1
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_leave_with, args=(parent,), daemon=True).start()


def _leave_with(parent: Any) -> None:
    """Wait for the parent to end, then end too: otherwise a worker waits for its queue for ever."""
    parent.join()
    os._exit(1)
