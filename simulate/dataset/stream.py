"""Training sweeps without end, rendered by worker processes while the consumer works.

from contextlib import closing
from simulate.dataset.stream import sweeps

with closing(sweeps(load_spec("small-v2"), workers=4)) as stream:
    for sweep in stream:
        ...
"""

from __future__ import annotations

from collections.abc import Generator
from functools import partial
from itertools import count

from benchmark.errors import UserError
from benchmark.sweep import Sweep
from benchmark.workers import ahead_of
from simulate.spec import Spec
from simulate.spec.plan import training_plan
from simulate.sweep.compose import compose_sweep


def sweeps(
    spec: Spec, *, workers: int = 1, ahead: int | None = None, first: int = 0, every: int = 1
) -> Generator[Sweep, None, None]:
    """Yield the training sweeps of a spec in order, as if it had training subjects without end.

    The first `subjects.train * subjects.sweeps` are those of the data set, byte for byte; those
    that follow are of new subjects, none of which is in the validation or test split. Sweep n is
    the same whatever the other arguments are.

    Parameters
    ----------
    workers : processes that render, one thread each; 0 renders in this one when a sweep is asked
        for. They begin with the first sweep that is asked for and end when the generator is closed,
        which leaving a loop does where nothing else holds it.
    ahead : how many sweeps are rendered or wait at most, so the memory that the stream holds; by
        default twice the workers.
    first, every : the sweeps first, first + every, first + 2 every ...: a training that goes on
        takes up where it was, and each of n processes that train together takes its own.

    Raises
    ------
    UserError : a number out of range; a sweep that cannot be made; a worker ended from outside.
    """
    for name, value, least in (("workers", workers, 0), ("first", first, 0), ("every", every, 1)):
        if value < least:
            raise UserError(f"{name}: expected at least {least}, got {value}")
    held = 2 * workers if ahead is None else ahead
    if held < workers:
        raise UserError(f"ahead: expected at least {workers}, one for each worker, got {held}")
    work, numbers = partial(training_sweep, spec), count(first, every)
    if workers == 0:
        return (work(number) for number in numbers)
    return ahead_of(work, numbers, workers, held)


def training_sweep(spec: Spec, number: int) -> Sweep:
    """Return the training sweep of a number from 0; see `sweeps`."""
    return compose_sweep(spec, training_plan(spec, number))
