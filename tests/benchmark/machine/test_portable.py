"""What other systems lack taken away: a data set is tracked as on Linux."""

import json
import subprocess
import sys
from pathlib import Path

from tests.benchmark.shared.folders import make_dataset

ROOT = Path(__file__).parents[3]
# Neither Windows nor macOS has /proc, affinity or posix_fallocate; Windows lacks the modules too.
ELSEWHERE = """
import builtins, io, os, sys
import numpy, psutil  # which have ways of their own for each system
for name in ("resource", "fcntl"):
    sys.modules[name] = None
for name in ("sched_getaffinity", "posix_fallocate", "sysconf"):
    delattr(os, name)
read = io.open
def opened(path, *rest, **more):
    if str(path).startswith(("/proc", "/sys")):
        raise FileNotFoundError(2, "No such file or directory", str(path))
    return read(path, *rest, **more)
builtins.open = io.open = opened
"""
WORK = """
from benchmark.dataset import open_dataset
from benchmark.machine.lock import only_here
from benchmark.machine.memory import available_bytes, peak_memory_mb
from benchmark.runs.predict import predict
from benchmark.runs.run import make_run
from benchmark.workers import core_count
from simulate.dataset.memory import check_memory
from simulate.spec import load_spec
dataset = open_dataset("data")
with only_here(dataset.folder / "work.lock", "this work"):
    predict(make_run("constant-motion-oracle", dataset))
check_memory(load_spec("small-v2"), 4)
print(core_count() == os.cpu_count(), available_bytes(), peak_memory_mb())
"""


def test_a_system_without_linux_own_ways_tracks_to_the_end(tmp_path: Path) -> None:
    make_dataset(tmp_path / "data")
    code = f"{ELSEWHERE}\nsys.path.insert(0, {str(ROOT)!r})\n{WORK}"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["True", "inf", "None"]
    (meta,) = tmp_path.glob("runs/*/*/predictions/meta.json")
    assert json.loads(meta.read_text())["peak_memory_mb"] is None
    assert len(list(meta.parent.glob("*.h5"))) == 4
