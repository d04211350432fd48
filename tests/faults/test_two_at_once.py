"""The same command started twice on one folder: one works, the other waits, the files are one's."""

import os
import shutil
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from benchmark.commands.ablate import Ablate
from benchmark.commands.runs import Evaluate, Predict, Train
from benchmark.commands.selection import Selection
from benchmark.commands.stress import Stress
from benchmark.commands.study import Study
from benchmark.dataset import Dataset, write_dataset, write_entry
from benchmark.errors import UserError, exit_status
from benchmark.machine import lock
from benchmark.machine.holder import read_holder, this_process
from benchmark.runs import predict, score
from simulate.dataset.generate import generate
from simulate.spec import load_spec
from tests.benchmark.learning.brightness import bright_sweep
from tests.benchmark.studies.rated import BUDGET, ME
from tests.faults.kill import contents

if sys.platform == "win32":
    pytest.skip("no fork", allow_module_level=True)

Work = Callable[[Path], object]
WAITS = "this one waits for it (Ctrl-C ends the waiting alone)"
WHOLE = (".json", ".h5", ".safetensors", ".toml")  # the other files show measured times


@pytest.fixture(autouse=True)
def quick(monkeypatch) -> None:
    monkeypatch.setattr(lock, "BEAT_S", 0.1)
    monkeypatch.setattr(lock, "WATCH_S", 1.0)


@pytest.fixture(scope="module")
def given(tmp_path_factory) -> Dataset:
    """Two sweeps to train on, one to validate, two to test, of which one is made worse."""
    folder, entries = tmp_path_factory.mktemp("given"), []
    for index, split in enumerate(("train", "train", "val", "test", "test")):
        factors = {"subject": "u", "factor": "none" if index < 4 else "tremor", "severity": index}
        sweep = replace(bright_sweep(f"s{index}", 24, index), factors=factors)
        entries.append(write_entry(folder, f"s{index}.h5", sweep, split, f"u{index}"))
    return write_dataset(folder, "bright", entries, {})


def commands(data: Path, folder: Path) -> dict[str, list[Callable[[], None]]]:
    """Return the calls of each command on a data set, after those that it needs."""
    runs = Selection(data, trackers=(ME, "identity"), runs=folder, budget=BUDGET)
    study = Study(data, (ME,), budget=BUDGET, rates=1, seeds=1, runs=folder)
    ablate = Ablate(ME, data, vary=("learning_rate=0.01",), budget=BUDGET, runs=folder)
    train, track = Train(runs, accelerator="cpu").run, Predict(runs).run
    return {
        "train": [train],
        "predict": [train, track],
        "evaluate": [train, track, Evaluate(runs).run],
        "study": [study.run],
        "ablate": [ablate.run],
        "stress": [Stress(runs, accelerator="cpu").run],
    }


def prepare(name: str, data: Path, folder: Path) -> None:
    for call in commands(data, folder)[name][:-1]:
        call()


def do(name: str, data: Path, folder: Path) -> None:
    commands(data, folder)[name][-1]()


def slowly(work: Callable) -> Callable:
    """Return work that takes a quarter of a second longer, in which a second process begins."""

    def slow(*given: Any, **more: Any) -> Any:
        time.sleep(0.25)
        return work(*given, **more)

    return slow


def started(work: Work, folder: Path, errors: Path) -> int:
    """Begin work in a child that writes its standard error to a file; return its number."""
    child = os.fork()
    if child:
        return child
    try:
        os.dup2(os.open(errors, os.O_WRONLY | os.O_CREAT), 2)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.stdout, sys.stderr = os.fdopen(1, "w"), os.fdopen(2, "w", 1)
        signal.signal(signal.SIGINT, signal.default_int_handler)  # a job may have it ignored
        status = exit_status(lambda: work(folder))
        sys.stderr.flush()
        os._exit(status)
    finally:
        os._exit(3)


