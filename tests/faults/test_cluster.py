"""One data set by 1 and 8 workers, by shards, and by a cluster that loses a worker: same bytes.

The specs are `tiny-v2` with fewer sweeps and frames.
"""

import dataclasses
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from benchmark.machine.cluster import dask_executor
from simulate.dataset.generate import generate
from simulate.spec import load_spec
from tests.faults.dying import die_before_the_record
from tests.faults.kill import contents
from tests.local_cluster import local_cluster

TINY = load_spec("tiny-v2")
SPEC = dataclasses.replace(
    TINY,
    subjects=dataclasses.replace(TINY.subjects, train=6, val=1, test=1),
    acquisition=dataclasses.replace(TINY.acquisition, frames=3),
    showcase=dataclasses.replace(TINY.showcase, sweeps=0),
)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("undisturbed")
    assert generate(SPEC, folder, workers=1) is not None
    return contents(folder)


def test_eight_workers(undisturbed, tmp_path: Path) -> None:
    assert len([name for name in undisturbed if name.endswith(".h5")]) == 8
    assert generate(SPEC, tmp_path, workers=8) is not None
    assert contents(tmp_path) == undisturbed


def test_shards_at_the_same_time(undisturbed, tmp_path: Path) -> None:
    with ThreadPoolExecutor(1) as executor, ThreadPoolExecutor(3) as commands:
        parts = [
            commands.submit(generate, SPEC, tmp_path, shard=(part, 3), executor=executor)
            for part in (1, 2, 3)
        ]
        assert any(part.result() for part in parts)
    assert contents(tmp_path) == undisturbed


def test_a_cluster_that_loses_a_worker_in_the_middle(undisturbed, tmp_path: Path) -> None:
    """Killed between a sweep and its record; its nanny starts another, and any worker goes on."""
    with local_cluster(2) as (address, client), dask_executor(address) as executor:
        processes = client.run(_process)
        first, _ = processes
        client.run(die_before_the_record, workers=[first])
        assert generate(SPEC, tmp_path, executor=executor) is not None
        assert processes[first] not in client.run(_process).values()
    assert contents(tmp_path) == undisturbed


def _process() -> int:
    import os

    return os.getpid()
