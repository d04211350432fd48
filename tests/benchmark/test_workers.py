"""Work in threads and processes: every item once, no other library's threads, a clean end."""

import errno
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import count, islice
from multiprocessing import popen_spawn_posix
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmark.errors import UserError
from benchmark.metrics import compute
from benchmark.workers import ahead_of, in_parts, process_pool, side_by_side, thread_count
from tests.benchmark.shared.random_cases import random_case
from tests.benchmark.shared.slow_work import end_with, interrupted, slow


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


def test_a_worker_has_its_threads_and_a_line_for_its_bars() -> None:
    before = os.environ.get("OMP_NUM_THREADS")
    with process_pool(1, threads=3) as pool:
        assert pool.submit(thread_count).result() == 3
        assert pool.submit(os.getenv, "OMP_NUM_THREADS").result() == "3"
        assert pool.submit(os.getenv, "TQDM_POSITION").result() == "0"
    assert os.environ.get("OMP_NUM_THREADS") == before


def test_a_failing_block_ends_its_workers_at_once() -> None:
    began = time.monotonic()
    with pytest.raises(UserError, match="enough"), process_pool(1) as pool:
        pool.submit(os.getpid).result()
        pool.submit(time.sleep, 300)
        raise UserError("enough")
    assert time.monotonic() - began < 100


def test_a_failing_block_leaves_the_workers_of_others_alone() -> None:
    with process_pool(1) as other:
        ours = other.submit(os.getpid).result()
        with pytest.raises(UserError, match="enough"), process_pool(1) as pool:
            pool.submit(os.getpid).result()
            raise UserError("enough")
        assert other.submit(os.getpid).result() == ours


def test_work_without_end_comes_in_order_is_bounded_and_ends_when_it_is_closed() -> None:
    begun: list[int] = []

    def numbers() -> Iterator[int]:
        for number in count():
            begun.append(number)
            yield number

    threads = os.environ.get("OMP_NUM_THREADS")
    endless = ahead_of(slow, numbers(), workers=2, ahead=4)
    assert begun == []
    found = []
    for number, process in islice(endless, 20):
        found.append((number, process))
        assert len(begun) - len(found) < 4
        assert os.environ.get("OMP_NUM_THREADS") == threads
    assert [number for number, _ in found] == list(range(20))
    assert len({process for _, process in found}) == 2
    endless.close()
    assert not {process for _, process in found} & {
        child.pid for child in multiprocessing.active_children()
    }


def test_work_with_an_end_comes_whole_and_its_errors_are_raised() -> None:
    assert [number for number, _ in ahead_of(slow, range(3), workers=1, ahead=8)] == [0, 1, 2]
    with pytest.raises(TypeError, match="not all arguments converted"):
        list(ahead_of(slow, ["three"], workers=1, ahead=1))


@pytest.mark.parametrize(("work", "item"), [(end_with, signal.SIGKILL), (interrupted, 0)])
def test_a_worker_that_ends_is_told_of_in_one_line(work, item) -> None:
    with pytest.raises(UserError, match="a worker process was ended from outside"):
        list(side_by_side(work, [item, item], 2))


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="signals are those of POSIX")
@pytest.mark.parametrize("which", [0, 1])
def test_a_worker_killed_when_all_is_done_keeps_nobody_waiting(monkeypatch, which: int) -> None:
    """One of two idle workers holds a lock of the pool, behind which the other one waits."""
    shutdown, workers = ProcessPoolExecutor.shutdown, []

    def killing(pool: ProcessPoolExecutor, **_: bool) -> None:
        workers.extend(pool._processes.values())
        for worker in workers:
            os.kill(worker.pid, signal.SIGSTOP)
        shutdown(pool, wait=False)
        time.sleep(0.5)  # until the pool's thread waits for their end, and for nothing else
        os.kill(workers[which].pid, signal.SIGKILL)
        os.kill(workers[1 - which].pid, signal.SIGCONT)

    monkeypatch.setattr(ProcessPoolExecutor, "shutdown", killing)
    assert list(side_by_side(abs, [-1, -2], 2)) == [1, 2]
    assert len(workers) == 2 and not any(worker.is_alive() for worker in workers)


def test_a_worker_that_is_killed_while_it_begins_is_told_of_in_one_line(monkeypatch) -> None:
    """What it is to do is written to a pipe that nobody reads any more."""

    def broken(*_: object) -> None:
        raise BrokenPipeError(errno.EPIPE, "Broken pipe")

    monkeypatch.setattr(popen_spawn_posix.Popen, "_launch", broken)
    with pytest.raises(UserError, match="a worker process was ended from outside"):
        list(side_by_side(abs, [-1, -2], 2))


UNGUARDED = """
import os
from benchmark.errors import UserError
from benchmark.workers import side_by_side
try:
    print(list(side_by_side(abs, [-1, -2], WORKERS)))
except UserError as error:
    print(error)
"""


@pytest.mark.parametrize(
    ("workers", "answer"), [(1, "[1, 2]"), (2, "no worker process could begin: a script that")]
)
def test_a_script_without_a_main_guard_is_told_so(tmp_path, workers, answer) -> None:
    script = tmp_path / "script.py"
    script.write_text(UNGUARDED.replace("WORKERS", str(workers)))
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, timeout=60, check=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )  # fmt: skip
    assert done.stdout.startswith(answer) and done.stdout.count("\n") == 1
    assert "Traceback" not in done.stderr, done.stderr
    assert workers == 1 or 'if __name__ == "__main__":' in done.stdout


GUARDED = """
from benchmark.workers import side_by_side
if __name__ == "__main__":
    print(list(side_by_side(abs, [-1, -2], 2)))
"""
#: Python reads this in each process that begins.
INTERRUPTED_AT_FIRST = """
import signal, sys
if "--multiprocessing-fork" in sys.orig_argv:
    signal.raise_signal(signal.SIGINT)
"""


@pytest.mark.skipif(not hasattr(signal, "pthread_sigmask"), reason="signals are those of POSIX")
def test_a_worker_is_not_interrupted_while_it_begins(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(GUARDED)
    (tmp_path / "sitecustomize.py").write_text(INTERRUPTED_AT_FIRST)
    paths = os.pathsep.join((str(tmp_path), str(Path(__file__).parents[2])))
    done = subprocess.run(
        [sys.executable, str(tmp_path / "script.py")], capture_output=True, text=True, timeout=60,
        check=False, env={**os.environ, "PYTHONPATH": paths},
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (0, "[1, 2]\n", "")
