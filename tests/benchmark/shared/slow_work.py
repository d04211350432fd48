"""Work for worker processes, in a module that loads nothing."""

import os
import time

from benchmark.errors import UserError


def slow(number: int) -> tuple[int, int]:
    """Return the number and the process that had it; every third takes a little longer."""
    time.sleep(0.1 if number % 3 == 0 else 0.01)
    return number, os.getpid()


def end_with(number: int) -> None:
    """End the process with a signal."""
    os.kill(os.getpid(), number)


def interrupted(_: int) -> None:
    raise KeyboardInterrupt


def refuse_odd(number: int) -> int:
    if number % 2:
        raise UserError(f"{number} is not even")
    return number
