"""An executor on a Dask cluster, to make a data set on more than one machine."""

from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager

from benchmark.errors import UserError


@contextmanager
def dask_executor(address: str, timeout_s: float = 20.0) -> Iterator[Executor]:
    """Yield an executor that runs on the workers of a Dask scheduler at `address`, tcp://host:port.

    Raises
    ------
    UserError : dask.distributed is not installed, or no scheduler answers at the address.
    """
    try:
        from distributed import Client
    except ImportError as error:
        raise UserError("scheduler: needs dask.distributed; install the extra 'cluster'") from error
    try:
        client = Client(address, timeout=timeout_s)
    except (OSError, ValueError, TimeoutError) as error:
        raise UserError(
            f"scheduler: expected a Dask scheduler at tcp://host:port, got '{address}' ({error})"
        ) from error
    with client:
        yield client.get_executor()
