"""The record of a run's environment does not depend on signals that end git."""

import os
import shutil
from pathlib import Path

import pytest

from benchmark.runs.environment import environment

GIT = """#!/bin/sh
echo asked >> "{folder}/asked"
[ "$(wc -l < "{folder}/asked")" -gt {killed} ] || kill -{number} $$
exec "{git}" "$@"
"""


@pytest.mark.skipif(os.name != "posix" or not shutil.which("git"), reason="needs git and a shell")
@pytest.mark.parametrize(("killed", "number"), [(0, 9), (1, 9), (2, 15), (9, 15)])
def test_git_is_asked_again_where_a_signal_ends_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, killed: int, number: int
) -> None:
    expected = environment()["commit"]
    script = GIT.format(folder=tmp_path, killed=killed, number=number, git=shutil.which("git"))
    (tmp_path / "git").write_text(script)
    (tmp_path / "git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert environment()["commit"] == (expected if killed < 3 else None)
    assert (tmp_path / "asked").read_text().count("asked") == min(killed + 1, 3)
