"""Error of trackers with weights on frames that are not quite those of their training.

    python tests/studies/other_frames.py [--weights FOLDER ...] [--sweeps 4] [--keep DIR]

The first test sweeps of small-v2 are rendered as they are and with other numbers of pixels over the
same view, or cut by some rows and columns. Printed is the position error of all pixels over that of
no motion, mean over the sweeps, and its ratio to that of the frames as they are: of the tracker
alone, and as `benchmark track` uses it. Rendering takes a minute; --keep keeps the sweeps.
"""

import argparse
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))  # where the project is not installed

from benchmark.hdf5 import read_sweep, write_sweep
from benchmark.metrics import Case, tusrec
from benchmark.registry import open_weights
from benchmark.runs.domain import find_domain
from benchmark.runs.track import track
from benchmark.sweep import Channel, Images, Sweep
from simulate.spec import load_spec
from simulate.spec.plan import plan_sweeps
from simulate.sweep.compose import compose_sweep

ROOT = Path(__file__).parents[2]
LIKE = ROOT / "simulate" / "specs" / "small-v2.toml"
WEIGHTS = [ROOT / "moglo" / "weights" / name for name in ("moglo", "moglo-long")]
Cut = Callable[[Channel], Channel]


def cut(top: int = 0, bottom: int = 0, left: int = 0, right: int = 0) -> Cut:
    """Return what cuts rows and columns off the frames of a channel."""

    def work(channel: Channel) -> Channel:
        frames = np.asarray(channel.frames)
        rows, columns = frames.shape[1:]
        moved = np.eye(4)
        moved[:2, 3] = left, top
        return replace(
            channel,
            frames=frames[:, top : rows - bottom, left : columns - right],
            mm_from_pixel=channel.mm_from_pixel @ moved,
        )

    return work


# By name: rows and columns that are rendered, and what is cut.
CASES: dict[str, tuple[tuple[int, int], Cut]] = {
    "as in training": ((96, 96), cut()),
    "one row less": ((96, 96), cut(bottom=1)),
    "bottom 8 % cut": ((96, 96), cut(bottom=8)),
    "top 8 % cut": ((96, 96), cut(top=8)),
    "four columns cut at each side": ((96, 96), cut(left=4, right=4)),
    "100 x 104 px of the same view": ((100, 104), cut()),
    "128 x 128 px of the same view": ((128, 128), cut()),
    "bottom 12 % cut": ((96, 96), cut(bottom=12)),
    "bottom 20 % cut": ((96, 96), cut(bottom=20)),
    "top 12 % cut": ((96, 96), cut(top=12)),
    "top 20 % cut": ((96, 96), cut(top=20)),
    "eight columns cut at each side": ((96, 96), cut(left=8, right=8)),
    "twelve columns cut at each side": ((96, 96), cut(left=12, right=12)),
}


def rendered(rows: int, columns: int, count: int, folder: Path) -> list[Sweep]:
    """Return the first test sweeps of small-v2 with so many pixels, from a folder or made anew."""
    name = f"small-{rows}x{columns}"
    path = folder / f"{name}.toml"
    path.write_text(
        f'extends = "{LIKE}"\nname = "{name}"\ndescription = "Another grid."\n\n'
        f"[probe]\nheight_px = {rows}\nwidth_px = {columns}\n\n[showcase]\nsweeps = 0\n"
    )
    spec = load_spec(path)
    plans = [plan for plan in plan_sweeps(spec) if plan.split == "test"][:count]
    sweeps = []
    for plan in plans:
        file = folder / f"{name}-{plan.name}.h5"
        if not file.is_file():
            write_sweep(file, compose_sweep(spec, plan))
        sweeps.append(read_sweep(file))
    return sweeps


def share(channel: Channel, first_from_frame: np.ndarray) -> float:
    """Return the position error of all pixels over that of no motion."""
    true = np.linalg.inv(channel.world_from_image[0]) @ channel.world_from_image
    shape = channel.frames.shape[1:]
    case = Case(true, first_from_frame, channel.mm_from_pixel, shape)
    return tusrec.gpe(case) / tusrec.gpe(case.identity)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weights", type=Path, nargs="+", default=WEIGHTS)
    parser.add_argument("--sweeps", type=int, default=4)
    parser.add_argument("--keep", type=Path)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = chosen.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        grids = {grid: rendered(*grid, chosen.sweeps, folder) for grid, _ in CASES.values()}
    for path in chosen.weights:
        print_table(path, grids)


def print_table(path: Path, grids: dict[tuple[int, int], list[Sweep]]) -> None:
    """Print the errors of one tracker in all cases, and what `track` remarks."""
    tracker, domain = open_weights(path), find_domain(path)
    native: list[float] = []
    print(f"\n| {tracker.name} | error, of no motion's | ratio | by `track` | ratio | remarks |")
    print("|---|---|---|---|---|---|")
    for name, (grid, work) in CASES.items():
        errors: list[list[float]] = []
        remarks: dict[str, None] = {}
        for sweep in grids[grid]:
            channel = work(sweep.bmode)
            images = Images(channel.frames, channel.timestamps, channel.mm_from_pixel)
            seen = replace(sweep, channels={"bmode": channel}).observe()
            alone = tracker.track(seen)
            used = track(tracker, domain, images, sweep.probe, remarks.setdefault)
            errors.append([share(channel, found.first_from_frame) for found in (alone, used)])
        mean = np.mean(errors, axis=0)
        native = native or list(mean)
        ratio = mean / native
        print(f"| {name} | {mean[0]:.3f} | {ratio[0]:.2f} | {mean[1]:.3f} | {ratio[1]:.2f} "
              f"| {'; '.join(remarks)} |", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
