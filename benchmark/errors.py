"""The one exception class for mistakes of a user, and how a wrong name is answered."""

import difflib
from collections.abc import Iterable


class UserError(Exception):
    """A mistake in what was handed in; its text is one line: expected, got, which file and key."""


def unknown_name(kind: str, name: str, known: Iterable[str]) -> UserError:
    """Return the error for a name that is not among the known ones, with the nearest suggested.

    Parameters
    ----------
    kind : what the name stands for, e.g. "tracker".
    name : what was asked for.
    known : the names that exist.
    """
    choices = sorted(known)
    near = difflib.get_close_matches(name, choices, n=1, cutoff=0.5)
    hint = f"; did you mean '{near[0]}'?" if near else ""
    listing = ", ".join(choices) if choices else "none"
    return UserError(f"unknown {kind} '{name}'{hint} (known: {listing})")