def ended(child: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def until(happens: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while not happens():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def whole(folder: Path) -> tuple[list[str], dict[str, bytes]]:
    """Return the names of a folder's files, and the contents of those without measured times."""
    found = contents(folder)
    return sorted(found), {name: b for name, b in found.items() if name.endswith(WHOLE)}


def twice(work: Work, tmp_path: Path, prepared: Work = lambda folder: None) -> None:
    """Do work in peace, then by two processes at once; the second begins while the first works."""
    folder = tmp_path / "folder"
    folder.mkdir()
    prepared(folder)
    shutil.copytree(folder, tmp_path / "before")
    work(folder)
    peace = whole(folder)
    shutil.rmtree(folder)
    shutil.move(tmp_path / "before", folder)
    first = started(work, folder, tmp_path / "first")
    until(lambda: list(folder.rglob("*.lock")))
    second = started(work, folder, tmp_path / "second")
    assert [ended(first), ended(second)] == [0, 0], (tmp_path / "second").read_text()
    assert whole(folder) == peace
    told = (tmp_path / "second").read_text()
    assert f"runs in process {first} on" in told and WAITS in told


@pytest.mark.parametrize("name", ["train", "predict", "evaluate", "study", "ablate", "stress"])
def test_the_second_waits_and_the_files_are_those_of_one(
    given, tmp_path, name, monkeypatch
) -> None:
    monkeypatch.setattr(predict, "_answer", slowly(predict._answer))
    monkeypatch.setattr(score, "evaluate", slowly(score.evaluate))
    twice(partial(do, name, given.folder), tmp_path, partial(prepare, name, given.folder))


def test_a_second_generation_waits_for_the_first(tmp_path) -> None:
    spec = load_spec("tiny-v2")
    spec = replace(
        spec,
        subjects=replace(spec.subjects, train=1, val=0, test=1),
        acquisition=replace(spec.acquisition, frames=4),
        showcase=replace(spec.showcase, sweeps=0),
    )
    twice(lambda folder: generate(spec, folder, workers=1), tmp_path)


def test_of_two_specs_in_one_new_folder_one_is_refused(tmp_path, monkeypatch) -> None:
    """The other began to write its identity in between."""
    spec = load_spec("tiny-v2")
    first = started(lambda folder: generate(spec, folder, workers=1), tmp_path, tmp_path / "told")
    until(lambda: (tmp_path / "identity.json").is_file())
    with pytest.raises(UserError, match="spec hash"):
        generate(replace(spec, seed=spec.seed + 1), tmp_path, workers=1)
    os.kill(first, signal.SIGKILL)
    assert ended(first) == -signal.SIGKILL


def locked_elsewhere(given: Dataset, folder: Path) -> Path:
    """Write the lock of a training that another machine does; return it."""
    do("train", given.folder, folder)
    (config,) = folder.rglob("rated-*/config.json")
    config.unlink()  # as if it were not trained yet
    path = config.with_name("training.lock")
    holder = replace(this_process(), host="elsewhere", machine="elsewhere", process=7)
    path.write_text(holder.to_json())
    return path


def test_an_interrupt_while_waiting_ends_the_waiting_alone(given, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(lock, "WATCH_S", 1e6)
    path, told = locked_elsewhere(given, tmp_path / "runs"), tmp_path / "told"
    before = path.read_bytes()
    child = started(partial(do, "train", given.folder), tmp_path / "runs", told)
    until(lambda: told.is_file() and WAITS in told.read_text())
    os.kill(child, signal.SIGINT)
    assert ended(child) == 130 and path.read_bytes() == before
    assert "process 7 on elsewhere since" in told.read_text()
    assert "Traceback" not in told.read_text()


def test_another_machines_work_is_awaited_and_taken_over_when_it_is_lost(given, tmp_path) -> None:
    path, told = locked_elsewhere(given, tmp_path / "runs"), tmp_path / "told"
    child = started(partial(do, "train", given.folder), tmp_path / "runs", told)
    end = time.monotonic() + 2 * lock.WATCH_S
    while time.monotonic() < end:  # the other machine is at work
        os.utime(path)
        assert read_holder(path).host == "elsewhere"
        time.sleep(0.05)
    assert ended(child) == 0
    assert (path.parent / "config.json").is_file() and not path.exists()
