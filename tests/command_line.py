"""Command lines run by the test's own process, which spares the seconds that another's start takes.

Tests of the process itself (its exit, its imports, its end by a signal) start one.
"""

import importlib
import io
import sys
from contextlib import redirect_stderr, redirect_stdout, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True)
class Done:
    """How a command ended: its exit status and what it wrote."""

    returncode: int
    stdout: str
    stderr: str


def command(package: str, *words: object, cwd: Path) -> Done:
    """Run what `python -m package words` runs, in a folder, without a data root of the user's.

    Modules of that folder are forgotten at the end, as with the end of a process.
    """
    main = importlib.import_module(f"{package}.__main__").main
    out, err, before = io.StringIO(), io.StringIO(), set(sys.modules)
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.chdir(cwd)
        patch.syspath_prepend(cwd)
        patch.setattr(sys, "argv", [f"python -m {package}", *map(str, words)])
        patch.delenv("SWEEPBENCH_DATA", raising=False)
        try:
            status = main()
        except SystemExit as end:
            status = int(end.code or 0)
    for name in set(sys.modules) - before:
        with suppress(AttributeError, TypeError):
            if Path(sys.modules[name].__file__ or "").is_relative_to(cwd):
                del sys.modules[name]
    return Done(status, out.getvalue(), err.getvalue())
