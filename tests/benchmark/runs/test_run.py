"""Runs that go to other processes."""

import subprocess
import sys
from dataclasses import replace
from multiprocessing import resource_sharer
from multiprocessing.reduction import ForkingPickler
from pathlib import Path

import numpy as np
import torch

from benchmark.dataset import Dataset
from benchmark.machine.holder import this_process
from benchmark.runs.run import Run, make_run, open_run
from tests.benchmark.learning.brightness import ME, write_bright
from tests.command_line import command


def sent(run: Run) -> Run:
    """Return a run as a worker process receives it."""
    return ForkingPickler.loads(bytes(ForkingPickler.dumps(run)))


def bright(tmp_path: Path) -> Dataset:
    return write_bright(tmp_path / "data")


def test_a_run_arrives_with_what_names_it_and_its_weights(tmp_path: Path) -> None:
    data = bright(tmp_path)
    for name in (ME, "identity", "constant-motion-oracle"):
        run = make_run(name, data, budget_tflop=1e-9, seed=3, root=tmp_path / "runs")
        assert (sent(run).folder, sent(run).config) == (run.folder, run.config)
    run = make_run(ME, data, budget_tflop=1e-9, root=tmp_path / "runs")
    assert run.tracker is not None
    torch.nn.init.constant_(run.tracker.module().weight, 7.0)
    before = torch.get_rng_state()
    assert sent(run).tracker.module().weight == 7
    assert torch.equal(torch.get_rng_state(), before)  # of a training that runs beside
    assert resource_sharer._resource_sharer._listener is None  # no tensor by file descriptor


def test_existing_weights_are_read_where_a_run_arrives(tmp_path: Path) -> None:
    data = bright(tmp_path)
    run = make_run(ME, data, budget_tflop=1e-9, root=tmp_path / "runs")
    assert run.tracker is not None
    run.tracker.save(run.folder)
    found = sent(open_run(run.folder, data, tmp_path / "away"))
    assert found.weights == run.folder and found.tracker is not None
    expected = run.tracker.arrays()
    assert all(
        np.array_equal(value, expected[key]) for key, value in found.tracker.arrays().items()
    )


def test_what_a_training_that_was_killed_after_its_last_file_left_goes(
    tmp_path: Path,
) -> None:
    data = bright(tmp_path)
    words = ("train", data.folder, "--trackers", "identity", "--runs", tmp_path / "runs")
    assert command("benchmark", *words, cwd=tmp_path).returncode == 0
    run = make_run("identity", data, root=tmp_path / "runs")
    kept = set(run.folder.iterdir())
    ended = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"],
                           check=True, capture_output=True, text=True).stdout  # fmt: skip
    mine = this_process()
    run.training_lock.write_text(replace(mine, process=int(ended)).to_json())
    (run.folder / "last.ckpt").touch()
    assert command("benchmark", *words, cwd=tmp_path).returncode == 0
    assert set(run.folder.iterdir()) == kept
    run.training_lock.write_text(mine.to_json())
    assert command("benchmark", *words, cwd=tmp_path).returncode == 0
    assert run.training_lock.is_file()  # of a process that lives
