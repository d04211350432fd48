"""Runs whose training was killed."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from benchmark.dataset import Dataset
from benchmark.machine.holder import this_process
from benchmark.runs.run import make_run
from tests.benchmark.learning.brightness import write_bright
from tests.command_line import command


def bright(tmp_path: Path) -> Dataset:
    return write_bright(tmp_path / "data")


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
