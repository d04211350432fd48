"""Threads for compiled loops that let go of the interpreter, without numba's own pool.

Numba's parallel loops set the process's number of OpenMP threads, which is torch's as well: one
call, and every network in the process runs on another number of threads than it was given.
"""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor


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
