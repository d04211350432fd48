"""The command line: `python -m simulate list | show | generate`.

Everything heavy is imported by the command that needs it, so that --help answers at once.
"""

import sys
from pathlib import Path
from typing import Annotated

import tyro
from tyro.conf import Positional, arg

from benchmark.errors import UserError


def list_specs() -> None:
    """List the specs that come with the package, with their sizes."""
    from simulate.card import size_of
    from simulate.spec import load_spec, spec_names

    print(f"{'spec':<16} {'sweeps':>6} {'frames':>7} {'MB':>8}  description")
    for name in spec_names():
        spec = load_spec(name)
        size = size_of(spec)
        print(
            f"{name:<16} {size.sweeps:>6} {size.frames:>7} {size.megabytes:>8.1f}  "
            f"{spec.description}"
        )


def show(spec: Positional[str]) -> None:
    """Print a spec with all its defaults, its identity, its size and what it costs to make.

    Parameters
    ----------
    spec
        Name of a spec (see `list`) or a TOML file.
    """
    from simulate.card import describe
    from simulate.spec import load_spec

    print(describe(load_spec(spec)))


def generate(
    spec: Positional[str],
    out: Path | None = None,
    workers: int | None = None,
    shard: Annotated[str, arg(metavar="I/N")] = "1/1",
) -> None:
    """Make the data set of a spec; started again, it goes on where it was.

    Parameters
    ----------
    spec
        Name of a spec (see `list`) or a TOML file.
    out
        Folder of the data set; by default its name below the data root ($SWEEPBENCH_DATA, or data).
    workers
        Processes; by default one per core.
    shard
        Make only the I-th of N parts, 1 to N; the last part to end writes the index.
    """
    from benchmark.files import data_root
    from simulate.generate import generate as run
    from simulate.spec import load_spec

    loaded = load_spec(spec)
    folder = out or data_root() / loaded.name
    dataset = run(loaded, folder, workers=workers, shard=_parts(shard))
    if dataset is None:
        print(f"{folder}: this part is done, others are missing")
    else:
        frames = sum(entry.frames for entry in dataset.entries)
        print(f"{folder}: {len(dataset.entries)} sweeps, {frames} frames, {dataset.hash[:12]}")


def _parts(shard: str) -> tuple[int, int]:
    part, _, parts = shard.partition("/")
    if not (part.isdecimal() and parts.isdecimal()):
        raise UserError(f"shard: expected i/n, e.g. 2/8, got '{shard}'")
    return int(part), int(parts)


def main() -> int:
    """Run one command; return the exit status: 2 after a user error, 130 after an interrupt."""
    try:
        tyro.extras.subcommand_cli_from_dict(
            {"list": list_specs, "show": show, "generate": generate},
            prog="python -m simulate",
            description="Simulated freehand sweeps with exact poses.",
        )
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted; the same command goes on from here", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
