"""A tracker whose training ends the process that does it, once."""

import os
import signal
from dataclasses import dataclass
from pathlib import Path

from benchmark.machine import lock
from tests.benchmark.studies.rated import Rated, RatedConfig

FATAL = "tests.benchmark.studies.fatal:Fatal"
CALLS = 15  # of the loss, one to count operations and one an update: in the fourth of six stretches


@dataclass(frozen=True)
class FatalConfig(RatedConfig):
    """marker: a file that is written when the process ends; where it is, no process does."""

    marker: str = ""


class Fatal(Rated):
    """Ends its process as a lack of memory would, after half of its training."""

    name = "fatal"
    Config = FatalConfig
    calls = 0

    def loss(self, frames, prev_from_frame, mm_from_pixel):
        self.calls += 1
        marker = Path(self.config.marker)
        if self.calls == CALLS and not marker.exists():
            marker.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return super().loss(frames, prev_from_frame, mm_from_pixel)


def watch_briefly() -> None:
    """Let this process take over a lock that was left behind after half a second."""
    lock.BEAT_S, lock.WATCH_S = 0.05, 0.5
