"""Memory of the machine and the process, on systems that tell it in different ways."""

import math
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from benchmark.machine import memory

ON_LINUX = pytest.mark.skipif(not memory.STATUS.exists(), reason="reads Linux's table of processes")


def test_a_machine_has_some_memory() -> None:
    assert 1e7 < memory.available_bytes() < 1e14


def test_the_limit_of_a_container_counts_if_it_is_less(tmp_path, monkeypatch) -> None:
    whole = memory.available_bytes()
    monkeypatch.setattr(memory, "CONTAINER_LIMIT", tmp_path / "memory.max")
    (tmp_path / "memory.max").write_text("1000000\n")
    assert memory.available_bytes() == 1e6
    (tmp_path / "memory.max").write_text("max\n")
    assert memory.available_bytes() > 0.1 * whole


def test_memory_that_nothing_tells_is_unknown_and_refuses_nothing(tmp_path, monkeypatch) -> None:
    def refuse() -> None:
        raise FileNotFoundError("/proc/meminfo")

    monkeypatch.setattr(memory, "CONTAINER_LIMIT", tmp_path / "none")
    monkeypatch.setattr(memory.psutil, "virtual_memory", refuse)
    assert memory.available_bytes() == math.inf


@ON_LINUX
def test_the_peak_holds_what_was_allocated_until_it_is_forgotten() -> None:
    memory.forget_peak_memory()
    before = memory.peak_memory_mb()
    block = np.ones(2**23)  # 64 MB
    del block
    assert memory.peak_memory_mb() - before == pytest.approx(64.0, abs=8.0)
    memory.forget_peak_memory()
    assert memory.peak_memory_mb() < before + 32.0


@ON_LINUX
def test_without_the_table_of_processes_the_peak_is_the_same(tmp_path, monkeypatch) -> None:
    """Of the process's whole life, which may be more than since it was forgotten."""
    seen = memory.peak_memory_mb()
    monkeypatch.setattr(memory, "STATUS", tmp_path / "none")
    assert memory.peak_memory_mb() >= seen - 1.0


def test_windows_tells_the_peak_in_its_own_way(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(memory, "STATUS", tmp_path / "none")
    monkeypatch.setitem(sys.modules, "resource", None)  # as where there is none
    info = SimpleNamespace(peak_wset=300 * 2**20)
    process = SimpleNamespace(memory_info=lambda: info)
    monkeypatch.setattr(memory.psutil, "Process", lambda: process)
    assert memory.peak_memory_mb() == 300.0
    del info.peak_wset
    assert memory.peak_memory_mb() is None
