"""The flags by which many runs are divided among processes and machines."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import arg

from benchmark.machine.crew import Crew, read_shard


@dataclass(frozen=True, kw_only=True)
class Divided:
    """A command that does something with each of many runs, which can be shared out."""

    workers: int = 1
    """Runs at a time, each in a process with its share of the cores."""
    shard: Annotated[str, arg(metavar="I/N")] = "1/1"
    """Do only the I-th of N parts of the runs, 1 to N; the part that ends last writes tables."""
    scheduler: Annotated[str | None, arg(metavar="tcp://HOST:PORT")] = None
    """Run on the Dask cluster of this scheduler, whose workers must see the same folders."""

    @contextmanager
    def crew(self) -> Iterator[Crew]:
        """Yield who does the runs, or their part."""
        shard = read_shard(self.shard)
        with ExitStack() as stack:
            executor = None
            if self.scheduler is not None:
                from benchmark.machine.cluster import dask_executor

                executor = stack.enter_context(dask_executor(self.scheduler))
            yield Crew(self.workers, executor, shard)


def part_done(folder: Path) -> None:
    """Tell that the tables of a folder wait for other parts."""
    print(f"{folder}: this part is done, others are missing")
