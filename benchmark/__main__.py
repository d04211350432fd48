"""Command line of the benchmark: train, predict, check, evaluate, leaderboard and the rest.

Each command is a frozen dataclass whose fields are its flags; heavy libraries load when it runs.
"""

import sys
from collections.abc import Callable
from typing import Annotated, Any, get_args

import tyro

from benchmark.commands.ablate import Ablate
from benchmark.commands.calibrate import Calibrate
from benchmark.commands.data import Verify
from benchmark.commands.generalisation import Generalisation
from benchmark.commands.quiet import Quiet
from benchmark.commands.recordings import Convert, Reconstruct, Track
from benchmark.commands.results import Check, Figures, Leaderboard, Score
from benchmark.commands.runs import CheckTracker, Evaluate, Predict, Trackers, Train
from benchmark.commands.sharing import Publish, Ship
from benchmark.commands.stress import Stress
from benchmark.commands.study import Study
from benchmark.commands.submission import Submission
from benchmark.commands.vessels import Vessels
from benchmark.commands.volumes import Slice
from benchmark.errors import exit_status
from benchmark.machine.command_line import mistakes_in_one_line
from benchmark.machine.progress import hide_progress

Command = (
    Annotated[Train, tyro.conf.subcommand("train")]
    | Annotated[Predict, tyro.conf.subcommand("predict")]
    | Annotated[Check, tyro.conf.subcommand("check")]
    | Annotated[CheckTracker, tyro.conf.subcommand("check-tracker")]
    | Annotated[Trackers, tyro.conf.subcommand("trackers")]
    | Annotated[Evaluate, tyro.conf.subcommand("evaluate")]
    | Annotated[Submission, tyro.conf.subcommand("submission")]
    | Annotated[Score, tyro.conf.subcommand("score")]
    | Annotated[Leaderboard, tyro.conf.subcommand("leaderboard")]
    | Annotated[Figures, tyro.conf.subcommand("figures")]
    | Annotated[Publish, tyro.conf.subcommand("publish")]
    | Annotated[Ablate, tyro.conf.subcommand("ablate")]
    | Annotated[Ship, tyro.conf.subcommand("ship")]
    | Annotated[Stress, tyro.conf.subcommand("stress")]
    | Annotated[Generalisation, tyro.conf.subcommand("generalisation")]
    | Annotated[Study, tyro.conf.subcommand("study")]
    | Annotated[Vessels, tyro.conf.subcommand("vessels")]
    | Annotated[Verify, tyro.conf.subcommand("verify")]
    | Annotated[Convert, tyro.conf.subcommand("convert")]
    | Annotated[Reconstruct, tyro.conf.subcommand("reconstruct")]
    | Annotated[Track, tyro.conf.subcommand("track")]
    | Annotated[Calibrate, tyro.conf.subcommand("calibrate")]
    | Annotated[Slice, tyro.conf.subcommand("slice")]
)


#: The dataclass of each command by its name.
COMMANDS: dict[str, Callable[..., Any]] = {
    named.name: kind for kind, named in map(get_args, get_args(Command))
}


def main() -> int:
    """Run one command; return the exit status."""
    sys.path.insert(0, "")  # so that a tracker in the current folder is found as module:Class
    return exit_status(_run)


def _run() -> None:
    program = "python -m benchmark"
    with mistakes_in_one_line(program, COMMANDS):
        command: Any = tyro.cli(Command, prog=program, description=__doc__)
    run(command)


def run(command: Any) -> None:
    """Run a command, without progress bars where it is quiet."""
    if isinstance(command, Quiet) and command.quiet:
        hide_progress()
    command.run()


if __name__ == "__main__":
    sys.exit(main())
