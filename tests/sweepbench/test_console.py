"""The console command has every command of the two packages, by task, and passes them on."""

import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import benchmark.__main__ as benchmark_line
import simulate.__main__ as simulate_line
from sweepbench.__main__ import main
from sweepbench.console import GROUPS, commands, grouped, overview


def called(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    monkeypatch.setattr(sys, "argv", ["sweepbench", *words])
    monkeypatch.setattr(sys, "path", list(sys.path))
    try:
        return main()
    except SystemExit as end:
        return int(end.code or 0)


def test_every_command_of_both_packages_is_listed_once(monkeypatch, capsys) -> None:
    theirs: set[str] = set()
    for line, package in ((simulate_line, "simulate"), (benchmark_line, "benchmark")):
        monkeypatch.setattr(sys, "argv", [package, "--help"])
        with pytest.raises(SystemExit):
            line.main()
        (choices,) = re.findall(r"\{(.+?)\}", "".join(capsys.readouterr().out.split()))[:1]
        theirs |= set(choices.split(","))
    shown = [name for names in grouped().values() for name in names]
    assert sorted(shown) == sorted(theirs)
    assert {name for names in GROUPS.values() for name in names} <= theirs


def test_overview_says_what_each_command_does_within_its_width() -> None:
    text = overview(80)
    assert max(map(len, text.splitlines())) <= 80
    for name, command in commands().items():
        assert re.search(rf"^  {name} +[A-Z]", text, re.MULTILINE), name
        assert command.__doc__


@pytest.mark.parametrize(("words", "status"), [([], 2), (["--help"], 0), (["--version"], 0)])
def test_bare_calls(words: list[str], status: int, monkeypatch, capsys) -> None:
    assert called(monkeypatch, *words) == status
    assert capsys.readouterr().out.startswith("sweepbench " if "--version" in words else "usage:")


def test_commands_of_both_packages_run(monkeypatch, capsys) -> None:
    assert called(monkeypatch, "factors") == 0
    assert "tremor" in capsys.readouterr().out
    assert called(monkeypatch, "trackers") == 0
    assert "moglo-long" in capsys.readouterr().out


def test_mistakes_are_one_line_and_status_2(monkeypatch, capsys) -> None:
    assert called(monkeypatch, "show", "small-v3") == 2
    error = capsys.readouterr().err
    assert error.startswith("error: unknown spec 'small-v3'; did you mean 'small-v2'?")
    assert len(error.splitlines()) == 1


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_completion_knows_all_commands(shell: str, monkeypatch, capsys) -> None:
    assert called(monkeypatch, "--tyro-print-completion", shell) == 0
    script = capsys.readouterr().out
    assert not [name for name in commands() if name not in script]


#: Sends itself an interrupt when a module is looked for that only commands need.
INTERRUPTED = """
import os, signal, sys
from sweepbench.__main__ import main

class Interrupt:
    def find_spec(self, name, *_):
        if name == "benchmark.commands":
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Interrupt())
signal.signal(signal.SIGINT, signal.{before})
sys.argv = ["sweepbench", "factors"]
sys.exit(main())
"""


@pytest.mark.parametrize(
    ("before", "status"),
    [("default_int_handler", -signal.SIGINT), ("SIG_IGN", 0)],
    ids=["usual", "ignored"],
)
def test_an_interrupt_while_modules_load_tells_nothing(before: str, status: int) -> None:
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED.format(before=before)],
        capture_output=True, text=True, cwd=Path(__file__).parents[2], check=False, timeout=120,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (status, "")


def test_an_interrupt_of_a_command_is_told(monkeypatch, capsys) -> None:
    def interrupted() -> None:
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setitem(simulate_line.COMMANDS, "factors", interrupted)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        assert called(monkeypatch, "factors") == 130
    finally:
        signal.signal(signal.SIGINT, before)
    assert capsys.readouterr().err.startswith("interrupted; ")


#: Begins the tracker of semaphores as a command, makes one, and is killed.
KILLED = """
import multiprocessing, os, signal
from benchmark.errors import exit_status

def made():
    lock = multiprocessing.get_context("spawn").Lock()
    os.kill(os.getpid(), signal.SIGTERM)

exit_status(made)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals are those of POSIX")
def test_a_command_that_is_killed_tells_nothing_of_semaphores() -> None:
    done = subprocess.run(
        [sys.executable, "-c", KILLED], capture_output=True, text=True, check=False, timeout=120,
        cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (-signal.SIGTERM, "")
