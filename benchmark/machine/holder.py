"""Who holds a lock: a process of a machine, as the lock's file tells it and as others find it."""

import json
import math
import os
import platform
import uuid
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from benchmark.workers import process_began

#: Seconds by which the times at which a process began may differ from one reading to the next.
SAME_BEGINNING_S = 2.0


@dataclass(frozen=True)
class Holder:
    """A process that holds a lock.

    host: the machine's name; machine: this start of the machine and its table of processes, so that
    containers of one name and machines of one name are told apart; process: its number there;
    began: when it did, s since 1970 by its clock; since: when it took the lock, as people read
    it; key: of this lock alone.
    """

    host: str
    machine: str
    process: int
    began: float
    since: str
    key: str

    def __str__(self) -> str:
        return f"process {self.process} on {self.host}"

    def to_json(self) -> str:
        """Return the content of the lock's file."""
        return json.dumps(asdict(self))

    @property
    def is_near(self) -> bool:
        """Whether it is a process of this machine, whose table of processes tells of it."""
        return self.machine == this_machine()

    def has_ended(self) -> bool:
        """Return whether it is known to have ended: this machine has no such process."""
        return self.is_near and process_began(self.process) is None

    def is_there(self) -> bool:
        """Return whether it is known to be there still: this machine has it, at work or stopped.

        A process of its number that began at another time is another one, or the clock was set, and
        some systems do not tell when it began.
        """
        began = process_began(self.process) if self.is_near else None
        return abs((began or math.nan) - self.began) < SAME_BEGINNING_S


def this_process() -> Holder:
    """Return this process as the holder of a lock that it takes now."""
    return Holder(
        platform.node(),
        this_machine(),
        os.getpid(),
        process_began(os.getpid()) or 0.0,
        f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC",
        uuid.uuid4().hex,
    )


def read_holder(path: Path) -> Holder | None:
    """Return the holder of a lock; None where there is no lock, or none that can be read."""
    try:
        told = json.loads(path.read_text(encoding="ascii"))
        holder = Holder(**told)
    except (OSError, ValueError, TypeError):
        return None
    kinds = {name: type(value) for name, value in asdict(holder).items()}
    return holder if kinds == Holder.__annotations__ else None


@cache
def this_machine() -> str:
    """Return what no other machine, start or container shares, as far as the system tells it."""
    return " ".join([platform.node(), _boot(), _namespace()])


def _boot() -> str:
    """Return the identity of this start of the machine, "" where the system has none."""
    try:
        path = Path("/proc/sys/kernel/random/boot_id")
        return path.read_text(encoding="ascii").strip()
    except OSError:
        return ""


def _namespace() -> str:
    """Return the identity of the table of processes that this process sees; "" without any."""
    try:
        return str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        return ""
