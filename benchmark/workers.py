"""Threads for compiled loops that let go of the interpreter, without numba's own pool.

Numba's parallel loops set the process's number of OpenMP threads, which is torch's as well: one
call, and every network in the process runs on another number of threads than it was given.
"""

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar

from benchmark.errors import UserError


def core_count() -> int:
    """Return how many cores this process may use; where the system does not say, all there are."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def thread_count() -> int:
    """Return `NUMBA_NUM_THREADS`, or the number of cores this process may use."""
    return int(os.environ.get("NUMBA_NUM_THREADS", 0)) or core_count()


def in_parts(work: Callable[[int, int], None], count: int) -> None:
    """Call `work(start, stop)` for consecutive parts of `count` items, one part a thread."""
    threads = min(thread_count(), count)
    ends = [round(count * part / max(threads, 1)) for part in range(threads + 1)]
    with ThreadPoolExecutor(max(threads, 1)) as pool:
        list(pool.map(work, ends[:-1], ends[1:]))


Item = TypeVar("Item")


Result = TypeVar("Result")


def side_by_side(
    work: Callable[[Item], Result], items: Sequence[Item], workers: int
) -> Iterator[Result]:
    """Yield `work(item)` of each item, in their order; what work raises is raised.

    work: importable, as its arguments and results are sent between processes. One worker is this
    process itself, with all its threads. Interrupted, all workers end at once.

    Raises
    ------
    UserError : fewer than one worker.
    """
    if workers < 1:
        raise UserError(f"--workers: expected 1 or more, got {workers}")
    if workers == 1:
        yield from map(work, items)
        return
    context = multiprocessing.get_context("spawn")
    threads = max(1, core_count() // workers)
    with context.Pool(workers, _begin, (threads, context.Value("i", 0))) as pool:
        yield from pool.imap(partial(_quietly, work), items)


def _quietly(work: Callable[[Item], Result], item: Item) -> Result:
    """Do the work; a worker that is told to end does so without a traceback."""
    try:
        return work(item)
    except KeyboardInterrupt:
        raise SystemExit(130) from None


def _begin(threads: int, begun: Any) -> None:
    """Give a worker its share of the cores and a line of its own for progress bars."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever began it ends it
    with begun.get_lock():
        os.environ["TQDM_POSITION"] = str(begun.value)
        begun.value += 1
    os.environ["NUMBA_NUM_THREADS"] = str(threads)
    import torch

    torch.set_num_threads(threads)
