"""HDF5 files that the library crashes on: the process that goes through them, and its ends."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np
import psutil
import pytest

from benchmark.errors import UserError
from benchmark.frames import reading_hdf5
from benchmark.hdf5 import read_prediction, write_prediction
from benchmark.interop.rf.ipasc import DETECTORS, read_ipasc
from benchmark.stored import probe, trial
from benchmark.stored.hdf5 import as_group
from benchmark.sweep import Prediction
from tests.faults.inputs import write_ipascs

if sys.platform != "linux":
    pytest.skip("signals and forks are those of Linux", allow_module_level=True)

#: How HDF5 stores the type of a text of any length (its kind is the 1 after the 19), and that type
#: with a kind that there is not, which the library takes for none and writes to where nothing is.
TEXT, NO_KIND = bytes.fromhex("1901010010000000"), bytes.fromhex("197f000010000000")


@pytest.fixture
def sound(tmp_path: Path) -> Path:
    path = tmp_path / "sound.h5"
    write_prediction(path, Prediction.from_steps(np.tile(np.eye(4), (3, 1, 1))))
    return path


@pytest.fixture
def deadly(sound: Path) -> Path:
    data = sound.read_bytes()
    assert data.count(TEXT) == 1
    path = sound.with_name("deadly.h5")
    path.write_bytes(data.replace(TEXT, NO_KIND))
    return path


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    probe.PROBE.end()
    probe.PROBE.known.clear()
    yield
    probe.PROBE.end()
    probe.PROBE.known.clear()
    probe.PROBE.possible = True


def reads(path: Path) -> bool:
    return len(read_prediction(path).first_from_frame) == 4


def refused(path: Path, words: str) -> None:
    with pytest.raises(UserError, match=words):
        read_prediction(path)


def test_a_file_that_crashes_the_library_ends_in_one_line(sound: Path, deadly: Path) -> None:
    for _ in range(2):
        refused(deadly, f"{deadly.name}: the HDF5 library crashes on this file")
        assert reads(sound)


def test_a_text_in_an_array_is_gone_through_too(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["a/b"] = "text"
    data = (tmp_path / "a.h5").read_bytes().replace(TEXT, NO_KIND)
    (tmp_path / "a.h5").write_bytes(data)
    with pytest.raises(UserError, match="crashes"), reading_hdf5(tmp_path / "a.h5"):
        pass


def test_a_file_that_stays_is_gone_through_once(deadly: Path, sound: Path, monkeypatch) -> None:
    monkeypatch.setattr(probe, "SETTLED_S", -60)
    read_prediction(sound)
    refused(deadly, "crashes")
    monkeypatch.setattr(probe.subprocess, "Popen", None)
    probe.PROBE.end()
    read_prediction(sound)
    refused(deadly, "crashes")


def test_a_file_that_just_changed_is_gone_through_again(sound: Path, monkeypatch) -> None:
    monkeypatch.setattr(probe, "SETTLED_S", 600)
    read_prediction(sound)
    assert not probe.PROBE.known


def test_a_process_that_is_ended_from_outside_has_a_successor(sound: Path) -> None:
    read_prediction(sound)
    first = probe.PROBE.process
    assert first is not None
    for number in (signal.SIGKILL, signal.SIGTERM):
        os.kill(probe.PROBE.process.pid, number)
        assert reads(sound)
    assert probe.PROBE.process.pid != first.pid and first.returncode == -signal.SIGKILL


@pytest.mark.parametrize("program", ["/nonexistent/python", "/bin/false", ""])
def test_where_no_process_can_be_started_files_are_read(sound, monkeypatch, program) -> None:
    monkeypatch.setattr(sys, "executable", program)
    assert reads(sound)
    assert not probe.PROBE.possible and probe.PROBE.process is None


@pytest.mark.parametrize(
    ("ends", "words"),
    [
        ("os.kill(os.getpid(), signal.SIGPROF)", "finds no end"),
        ("print('memory', flush=True)", "needs too much memory"),
        ("os.abort()", "crashes"),
    ],
)
def test_how_the_process_ends_is_told(sound: Path, monkeypatch, ends: str, words: str) -> None:
    code = f"import os, resource, signal; print('ready', flush=True); input(); {ends}; input()"
    limit = "resource.setrlimit(resource.RLIMIT_CORE, (0, 0)); input()"
    monkeypatch.setattr(probe, "CODE", code.replace("input()", limit, 1))
    refused(sound, words)


def test_a_file_without_end_takes_seconds_of_the_processor(monkeypatch) -> None:
    """The limit holds within the library, which hears no exceptions."""
    code = (
        "from benchmark.stored import trial\n"
        "trial.SECONDS = 0.05\n"
        "with trial._limited_time(): sum(range(10**12))"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False)
    assert done.returncode == probe.HUNG


@pytest.mark.parametrize(("limit", "answer"), [("-1", "memory"), ("most + (64 << 20)", "faulty")])
def test_only_the_files_own_need_of_memory_is_held_against_it(sound, limit, answer) -> None:
    """Not a limit of the user's that leaves less than a file may take."""
    code = (
        "import resource, sys\n"
        "from benchmark.stored import trial\n"
        "def lack(*self): raise MemoryError\n"
        "trial.Touch.file = lack\n"
        "most = int(open('/proc/self/statm').read().split()[0]) * resource.getpagesize()\n"
        f"resource.setrlimit(resource.RLIMIT_AS, ({limit}, {limit}))\n"
        "print(trial._tried(sys.argv[1]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, sound], stdout=subprocess.PIPE, text=True, check=True
    )
    assert done.stdout.strip() == answer


