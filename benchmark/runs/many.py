"""Many runs, each a piece of work for a crew."""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from benchmark.machine.crew import Crew
from benchmark.runs.run import Run

Result = TypeVar("Result")


def each_run(crew: Crew, work: Callable[[Run], Result], runs: Sequence[Run]) -> Iterator[Result]:
    """Yield `work(run)` of each run, in the order of the runs (`Crew.results`).

    On a cluster work is handed runs by paths that hold in any current folder.
    """
    away = crew.executor is not None
    return crew.results(work, [run.resolved() if away else run for run in runs])
