"""Work side by side, in processes that share the cores out among them.

Small networks leave most of a second core idle: two trainings of one thread each end sooner than
two after one another with two threads.
"""

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, TypeVar

from benchmark.errors import UserError
from benchmark.threads import core_count

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