def test_an_interrupt_leaves_no_answer_for_the_next_file(sound, deadly, monkeypatch) -> None:
    read_prediction(sound)
    told = probe._line

    def interrupted(process: subprocess.Popen[str], asked: str = "") -> str:
        told(process, asked)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(probe, "_line", interrupted)
        read_prediction(sound)
    assert probe.PROBE.process is None
    refused(deadly, "crashes")


def test_a_fork_has_a_process_of_its_own(sound: Path, deadly: Path) -> None:
    read_prediction(sound)
    before = probe.PROBE.process.pid
    child = os.fork()
    if not child:
        status = 1
        try:
            refused(deadly, "crashes")
            read_prediction(sound)
            status = int(probe.PROBE.process.pid == before)
        finally:
            os._exit(status)
    assert os.waitpid(child, 0)[1] == 0
    read_prediction(sound)
    assert probe.PROBE.process.pid == before


def test_threads_ask_one_after_another(sound: Path, deadly: Path) -> None:
    found: list[str] = []

    def read(path: Path) -> None:
        try:
            found.append(str(reads(path)))
        except UserError as error:
            found.append(str(error)[-7:])

    threads = [threading.Thread(target=read, args=(path,)) for path in (sound, deadly, sound)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == ["True", "True", "hostile"]


@pytest.mark.parametrize("end", ["os._exit(0)", "os.kill(os.getpid(), 9)", "pass"])
def test_the_process_does_not_outlive_the_one_that_asks(sound: Path, end: str) -> None:
    code = (
        "import os, sys\nfrom pathlib import Path\nfrom benchmark.stored.probe import PROBE\n"
        f"PROBE.answer(Path(sys.argv[1])); print(PROBE.process.pid, flush=True); {end}"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, sound], stdout=subprocess.PIPE, text=True, check=False
    )
    until = time.monotonic() + 10
    while psutil.pid_exists(int(done.stdout)) and time.monotonic() < until:
        time.sleep(0.01)
    assert not psutil.pid_exists(int(done.stdout))


def test_a_process_without_work_ends(monkeypatch) -> None:
    reading, writing = os.pipe()
    with os.fdopen(reading) as lines, os.fdopen(writing, "w") as asked:
        monkeypatch.setattr(sys, "stdin", lines)
        monkeypatch.setattr(trial, "IDLE_SECONDS", 0.01)
        assert not trial._waited()
        print("a", file=asked, flush=True)
        assert trial._waited()


def test_modules_of_the_current_folder_are_not_run(sound: Path, tmp_path: Path, monkeypatch):
    for name in ("json", "h5py", "benchmark", "sitecustomize"):
        (tmp_path / f"{name}.py").write_text("open('run', 'w').close()")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", ["", *sys.path])  # as commands have it
    monkeypatch.delenv("PYTHONPATH", raising=False)  # its own places are searched
    read_prediction(sound)
    assert probe.PROBE.process is not None and not (tmp_path / "run").exists()


def test_names_of_any_bytes_are_asked_for(sound: Path, tmp_path: Path) -> None:
    for name in ("a\nb.h5", "é.h5", os.fsdecode(b"\xff.h5")):
        path = tmp_path / name
        path.write_bytes(sound.read_bytes())
        assert probe.PROBE.answer(path) == probe.CHECKED


def test_an_array_in_the_place_of_a_group_is_not_read(tmp_path: Path) -> None:
    """A name that is looked for in an array would be compared with all that it holds."""
    write_ipascs(tmp_path)
    with h5py.File(tmp_path / "a.hdf5", "r+") as file:
        name = next(iter(file[DETECTORS]))
        del file[DETECTORS][name]
        made = file[DETECTORS].create_dataset(name, (4,), "f8", chunks=(4,), fletcher32=True)
        made.id.write_direct_chunk((0,), b"\xff")
        with pytest.raises(ValueError, match="expected a group, got an array"):
            as_group(made)
    with pytest.raises(UserError, match="expected a group, got an array"):
        read_ipasc(tmp_path / "a.hdf5")
