"""An executor on a Dask cluster, to do work on more than one machine."""

from collections.abc import Iterator
from concurrent.futures import CancelledError, Executor
from contextlib import contextmanager

from benchmark.errors import UserError


@contextmanager
def executor_on(scheduler: str | None) -> Iterator[Executor | None]:
    """Yield the executor of a Dask scheduler's address, or None without an address.

    Raises
    ------
    UserError : as `dask_executor`.
    """
    if scheduler is None:
        yield None
        return
    with dask_executor(scheduler) as executor:
        yield executor


@contextmanager
def dask_executor(address: str, timeout_s: float = 20.0) -> Iterator[Executor]:
    """Yield an executor that runs on the workers of a Dask scheduler at `address`, tcp://host:port.

    Work of a worker that is lost is begun again by another.

    Raises
    ------
    UserError : dask.distributed is not installed, no scheduler answers at the address, the
        scheduler ended, or a piece of work lost one worker after another.
    """
    try:
        from distributed import Client, KilledWorker
    except ImportError as error:
        raise UserError("scheduler: needs dask.distributed; install the extra 'cluster'") from error
    try:
        client = Client(address, timeout=timeout_s)
    except (OSError, ValueError, TimeoutError) as error:
        raise UserError(
            f"scheduler: expected a Dask scheduler at tcp://host:port, got '{address}' ({error})"
        ) from error
    with client:
        try:
            yield client.get_executor(pure=False)  # work writes files
        except KilledWorker as error:
            raise UserError(
                f"scheduler {address}: a run ended every worker that took it up, perhaps for want "
                "of memory; the same command goes on from here"
            ) from error
        except CancelledError as error:
            raise UserError(
                f"scheduler {address}: it ended, or lost the work; the same command goes on from "
                "here"
            ) from error
