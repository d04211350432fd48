"""Work for worker processes, in a module that loads nothing."""

import os
import time


def slow(number: int) -> tuple[int, int]:
    """Return the number and the process that had it; every third takes a little longer."""
    time.sleep(0.1 if number % 3 == 0 else 0.01)
    return number, os.getpid()
