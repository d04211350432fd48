"""`submission` as a container runs it: a stranger's tracker, withheld poses, no network."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import tyro

from benchmark.__main__ import Command
from benchmark.dataset import write_dataset, write_entry
from benchmark.scoring.submission import check_predictions
from tests import command_line
from tests.benchmark.shared.folders import make_sweep
from tests.house.rules import PACKAGES

ROOT = Path(__file__).parents[2]
SOURCE = '''
from pathlib import Path
import socket
import numpy as np
from benchmark.sweep import Prediction
from benchmark.tracker import Tracker

class Stranger(Tracker):
    """Fails at sweeps of `FAILS` frames; tells in its steps what it can reach."""

    name = "stranger"

    def track(self, observation):
        if len(observation) == FAILS:
            raise ValueError("of this length\\nI know nothing")
        assert not hasattr(observation.bmode, "world_from_image")
        steps = np.tile(np.eye(4), (len(observation) - 1, 1, 1))
        steps[:, :3, 3] = reaches(), writes("input"), 1.0
        return Prediction.from_steps(steps)

def reaches():
    """Whether a packet leaves this machine (to an address for documentation)."""
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as door:
            door.connect(("192.0.2.1", 9))
    except OSError:
        return 0.0
    return 1.0

def writes(folder):
    try:
        (Path(folder) / "mine").touch()
    except OSError:
        return 0.0
    return 1.0
'''
JAIL = """
mount --bind input input && mount -o remount,bind,ro input && exec "$@"
"""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with withheld sweeps of 9 and of 7 frames in `input`, and the stranger's module."""
    entries = []
    for index, frames in enumerate((9, 7)):
        sweep = make_sweep(f"s{index}", f"p{index}", frames)
        sweep = sweep.withhold({"subject": f"p{index}"})
        file = f"{sweep.name}.h5"
        entries.append(write_entry(tmp_path / "input", file, sweep, "test", f"p{index}"))
    write_dataset(tmp_path / "input", "withheld", entries, {})
    return tmp_path


def submit(place: Path, fails: int = 0) -> command_line.Done:
    (place / "mine.py").write_text(SOURCE.replace("FAILS", str(fails)))
    words = ("submission", "input", "output", "--tracker", "mine:Stranger", "--quiet")
    return command_line.command("benchmark", *words, cwd=place)


def test_a_strangers_tracker_makes_a_checked_folder(place: Path) -> None:
    done = submit(place)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "output: no faults\n"
    files = {path.name for path in (place / "output").iterdir()}
    assert files == {"meta.json", "s0.h5", "s1.h5"}
    assert check_predictions(place / "output", place / "input", "test") == []
    assert {path.name for path in place.iterdir()} == {"input", "output", "mine.py"}
    told = json.loads((place / "output" / "meta.json").read_text())
    assert told["tracker"] == "stranger" and told["weights_sha256"] is None


def test_a_sweep_at_which_it_fails_is_told_and_the_others_are_tracked(place: Path) -> None:
    done = submit(place, fails=9)
    assert done.returncode == 2
    told, missing, fault = done.stderr.splitlines()
    assert told == "note: sweep 's0': ValueError: of this length I know nothing (mine.py, line 15)"
    assert "sweep 's0' is missing" in missing and fault == "error: output: 1 fault(s)"
    assert {path.name for path in (place / "output").iterdir()} == {"meta.json", "s1.h5"}
    again = submit(place)  # of a mended tracker all sweeps are tracked anew
    assert again.returncode == 0, again.stderr


def test_a_tracker_that_fails_at_all_sweeps_is_one_error(place: Path) -> None:
    (place / "input" / "dataset.json").unlink()
    sweep = make_sweep("s0", "p0", 9)
    entry = write_entry(place / "input", "s0.h5", sweep, "test", "p0")
    write_dataset(place / "input", "withheld", [entry], {})
    done = submit(place, fails=9)
    assert done.returncode == 2 and "tracked none of the sweeps of split 'test'" in done.stderr
    assert not (place / "output" / "meta.json").exists()


@pytest.mark.parametrize("name", ["other.h5", "dataset.json"])
def test_a_folder_of_other_files_is_left_alone(place: Path, name: str) -> None:
    (place / "output").mkdir()
    (place / "output" / name).write_text("{}")
    done = submit(place)
    assert done.returncode == 2 and "expected an empty folder or predictions" in done.stderr
    assert [path.name for path in (place / "output").iterdir()] == [name]


def can_unshare() -> bool:
    try:
        return not subprocess.run(["unshare", "-rnm", "true"], capture_output=True).returncode
    except OSError:
        return False


@pytest.mark.skipif(not can_unshare(), reason="no namespaces")
def test_without_network_home_and_a_place_to_write(place: Path) -> None:
    """As of `--network none --read-only`: input and home cannot be written, no address is there."""
    from benchmark.hdf5 import read_prediction

    (place / "mine.py").write_text(SOURCE.replace("FAILS", "0"))
    (place / "output").mkdir()
    command = [sys.executable, "-B", "-m", "benchmark", "submission", "input", "output"]
    done = subprocess.run(
        ["unshare", "-rnm", "sh", "-c", JAIL, "sh", *command, "--tracker", "mine:Stranger"],
        cwd=place, capture_output=True, text=True, check=False,
        env={"PYTHONPATH": str(ROOT), "HOME": "/nonexistent", "PATH": os.environ["PATH"],
             "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout == "output: no faults\n"
    steps = read_prediction(place / "output" / "s0.h5").prev_from_frame
    assert steps[:, 0, 3].tolist() == [0.0] * 8  # no address was reached
    assert steps[:, 1, 3].tolist() == [0.0] * 8  # and nothing written beside the frames


def test_the_containerfile_runs_the_command_and_copies_what_there_is() -> None:
    lines = (ROOT / "docs" / "Containerfile").read_text(encoding="utf-8").splitlines()
    words = [
        word for line in lines if line.startswith(("ENTRYPOINT", "CMD"))
        for word in json.loads(line.partition(" ")[2])
    ]  # fmt: skip
    assert words[0] == "sweepbench"
    found: Any = tyro.cli(Command, args=words[1:])
    assert (found.data, found.out) == (Path("/input"), Path("/output"))
    copied = [line.split()[1:-1] for line in lines if line.startswith("COPY ") and "--" not in line]
    assert all((ROOT / name).exists() for names in copied for name in names)
    packages = {name.partition(".")[0] for name in PACKAGES}
    assert packages <= {name for names in copied for name in names}
