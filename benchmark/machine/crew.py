"""A crew: who does many independent pieces of work, here, in processes or on a cluster."""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

from benchmark.errors import UserError
from benchmark.workers import side_by_side

Item = TypeVar("Item")
Result = TypeVar("Result")

_ALONE = threading.Lock()


@dataclass(frozen=True)
class Crew:
    """Who does the pieces of a list, and which part of the list.

    workers: processes of this machine, one being this process itself; executor: runs the work in
    their place, e.g. Dask's, whose workers must see the same folders; shard: (i, n), the i-th of n
    parts, 1 to n, of which the others are done by other commands.

    Raises
    ------
    UserError : no such part, or both an executor and several workers.
    """

    workers: int = 1
    executor: Executor | None = None
    shard: tuple[int, int] = (1, 1)

    def __post_init__(self) -> None:
        part, parts = self.shard
        if not 1 <= part <= parts:
            raise UserError(f"--shard: expected i/n with 1 <= i <= n, got {part}/{parts}")
        if self.executor is not None and self.workers != 1:
            raise UserError(
                f"--workers: expected 1 with --scheduler, which has its own, got {self.workers}"
            )

    @property
    def is_whole(self) -> bool:
        """Whether this crew does all there is to do."""
        return self.shard[1] == 1

    def share(self, items: Sequence[Item]) -> Sequence[Item]:
        """Return the items of this part."""
        part, parts = self.shard
        return items[part - 1 :: parts]

    def there(self, path: Path) -> Path:
        """Return a path as it holds for those who do the work: workers of a cluster have their own
        current folder.
        """
        return path if self.executor is None else path.resolve()

    def results(self, work: Callable[[Item], Result], items: Sequence[Item]) -> Iterator[Result]:
        """Yield `work(item)` of each item, in the order of the items; exceptions are raised.

        work: importable; its argument and result are sent between processes. An exception of one
        item ends what was not begun.

        Raises
        ------
        UserError : fewer than one worker, or a worker that was ended from outside.
        """
        if self.executor is None:
            yield from side_by_side(work, items, self.workers)
            return
        futures = [self.executor.submit(partial(_alone, work), item) for item in items]
        try:
            for future in futures:
                yield future.result()
        except BaseException:
            for future in futures:
                future.cancel()
            raise


def _alone(work: Callable[[Item], Result], item: Item) -> Result:
    """Do one piece of work at a time, however many threads a cluster's worker has.

    Threads of a process share torch's random numbers and its memory, which is measured.
    """
    with _ALONE:
        return work(item)


def read_shard(text: str) -> tuple[int, int]:
    """Return (i, n) of a text "i/n".

    Raises
    ------
    UserError : another form.
    """
    part, _, parts = text.partition("/")
    if not (part.isdecimal() and parts.isdecimal()):
        raise UserError(f"--shard: expected i/n, e.g. 2/8, got '{text}'")
    return int(part), int(parts)
