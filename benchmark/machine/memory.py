"""Memory: what there is on this computer, and the most that this process has used."""

import ctypes
import gc
import math
import sys
from contextlib import suppress
from pathlib import Path

import psutil

CONTAINER_LIMIT = Path("/sys/fs/cgroup/memory.max")
STATUS, CLEAR_REFS = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def available_bytes() -> float:
    """Return the free memory of this machine or, if less, the limit of this container.

    Infinite where the system tells neither.
    """
    free = math.inf
    with suppress(OSError):
        free = float(psutil.virtual_memory().available)
    with suppress(OSError, ValueError):  # not Linux, no container, or no limit: "max"
        free = min(free, float(int(CONTAINER_LIMIT.read_text(encoding="ascii"))))
    return free


def forget_peak_memory() -> None:
    """Reset the process's peak memory to what it uses now (on Linux; elsewhere nothing happens).

    Memory that was freed is returned to the system first, or it would be counted.
    """
    gc.collect()
    with suppress(OSError, AttributeError):  # only glibc has malloc_trim
        ctypes.CDLL("libc.so.6").malloc_trim(0)
    with suppress(OSError):
        CLEAR_REFS.write_text("5", encoding="ascii")


def peak_memory_mb() -> float | None:
    """Return the process's peak resident memory in MB (2^20 bytes); None where nothing tells it.

    On Linux since it was last forgotten, elsewhere since the process began.
    """
    with suppress(OSError, StopIteration):
        lines = STATUS.read_text(encoding="utf-8").splitlines()
        peak = next(line.split()[1] for line in lines if line.startswith("VmHWM"))
        return round(int(peak) / 1024, 1)
    with suppress(ImportError):  # Windows
        import resource

        used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return round(used / (2**20 if sys.platform == "darwin" else 1024), 1)
    with suppress(OSError):
        peak_bytes = getattr(psutil.Process().memory_info(), "peak_wset", None)  # Windows only
        return None if peak_bytes is None else round(peak_bytes / 2**20, 1)
    return None
