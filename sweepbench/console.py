"""The commands of the console command, in groups by task.

They are those of `python -m simulate` and `python -m benchmark`, with the same flags.
"""

import shutil
import sys
import textwrap
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import tyro

import benchmark.__main__ as benchmark_line
import simulate.__main__ as simulate_line
from benchmark.errors import exit_status
from benchmark.machine.command_line import mistakes_in_one_line
from simulate import GENERATOR_VERSION

Commands = dict[str, Callable[..., Any]]

#: Commands by task, in the order of use; what is in none is listed last.
GROUPS = {
    "Make data": ("list", "show", "factors", "generate", "verify"),
    "Train and score trackers": (
        "trackers", "check-tracker", "train", "predict", "evaluate", "leaderboard", "figures",
    ),
    "Score predictions made elsewhere": ("submission", "check", "score"),
    "Share data and a board": ("publish",),
    "Find where a tracker breaks": ("stress", "generalisation"),
    "Study a tracker": ("study", "ablate", "ship"),
    "Work with recordings": ("convert", "calibrate", "track", "reconstruct", "slice", "vessels"),
}  # fmt: skip

DESCRIPTION = "Simulator and benchmark for trackerless freehand 3D ultrasound."


def commands() -> Commands:
    """Return the function or dataclass of each command by its name."""
    return {**simulate_line.COMMANDS, **benchmark_line.COMMANDS}


def grouped() -> dict[str, tuple[str, ...]]:
    """Return the names of all commands by task."""
    listed = {name for names in GROUPS.values() for name in names}
    others = tuple(name for name in commands() if name not in listed)
    return GROUPS | ({"Other": others} if others else {})


def summary(command: Callable[..., Any]) -> str:
    """Return the first paragraph of a command's documentation as one line."""
    return " ".join((command.__doc__ or "").strip().split("\n\n")[0].split())


def overview(width: int) -> str:
    """Return the help that lists all commands by task, in lines of at most `width` characters."""
    known = commands()
    indent = max(map(len, known)) + 4
    lines = ["usage: sweepbench COMMAND [OPTIONS]", "", DESCRIPTION]
    for title, names in grouped().items():
        lines += ["", title]
        for name in names:
            text = f"  {name}".ljust(indent) + summary(known[name])
            lines += textwrap.wrap(text, width, subsequent_indent=" " * indent)
    return "\n".join(
        [
            *lines,
            "",
            "sweepbench COMMAND --help tells the options of a command.",
            "sweepbench --tyro-print-completion bash (or zsh) prints a completion script.",
            "sweepbench --version tells the versions of the package and of its data.",
        ]
    )


def versions() -> str:
    """Return the versions of the package and of the generator of data sets, as one line."""
    return f"sweepbench {version('sweepbench')}, generator {GENERATOR_VERSION}"


def _run() -> None:
    known = commands()
    with mistakes_in_one_line("sweepbench", known):
        found: Any = tyro.extras.subcommand_cli_from_dict(
            known, prog="sweepbench", description=DESCRIPTION
        )
    if found is not None:  # commands of `simulate` are functions, which have run
        benchmark_line.run(found)


def main() -> int:
    """Run one command; return the exit status, 2 where there is none."""
    words = sys.argv[1:]
    if words in ([], ["-h"], ["--help"]):
        print(overview(min(shutil.get_terminal_size().columns, 100)))
        return 0 if words else 2
    if words == ["--version"]:
        print(versions())
        return 0
    sys.path.insert(0, "")  # so that a tracker in the current folder is found as module:Class
    return exit_status(_run)
