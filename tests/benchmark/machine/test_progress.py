"""Progress bars: sparse lines in files and pipes, none when they are hidden."""

import io
import itertools
from types import SimpleNamespace

import pytest

from benchmark.machine import progress as module
from benchmark.machine.progress import hide_progress, progress


@pytest.fixture
def stream(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """A pipe in place of standard error, and a clock that moves a second with each reading."""
    pipe, clock = io.StringIO(), itertools.count()
    monkeypatch.setattr(module, "sys", SimpleNamespace(stderr=pipe))
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: float(next(clock))))
    monkeypatch.setattr(module._SparseLines, "last", float("-inf"))
    monkeypatch.delenv(module.HIDDEN, raising=False)
    return pipe


def test_a_pipe_gets_a_line_every_ten_seconds_at_most(stream) -> None:
    """Two bars, each redrawn at every step: the clock is read once or twice for each text."""
    for name in ("first", "second"):
        with progress(total=40, desc=name, unit="step") as bar:
            for step in range(40):
                bar.set_postfix_str(f"at {step}")
                bar.update()
                bar.refresh()
    lines = stream.getvalue().splitlines()
    readings = int(module.time.monotonic())
    assert 2 <= len(lines) <= readings / module.EVERY_S + 1 and readings > 100
    assert "\r" not in stream.getvalue() and all("step" in line for line in lines)
    assert lines[0].startswith("first") and lines[-1].startswith("second")


def test_no_bar_is_shown_when_they_are_hidden(stream, monkeypatch) -> None:
    monkeypatch.setenv(module.HIDDEN, "0")
    hide_progress()
    assert list(progress(range(3), desc="work")) == [0, 1, 2]
    assert stream.getvalue() == ""


def test_a_worker_draws_on_its_own_line(stream, monkeypatch) -> None:
    monkeypatch.setenv(module.LINE, "2")
    with progress(total=1) as bar:
        assert bar.pos == -2
