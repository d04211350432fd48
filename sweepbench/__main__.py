"""The console command: `sweepbench COMMAND ...`, also `python -m sweepbench`."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager


def main() -> int:
    """Run one command; return the exit status, 2 where there is none."""
    with _ended_silently():
        from sweepbench import console
    return console.main()


@contextmanager
def _ended_silently() -> Iterator[None]:
    """Let Ctrl-C end the process without Python's traceback: nothing has begun, nothing is told.

    Where interrupts are ignored or handled otherwise, as behind `nohup`, they stay so.
    """
    handler = signal.getsignal(signal.SIGINT)
    if handler is not signal.default_int_handler:
        yield
        return
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)


if __name__ == "__main__":
    sys.exit(main())
