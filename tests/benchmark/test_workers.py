"""Compiled loops in threads: every item once, and no other library's threads touched."""

import numpy as np
import pytest
import torch

from benchmark.metrics import compute
from benchmark.workers import in_parts, thread_count
from tests.benchmark.random_cases import random_case


@pytest.mark.parametrize("count", [0, 1, 2, 7, 100])
def test_every_item_is_visited_once(count: int) -> None:
    visits = np.zeros(count, int)

    def work(start: int, stop: int) -> None:
        visits[start:stop] += 1

    in_parts(work, count)
    assert (visits == 1).all()


def test_number_of_threads_is_the_one_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NUMBA_NUM_THREADS", "3")
    assert thread_count() == 3


def test_metrics_leave_torch_its_threads() -> None:
    """Numba's parallel loops would set OpenMP's number of threads, which is torch's too."""
    before = torch.get_num_threads()
    torch.set_num_threads(before + 1)
    try:
        compute(random_case(0), ["gpe", "lpe", "overlap_dice"])
        assert torch.get_num_threads() == before + 1
    finally:
        torch.set_num_threads(before)
