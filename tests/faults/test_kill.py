"""Twenty kills of the cheap kinds of work; `python -m tests.faults.kill` makes many of all."""

import sys

import pytest

from benchmark.machine import lock
from tests.faults.kill import try_work

if sys.platform == "win32":
    pytest.skip("no fork", allow_module_level=True)


@pytest.mark.parametrize("name", ["leaderboard", "predict"])
def test_a_killed_run_is_finished_by_the_next(monkeypatch, name: str) -> None:
    monkeypatch.setattr(lock, "WATCH_S", lock.WATCH_S)  # which the trials change
    monkeypatch.setattr(lock, "BEAT_S", lock.BEAT_S)
    tally = try_work(name, count=10, seconds=240.0, seed=0)
    assert tally.faults == [] and tally.kills == 10
