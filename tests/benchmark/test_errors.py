"""Mistakes in one line: how a command ends, and the nearest name to a wrong one."""

import subprocess
import sys
from pathlib import Path

from benchmark.errors import UserError, exit_status, unknown_name

ROOT = Path(__file__).parents[2]


def raising(error):
    def command():
        raise error

    return command


def test_each_end_has_its_status(capsys):
    assert exit_status(lambda: None) == 0
    assert exit_status(raising(UserError("frames: expected 2 or more, got 1"))) == 2
    assert capsys.readouterr().err == "error: frames: expected 2 or more, got 1\n"
    assert exit_status(raising(KeyboardInterrupt())) == 130


def test_a_reader_that_has_gone_away_is_no_traceback():
    code = (
        "import sys\nfrom benchmark.errors import exit_status\n"
        "sys.exit(exit_status(lambda: [print('line') for _ in range(100_000)]))"
    )
    command = [sys.executable, "-c", code]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT
    ) as process:
        assert process.stdout.readline() == b"line\n"
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 141


def test_a_wrong_name_is_answered_with_the_nearest():
    assert "did you mean 'moglo'?" in str(unknown_name("tracker", "moglow", ["moglo", "identity"]))
    assert "known: none" in str(unknown_name("tracker", "x", []))
