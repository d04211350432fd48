"""The command line: `python -m simulate list | show | factors | generate`.

Each command imports what it needs itself, so that --help answers at once.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro
from tyro.conf import Positional, arg

from benchmark.errors import UserError, exit_status
from benchmark.machine.command_line import mistakes_in_one_line

if TYPE_CHECKING:
    from simulate.dataset.withheld import Withheld


def list_specs() -> None:
    """List the specs that come with the package, with their sizes."""
    from simulate.dataset.size import size_of
    from simulate.spec import load_spec, spec_names

    print(f"{'spec':<16} {'sweeps':>6} {'frames':>7} {'MB':>8}  description")
    for name in spec_names():
        spec = load_spec(name)
        size = size_of(spec, timed=False)
        print(
            f"{name:<16} {size.sweeps:>6} {size.frames:>7} {size.megabytes:>8.1f}  "
            f"{spec.description}"
        )


def show(
    spec: Positional[str],
    decorrelation: bool = False,
    out: Path | None = None,
) -> None:
    """Print a spec with all its defaults, its identity, its size and what it costs to make.

    Parameters
    ----------
    spec
        Name of a spec (see `list`) or a TOML file.
    decorrelation
        Print instead how frames decorrelate with distance, beside the theory of developed speckle,
        and draw that.
    out
        File of that picture; by default <name>-decorrelation.png in the current folder.
    """
    from simulate.spec import load_spec

    loaded = load_spec(spec)
    if not decorrelation:
        from simulate.dataset.card import describe

        print(describe(loaded))
        return
    from simulate.dataset import decorrelation as curves

    path = out or Path(f"{loaded.name}-decorrelation.png")
    found = curves.decorrelation(loaded)
    print(found.table())
    curves.draw_decorrelation(path, loaded.name, found)
    print(path)


def factors() -> None:
    """List the stress factors, with their values at severity 1 to 5."""
    from simulate.spec.factors import FACTORS

    for name, factor in FACTORS.items():
        values = " ".join(f"{level:>6g}" for level in factor.levels)
        print(f"{name:<17} {values}  {factor.meaning}")


def generate(
    spec: Positional[str],
    out: Path | None = None,
    workers: int | None = None,
    shard: Annotated[str, arg(metavar="I/N")] = "1/1",
    scheduler: Annotated[str | None, arg(metavar="tcp://HOST:PORT")] = None,
    withhold_poses: bool = False,
    entropy_file: Path | None = None,
    answers: Path | None = None,
    preview: bool = True,
    quiet: bool = False,
) -> None:
    """Make the data set of a spec; an interrupted run continues when started again.

    Parameters
    ----------
    spec
        Name of a spec (see `list`) or a TOML file.
    out
        Folder of the data set; by default its name below the data root ($SWEEPBENCH_DATA, or data).
    workers
        Processes; by default one per core.
    shard
        Make only the I-th of N parts, 1 to N; the part that ends last writes the index.
    scheduler
        Run on the Dask cluster of this scheduler, whose workers must see the same folder.
    withhold_poses
        Draw the test split from the entropy file and write its poses to `answers` only.
    entropy_file
        File with at least 32 hexadecimal digits that nobody else knows.
    answers
        Folder of the answers; by default the data set's with "-answers" appended.
    preview
        Write preview.html at the end.
    quiet
        Show no progress bar. Without it, a file or pipe gets a line every ten seconds at most.
    """
    from benchmark.files import data_root
    from benchmark.machine.cluster import executor_on
    from benchmark.machine.crew import read_shard
    from benchmark.machine.progress import hide_progress
    from simulate.dataset.generate import generate as run
    from simulate.dataset.preview import write_preview
    from simulate.spec import load_spec

    if quiet:
        hide_progress()
    loaded = load_spec(spec)
    folder = out or data_root() / loaded.name
    kept = _withheld(folder, withhold_poses, entropy_file, answers)
    with executor_on(scheduler) as executor:
        if executor is not None:
            folder = folder.resolve()  # workers have their own current folder
        dataset = run(
            loaded,
            folder,
            workers=workers,
            shard=read_shard(shard),
            executor=executor,
            withheld=kept,
        )
    if dataset is None:
        print(f"{folder}: this part is done, others are missing")
        return
    frames = sum(entry.frames for entry in dataset.entries)
    print(f"{folder}: {len(dataset.entries)} sweeps, {frames} frames, {dataset.hash[:12]}")
    if preview and _is_older(folder / "preview.html", folder / "dataset.json"):
        print(write_preview(dataset))


def _is_older(path: Path, other: Path) -> bool:
    return not path.is_file() or path.stat().st_mtime < other.stat().st_mtime


def _withheld(
    folder: Path, withhold_poses: bool, entropy_file: Path | None, answers: Path | None
) -> "Withheld | None":
    if not withhold_poses:
        if entropy_file is not None or answers is not None:
            raise UserError("entropy_file, answers: expected only with --withhold-poses")
        return None
    if entropy_file is None:
        raise UserError(
            "entropy_file: expected with --withhold-poses, since poses drawn from a public seed "
            "are no secret"
        )
    from simulate.dataset.withheld import Withheld, read_entropy

    place = answers or folder.with_name(f"{folder.name}-answers")
    return Withheld(read_entropy(entropy_file), str(place.resolve()))


COMMANDS: dict[str, Callable[..., None]] = {
    "list": list_specs,
    "show": show,
    "factors": factors,
    "generate": generate,
}


def main() -> int:
    """Run one command; return the exit status."""
    return exit_status(_run)


def _run() -> None:
    program = "python -m simulate"
    with mistakes_in_one_line(program, COMMANDS):
        tyro.extras.subcommand_cli_from_dict(
            COMMANDS, prog=program, description="Simulated freehand sweeps with exact poses."
        )


if __name__ == "__main__":
    sys.exit(main())
