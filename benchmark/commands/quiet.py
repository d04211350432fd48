"""The flag of commands that show progress bars."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Quiet:
    """A command that can do without its progress bars."""

    quiet: bool = False
    """Show no progress bars. Without it, a file or pipe gets a line every ten seconds at most."""
