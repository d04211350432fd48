"""Processes that train together: each batch shared out, one budget, one result."""

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file

from benchmark.commands.runs import Train
from benchmark.commands.selection import Selection
from benchmark.dataset import Dataset
from benchmark.errors import UserError
from benchmark.learning.loop import NO_SWEEP, WindowData
from benchmark.learning.machinery import Machinery
from benchmark.learning.training import load_sweeps, train
from benchmark.machine.ranks import RANKS, is_first
from benchmark.runs.run import make_run
from tests.benchmark.learning.brightness import FLOPS, ME, PLAIN, Brightness

ROOT = Path(__file__).parents[3]
UPDATES, WEIGHTS = 120, "weights.safetensors"


def batches(dataset: Dataset, rank: int, processes: int) -> list[Any]:
    data = WindowData(load_sweeps(dataset, "train"), 3, Brightness(), 12, 0)
    data.trainer = SimpleNamespace(current_epoch=0, global_rank=rank, world_size=processes)
    return [frames for frames, *_ in data.train_dataloader()]


def test_processes_share_the_windows_of_each_batch(dataset: Dataset) -> None:
    whole = batches(dataset, 0, 1)
    parts = [batches(dataset, rank, 4) for rank in range(4)]
    assert len(whole) == 2 and whole[0].shape[0] == 8
    for number, batch in enumerate(whole):
        shared = np.concatenate([part[number] for part in parts])
        np.testing.assert_array_equal(shared, batch)
        assert all(len(part[number]) == 2 for part in parts)


def test_processes_share_the_sweeps_of_the_validation_split(dataset: Dataset) -> None:
    data = WindowData(load_sweeps(dataset, "train"), 3, Brightness(), 12, 0)
    seen = []
    for rank in range(2):
        data.trainer = SimpleNamespace(global_rank=rank, world_size=2)
        seen += [index for batch in data.val_dataloader() for index in batch.tolist()]
    assert sorted(seen) == [NO_SWEEP, 0, 1, 2]


def test_two_processes_of_the_command_train_what_one_does(dataset: Dataset, tmp_path: Path) -> None:
    """Two processes joined by gloo: gradients of halves of a batch average to those of the batch.

    The validation split has one sweep, so that one of the processes has none.
    """
    budget = UPDATES * FLOPS / 1e12
    command = [
        sys.executable, "-m", "benchmark", "train", str(dataset.folder), "--trackers", PLAIN,
        "--budget", str(budget), "--runs", str(tmp_path / "two"), "--accelerator", "cpu",
        "--devices", "2", "--quiet",
    ]  # fmt: skip
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("trained: ") == 1
    one = make_run(PLAIN, dataset, budget_tflop=budget, root=tmp_path / "one")
    two = make_run(PLAIN, dataset, budget_tflop=budget, root=tmp_path / "two")
    train(one, accelerator="cpu")
    alone, shared = (run.read_config()["training"] for run in (one, two))
    assert (alone.pop("devices"), shared.pop("devices")) == (1, 2)
    for record in (alone, shared):
        assert record.pop("seconds") > 0
    assert shared.pop("validation_error") == pytest.approx(alone.pop("validation_error"), rel=1e-3)
    assert shared == alone and shared["flops"] == UPDATES * FLOPS
    weights, others = (load_file(run.folder / WEIGHTS) for run in (one, two))
    for name, values in weights.items():
        np.testing.assert_allclose(others[name], values, rtol=1e-4)
    assert {path.name for path in two.folder.iterdir()} == {"config.json", "tracker.json", WEIGHTS}


def test_a_batch_that_cannot_be_shared_is_refused(dataset: Dataset, tmp_path: Path) -> None:
    run = make_run(ME, dataset, budget_tflop=1.0, root=tmp_path)
    with pytest.raises(UserError, match=r"expected a divisor of the batch of 8 windows.*got 3"):
        train(run, accelerator="cpu", devices=3)
    with pytest.raises(UserError, match="--nodes: expected 1 or more, got 0"):
        train(run, nodes=0)
    chosen = Selection(dataset.folder, trackers=(ME,), runs=tmp_path)
    with pytest.raises(UserError, match="expected 1 with --scheduler or --workers"):
        Train(chosen, devices=2, workers=2).run()


def test_the_first_of_several_processes_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in RANKS:
        monkeypatch.delenv(name, raising=False)
    assert is_first(2)
    for name in RANKS:
        monkeypatch.setenv(name, "1")
        assert not is_first(2) and is_first(1)
        monkeypatch.setenv(name, "0")
    assert Machinery(devices=2, nodes=3).is_first
