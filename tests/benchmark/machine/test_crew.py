"""Crews: every item once whatever the parts, in order, one at a time in a process."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from benchmark.errors import UserError
from benchmark.machine.crew import Crew, read_shard


@pytest.mark.parametrize(("count", "parts"), [(0, 3), (2, 3), (7, 3), (9, 3), (5, 1)])
def test_the_parts_of_a_list_hold_each_item_once(count: int, parts: int) -> None:
    items = list(range(count))
    shares = [Crew(shard=(part, parts)).share(items) for part in range(1, parts + 1)]
    assert sorted(item for share in shares for item in share) == items
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


def test_an_executor_answers_in_order_and_one_at_a_time() -> None:
    """Threads of a process share torch's random numbers."""
    inside: list[int] = []
    most = []

    def work(number: int) -> int:
        inside.append(number)
        most.append(len(inside))
        time.sleep(0.01)
        inside.remove(number)
        return number * number

    with ThreadPoolExecutor(4) as executor:
        found = list(Crew(executor=executor).results(work, range(8)))
    assert found == [number * number for number in range(8)]
    assert max(most) == 1


def test_what_was_not_begun_is_dropped_after_an_error() -> None:
    begun, free = [], threading.Event()

    def work(number: int) -> None:
        begun.append(number)
        if number == 0:
            raise UserError("enough")
        assert free.wait(10)

    with ThreadPoolExecutor(1) as executor:
        with pytest.raises(UserError, match="enough"):
            list(Crew(executor=executor).results(work, range(100)))
        free.set()
    assert len(begun) < 100


def test_paths_hold_in_any_current_folder_where_others_work() -> None:
    with ThreadPoolExecutor(1) as executor:
        assert Crew(executor=executor).there(Path("runs")) == Path("runs").resolve()
    assert Crew().there(Path("runs")) == Path("runs")


def test_what_is_no_part_is_refused() -> None:
    assert read_shard("2/8") == (2, 8)
    for text in ("2", "a/b", "/3", "-1/3"):
        with pytest.raises(UserError, match=r"--shard: expected i/n, e.g. 2/8"):
            read_shard(text)
    for shard in ((0, 2), (3, 2), (1, 0)):
        with pytest.raises(UserError, match="expected i/n with 1 <= i <= n"):
            Crew(shard=shard)
    with (
        ThreadPoolExecutor(1) as executor,
        pytest.raises(UserError, match="--workers: expected 1 with --scheduler"),
    ):
        Crew(2, executor)
