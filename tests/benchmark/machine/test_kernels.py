"""Kernels compile wherever they run: without a folder for their cache, and on a full disk."""

import errno
import gc
import os
import subprocess
import sys
from pathlib import Path

import pytest
from numba.core import caching, config, errors, event

from benchmark.machine.kernels import compiled

ROOT = Path(__file__).parents[3]
# A kernel in a file of its own, called in a process of its own; prints its answer and its cache.
KERNEL = """
from benchmark.machine.kernels import compiled

@compiled(nogil=True)
def twice(x):
    return 2 * x

print(twice(21), twice.stats.cache_path, sum(twice.stats.cache_hits.values()))
"""


def twice(x):
    return 2 * x


def test_without_any_folder_a_kernel_is_compiled_in_each_process(monkeypatch) -> None:
    monkeypatch.setattr(caching.CacheImpl, "_locator_classes", [])
    kernel = compiled(nogil=True)(twice)
    assert kernel(21) == 42 and kernel.stats.cache_path is None


@pytest.mark.parametrize("method", ["save", "load"])
def test_a_cache_that_cannot_be_written_or_read_is_done_without(monkeypatch, method) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(caching.IndexDataCacheFile, method, refuse)
    assert compiled()(twice)(21) == 42


def test_an_overload_in_the_file_of_another_is_compiled_anew(tmp_path, monkeypatch) -> None:
    """As where two processes have saved at once; what is read here as integers' is reals'."""
    monkeypatch.setattr(config, "CACHE_DIR", str(tmp_path))
    first = compiled()(twice)
    assert first(21) == 42 and first(0.25) == 0.5
    integers, reals = sorted(tmp_path.rglob("*.nbc"))
    integers.write_bytes(reals.read_bytes())
    second = compiled()(twice)
    assert second(0.25) == 0.5 and second(21) == 42 and second(-3) == -6
    assert [type(second(value)) for value in (21, 0.25)] == [int, float]


@pytest.mark.parametrize("collecting", [True, False])
def test_no_cycles_are_looked_for_while_a_kernel_compiles(
    tmp_path, monkeypatch, collecting
) -> None:
    monkeypatch.setattr(config, "CACHE_DIR", str(tmp_path))
    before = gc.isenabled()
    (gc.enable if collecting else gc.disable)()
    during = []
    try:
        with event.install_listener("numba:compile", Noting(during)):
            outer = compiled()(lambda x: inner(x) + 1)
            inner = compiled()(twice)
            assert outer(20) == 41
        assert during == [False, False] and gc.isenabled() is collecting
        with pytest.raises(errors.TypingError):
            compiled()(twice)(None)
        assert gc.isenabled() is collecting
    finally:
        (gc.enable if before else gc.disable)()


class Noting(event.Listener):
    """Notes at the start of each compilation whether cycles are looked for."""

    def __init__(self, noted: list[bool]):
        self.noted = noted

    def on_start(self, event) -> None:
        self.noted.append(gc.isenabled())

    def on_end(self, event) -> None:
        pass


def run_kernel(folder: Path, **environment: str) -> list[str]:
    path = folder / "kernel.py"
    path.write_text(KERNEL)
    done = subprocess.run(
        [sys.executable, str(path)], capture_output=True, text=True, cwd=folder, check=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
    )  # fmt: skip
    return done.stdout.split()


def test_the_cache_lies_where_numba_is_told_or_else_where_it_can(tmp_path: Path) -> None:
    """It serves the next process; a place that is no folder is passed over."""
    place, closed = tmp_path / "cache", tmp_path / "file"
    first = run_kernel(tmp_path, NUMBA_CACHE_DIR=str(place))
    second = run_kernel(tmp_path, NUMBA_CACHE_DIR=str(place))
    assert first[0] == second[0] == "42" and Path(first[1]).is_relative_to(place)
    assert (first[2], second[2]) == ("0", "1")
    closed.touch()
    answer, other, _ = run_kernel(tmp_path, NUMBA_CACHE_DIR=str(closed))
    assert answer == "42" and Path(other) == tmp_path / "__pycache__"


def test_every_kernel_is_compiled_in_this_way() -> None:
    """numba's own `cache=True` ends with a traceback where no folder can be written."""
    packages = [ROOT / name for name in ("benchmark", "simulate", "baselines", "moglo")]
    sources = [path for package in packages for path in package.rglob("*.py")]
    assert [path for path in sources if "cache=True" in path.read_text(encoding="utf-8")] == []
