"""Mistakes on a command line as one line: which flag, what was expected, what came.

tyro hands them on through its module `_errors`, which it may change in any version: a mistake that
it tells in another way is printed as tyro prints it, in several lines.
"""

import contextlib
import io
import re
import sys
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import tyro

from benchmark.errors import UserError, suggestion

#: One and several values of a type, by tyro's word for it.
VALUES = {
    "INT": ("a whole number", "whole numbers"),
    "FLOAT": ("a number", "numbers"),
    "STR": ("a value", "values"),
    "PATH": ("a path", "paths"),
}
NEAR = 0.6  # likeness of a word to the one that was meant
FLAG = re.compile(r"--?[a-zA-Z]")  # how a flag begins, and a negative number does not


@dataclass(frozen=True)
class Line:
    """A command line: the program, its commands by name, the words given to it."""

    program: str
    commands: Mapping[str, Callable[..., Any]]
    words: list[str]

    @property
    def command(self) -> str | None:
        """Name of the command that is meant, None where there is none."""
        return self.words[0] if self.words and self.words[0] in self.commands else None

    def flags(self) -> set[str]:
        """Return all flags of the command, as its help tells them."""
        if self.command is None:
            return set()
        told = io.StringIO()
        with contextlib.redirect_stdout(told), contextlib.suppress(SystemExit):
            tyro.cli(self.commands[self.command], args=["--help"])
        return set(re.findall(r"(?<![\w-])--[a-z][\w-]*", told.getvalue()))

    def unknown_flags(self) -> list[str]:
        """Return the words that are flags which the command has not."""
        given = {word.partition("=")[0]: None for word in self.words if word.startswith("--")}
        return [flag for flag in given if flag.replace("_", "-") not in self.flags()]

    def after(self, flags: Collection[str]) -> str:
        """Return the values that follow one of these spellings of a flag, quoted."""
        found: list[str] = []
        following = False
        for word in self.words:
            name, equals, value = word.partition("=")
            if FLAG.match(word):
                following = name.replace("_", "-") in flags
                found = ([value] if equals else []) if following else found
            elif following:
                found.append(word)
        return " ".join(f"'{value}'" for value in found) or "nothing"


@contextlib.contextmanager
def mistakes_in_one_line(
    program: str, commands: Mapping[str, Callable[..., Any]]
) -> Iterator[None]:
    """Within this context tyro refuses a command line by a `UserError`."""
    try:
        from tyro._errors import on_parse_error
    except ImportError:
        yield
        return
    line = Line(program, commands, sys.argv[1:])

    def refuse(event: Any) -> None:
        try:
            text = _text(event, line)
        except AttributeError:  # of another version of tyro
            return
        place = f"{program} {line.command}" if line.command else program
        of = f"{line.command}: " if line.command else ""
        see = " See" if text.endswith("?") else "; see"
        raise UserError(f"{of}{text}{see} '{place} --help'")

    with on_parse_error(refuse):
        yield


def _text(event: Any, line: Line) -> str:
    """Return what is wrong, by the kind of tyro's event."""
    match type(event).__name__:
        case "UnrecognizedArgs":
            return _unknown(event.tokens, line)
        case "MissingArgs":
            if any(FLAG.match(token) for token in event.unrecognized_tokens):
                return _unknown(event.unrecognized_tokens, line)
            names = ", ".join(_name(missing.arg) for missing in event.missing_arguments)
            return f"expected {names}, got nothing"
        case "MissingSubcommand":
            return "expected a command, got nothing"
        case "InvalidChoice":
            near = suggestion(event.value, event.choices, NEAR)
            known = ", ".join(event.choices)
            return f"{_name(event.argument)}: expected one of {known}, got '{event.value}'{near}"
        case "BadValue" | "InstantiationFailure" if event.argument is not None:
            return _value(event.argument, line)
        case "InstantiationFailure":
            return str(event.message)
    return "these flags do not go together"


def _unknown(tokens: list[str], line: Line) -> str:
    first = next((token for token in tokens if FLAG.match(token)), tokens[0])
    if FLAG.match(first):
        flag = first.partition("=")[0]
        return f"unknown flag '{flag}'{suggestion(flag, line.flags(), NEAR)}"
    if line.command is None:
        return f"unknown command '{first}'{suggestion(first, line.commands, NEAR)}"
    return f"'{first}' was not expected"


def _name(argument: Any) -> str:
    name = str(argument.display_name())
    return name.upper() if argument.is_positional() else name


def _value(argument: Any, line: Line) -> str:
    """Return what an argument expects and what it was given.

    A positional that got nothing may stand behind a flag that does not exist: that is told first.
    """
    if argument.is_positional() and (unknown := line.unknown_flags()):
        return _unknown(unknown, line)
    expected = _expected(str(argument.lowered.metavar))
    given = line.after(argument.lowered.name_or_flags)
    return f"{_name(argument)}: expected {expected}, got {given}"


def _expected(metavar: str) -> str:
    """Return in words what tyro writes as `{None}|{FLOAT FLOAT}`, `{a,b}` or `[INT [INT ...]]`."""
    value = metavar.removeprefix("{None}|").removeprefix("{").removesuffix("}")
    if "," in value:
        return "one of " + ", ".join(value.split(","))
    kinds = re.findall(r"[A-Z]+", value)
    if set(value) - set("ABCDEFGHIJKLMNOPQRSTUVWXYZ []."):
        return value
    if len(set(kinds)) != 1 or kinds[0] not in VALUES:
        return value
    one, several = VALUES[kinds[0]]
    if "..." in value:
        return several
    return one if len(kinds) == 1 else f"{len(kinds)} {several}"
