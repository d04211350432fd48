"""The reference of commands, from the help that the command line prints."""

import contextlib
import io
import os
import re
import sys
from collections.abc import Iterator
from functools import cache
from unittest.mock import patch

from sweepbench import console

COLUMNS = 84  # as many as stand side by side on a page


@contextlib.contextmanager
def _called(*words: str) -> Iterator[io.StringIO]:
    """Call the console command with a fixed width and keep what it prints."""
    found = io.StringIO()
    with (
        patch.object(sys, "argv", ["sweepbench", *words]),
        patch.dict(os.environ, {"COLUMNS": str(COLUMNS)}),
        contextlib.redirect_stdout(found),
        contextlib.suppress(SystemExit),
    ):
        yield found


@cache
def help_text(*words: str) -> str:
    """Return the help of a command as plain text, without the boxes that a terminal shows."""
    with _called(*words, "--help") as found:
        console.main()
    text = re.sub(r"\x1b\[[0-9;]*m", "", found.getvalue())
    lines = []
    for line in text.splitlines():
        line = re.sub(r"^╭─ (.+?) ─*╮$", r"\1", line)
        line = re.sub(r"^│ ?(.*?)\s*│$", r"  \1", line)
        if not re.fullmatch(r" *-{9,} *", line):
            lines.append("" if re.fullmatch(r"╰─*╯", line) else line.rstrip())
    return "\n".join(lines).strip()


def page() -> str:
    """Return the page in Markdown."""
    parts = [
        "# Commands\n\n`sweepbench COMMAND ...` or, where the console command is not on the path, "
        "`python -m sweepbench COMMAND ...`. `python -m simulate` and `python -m benchmark` have "
        "the same commands, each its own. Every command ends with status 0, with 2 after a mistake "
        "in what it was given (one line says which), with 130 when it is interrupted.\n"
    ]
    known = console.commands()
    for title, names in console.grouped().items():
        parts.append(f"\n## {title}\n")
        for name in names:
            parts.append(f"\n### {name}\n\n{console.summary(known[name])}\n")
            parts.append(f"```text\n{help_text(name)}\n```\n")
    return "\n".join(parts)
