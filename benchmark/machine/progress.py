"""Progress bars on standard error: redrawn on a terminal, a line now and then elsewhere."""

import os
import sys
import time
from collections.abc import Iterable
from typing import Any, TextIO

from tqdm import tqdm

EVERY_S = 10.0  # between lines where standard error is a file or a pipe
# tqdm's own variables, which worker processes inherit: no bars, and the line of their bars.
HIDDEN, LINE = "TQDM_DISABLE", "TQDM_POSITION"


def hide_progress() -> None:
    """Show no progress bars in this process and in those it starts."""
    os.environ[HIDDEN] = "1"


def progress(items: Iterable[Any] | None = None, **options: Any) -> tqdm:
    """Return a progress bar over items, or one to be updated by hand.

    options: `total`, `initial`, `desc`, `unit` as tqdm's. Where standard error is no terminal, all
    bars of a process together print at most one line every ten seconds.
    """
    stream: Any = sys.stderr if sys.stderr.isatty() else _SparseLines(sys.stderr)
    line = os.environ.get(LINE)
    return tqdm(
        items,
        file=stream,
        disable=os.environ.get(HIDDEN, "0") != "0",
        position=None if line is None else int(line),
        **options,
    )


class _SparseLines:
    """A text stream that keeps at most one line every `EVERY_S` seconds and drops the others."""

    last = float("-inf")  # when any of them wrote

    def __init__(self, stream: TextIO):
        self.stream = stream

    def write(self, text: str) -> None:
        line = text.strip()
        if line and time.monotonic() - _SparseLines.last >= EVERY_S:
            _SparseLines.last = time.monotonic()
            self.stream.write(f"{line}\n")

    def flush(self) -> None:
        self.stream.flush()
