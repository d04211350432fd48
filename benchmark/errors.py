"""The exception class for mistakes of a user, remarks to a user, and the end of a command."""

import difflib
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

Report = Callable[[str], None]  # told what a user should know of his data, line by line

#: Python's tracker of semaphores clears up after a process that is killed, and warns of that.
UNTOLD = "ignore:resource_tracker:UserWarning"


class UserError(Exception):
    """A mistake in what was handed in; its text is one line: expected, got, which file and key.

    Texts quote what files hold: line ends in them become blanks, and what cannot be printed is
    written as Python writes it.
    """

    def __init__(self, text: object = ""):
        super().__init__(one_line(text))


def one_line(text: object) -> str:
    """Return a text that may quote what a file holds as one line that a terminal only prints."""
    line = " ".join(str(text).split("\n"))
    return line if line.isprintable() else "".join(map(_printable, line))


def _printable(character: str) -> str:
    return character if character.isprintable() else ascii(character)[1:-1]


def chain(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error and what it arose from, each once."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def unknown_name(kind: str, name: str, known: Iterable[str]) -> UserError:
    """Return the error for a name that is not among the known ones, with the nearest suggested.

    Parameters
    ----------
    kind : what the name stands for, e.g. "tracker".
    name : what was asked for.
    known : the names that exist.
    """
    choices = sorted(known)
    listing = ", ".join(choices) if choices else "none"
    return UserError(f"unknown {kind} '{name}'{suggestion(name, choices)} (known: {listing})")


def suggestion(name: str, known: Iterable[str], likeness: float = 0.5) -> str:
    """Return "; did you mean '...'?" with the known name nearest to a name; "" if none is near.

    The dashes before a flag do not count; likeness: of names that are near, 0 to 1.
    """
    plain = {each.lstrip("-"): each for each in known}
    near = difflib.get_close_matches(name.lstrip("-"), plain, n=1, cutoff=likeness)
    return f"; did you mean '{plain[near[0]]}'?" if near else ""


def silent(message: str) -> None:
    """Report nothing."""


def note(message: str) -> None:
    """Report on standard error."""
    print(f"note: {message}", file=sys.stderr, flush=True)


def exit_status(command: Callable[[], object]) -> int:
    """Run a command and return its exit status: 0, 2 after a user's mistake, 130 when interrupted.

    A mistake is one line on standard error. The status is 141 when the reader of the output has
    ended, as in `| head`.
    """
    sys.warnoptions.append(UNTOLD)
    try:
        command()
        sys.stdout.flush()
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(
            "interrupted; what was finished stays, and the same command makes the rest",
            file=sys.stderr,
        )
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the last flush
        return 141
    return 0


def refuse_unknown_choice(config: Any, choices: Mapping[str, Sequence[str]]) -> None:
    """Refuse a field of a dataclass whose word is not among its choices.

    Raises
    ------
    UserError : the field, what was expected and what came.
    """
    for name, known in choices.items():
        value = getattr(config, name)
        if value not in known:
            raise UserError(f"{name}: expected one of {', '.join(known)}, got '{value}'")
