"""What makes a worker of a cluster die while it writes a sweep."""

import os
import signal
from typing import Any

from simulate.dataset import folder


def die_before_the_record() -> None:
    """Let this process be killed when its first sweep is written and the sweep's record is not."""

    def killed(path: Any, value: Any) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    folder.write_json = killed
