"""The flags by which many runs are divided among processes and machines."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import arg

from benchmark.machine.cluster import executor_on
from benchmark.machine.crew import Crew, read_shard
from benchmark.tables import show_tables


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
        with executor_on(self.scheduler) as executor:
            yield Crew(self.workers, executor, shard)


def show_or_wait(paths: Sequence[Path] | None, keep: Path | None, folder: Path) -> None:
    """Show the tables of a folder, or tell that they wait for other parts where there are none."""
    if paths is None:
        part_done(folder)
    else:
        show_tables(paths, keep)


def part_done(folder: Path) -> None:
    """Tell that the tables of a folder wait for other parts."""
    print(f"{folder}: this part is done, others are missing")
