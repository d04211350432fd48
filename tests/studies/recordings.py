"""How a tracker does on recordings of probes and hands that its training did not hold.

    python tests/studies/recordings.py [--tracker moglo-any] [--sweeps 2] [--picture FILE]

Short sweeps of four specs are rendered and written as PLUS writes them (MetaImage, poses,
calibration), without what the simulator knows. They are tracked as by `track --probe` with a
description of the probe: frequency, height and focus of the lens, where the image begins, and the
radius of a curved one; --no-probe leaves that out. The direction along z is told by --advance.
Printed is what `track` prints beside a recording's own poses (`benchmark.runs.comparison`): drift
and constant motion are means over the two halves of a recording. --picture draws how far the image
centre went by the poses and by the tracker, with its sigma. Some minutes on one core; --keep DIR
keeps the recordings.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))  # where the project is not installed

from benchmark import geometry
from benchmark.interop.igsio import write_igsio
from benchmark.interop.tracked import open_compared
from benchmark.runs.answer import Advance, elevational_mm
from benchmark.runs.comparison import Comparison, compared
from benchmark.runs.track import open_tracker, track
from benchmark.speckle.file import placed
from benchmark.sweep import Images, Sweep, centre_path
from simulate.spec import Spec, load_spec
from simulate.spec.factors import changed
from simulate.spec.plan import plan_sweeps
from simulate.sweep.compose import compose_sweep

SPECS = ("carotid-v2", "forearm-v2", "pa-hetero-v2", "tusrec-like-v2")
TOLD = ("centre_frequency_hz", "element_height_mm", "elevation_focus_mm", "start_depth_mm")
FRAMES = 60  # at the specs' own speeds
Described = Mapping[str, Any]
Distances = tuple[np.ndarray, np.ndarray, np.ndarray | None]  # true, predicted, sigma (N,) mm


def shortened(spec: Spec, frames: int) -> Spec:
    """Return a spec of sweeps of some frames at the speed of its own."""
    low, high = spec.motion.path_length_mm
    share = frames / spec.acquisition.frames
    spec = changed(spec, "motion", path_length_mm=(share * low, share * high))
    return changed(spec, "acquisition", frames=frames)


def recordings(names: list[str], sweeps: int, folder: Path) -> Iterator[tuple[Path, Described]]:
    """Yield files of PLUS, rendered where they do not lie in the folder yet, and their probes."""
    for name in names:
        spec = shortened(load_spec(name), FRAMES)
        plans = [plan for plan in plan_sweeps(spec) if plan.split == "test"][:sweeps]
        for number, plan in enumerate(plans):
            path = folder / f"{name}-{number}.igs.mha"
            if not path.is_file():
                sweep = compose_sweep(spec, replace(plan, showcase=False))
                bare = Sweep(path.name, {"bmode": sweep.bmode})
                write_igsio(path, bare)
            yield path, described(spec)


def described(spec: Spec) -> Described:
    """Return what a data sheet says of a spec's probe."""
    probe = spec.canonical("probe")
    keys = (*TOLD, "radius_mm") if probe["geometry"] == "curvilinear" else TOLD
    return {key: probe[key] for key in keys}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tracker", default="moglo-any")
    parser.add_argument("--run", type=Path)
    parser.add_argument("--specs", nargs="+", default=list(SPECS))
    parser.add_argument("--sweeps", type=int, default=2)
    parser.add_argument("--no-probe", dest="probe", action="store_false")
    parser.add_argument("--picture", type=Path)
    parser.add_argument("--keep", type=Path)
    chosen = parser.parse_args()
    tracker, domain = open_tracker(chosen.tracker, chosen.run)
    print("| recording | steps, correlation | path, predicted over true | drift, mm | constant "
          "motion, mm | end, mm | sigma of the end, mm | corners, mm | notes |")  # fmt: skip
    print("|---|---|---|---|---|---|---|---|---|")
    paths: dict[str, Distances] = {}
    with tempfile.TemporaryDirectory() as scratch:
        folder = chosen.keep or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        for path, told in recordings(chosen.specs, chosen.sweeps, folder):
            recording = open_compared(path)
            images, own = recording.images, recording.world_from_image
            notes: list[str] = []
            along = elevational_mm(images, geometry.relative(own))
            advance: Advance = "plus" if along > 0 else "minus"
            probe = placed(told if chosen.probe else {}, images)
            prediction = track(tracker, domain, images, probe, notes.append, advance)
            found = compared(images, own, prediction)
            name = path.name.removesuffix(".igs.mha")
            print(row(name, found, notes), flush=True)
            paths[name] = (
                went(images, own),
                went(images, prediction.first_from_frame),
                prediction.position_sigma,
            )
    if chosen.picture:
        draw(chosen.picture, paths, chosen.tracker)


def went(images: Images, poses: np.ndarray) -> np.ndarray:
    """Return how far (N,) mm the image centre is from its first place."""
    path = centre_path(images, poses)
    return np.linalg.norm(path - path[0], axis=1)


def draw(file: Path, paths: Mapping[str, Distances], tracker: str) -> None:
    """Draw distances from the first frame over frames, one panel a recording."""
    from matplotlib import pyplot as plt

    rows = -(-len(paths) // 4)
    figure, axes = plt.subplots(
        rows, 4, figsize=(11, 2.5 * rows), layout="constrained", squeeze=False
    )
    for axis, (name, (true, found, sigma)) in zip(axes.flat, paths.items(), strict=False):
        frames = np.arange(len(true))
        axis.plot(frames, true, "k", label="poses of the recording")
        axis.plot(frames, found, label=tracker)
        if sigma is not None:
            axis.fill_between(frames, found - sigma, found + sigma, alpha=0.25)
        axis.set(title=name, xlabel="frame", ylabel="from the first frame, mm", ylim=(0, None))
    axes[0, 0].legend()
    figure.savefig(file, dpi=110)


def row(name: str, found: Comparison, notes: list[str]) -> str:
    """Return a line of the table; of the notes, those on training and on speckle not shared."""
    outside = [note.split(": ", 1)[1].split(",")[0] for note in notes if "outside" in note]
    outside += [note.split(" (")[0] for note in notes if "share no speckle" in note]
    cells = [
        name,
        f"{found.elevational:.2f}",
        f"{found.scale:.2f}",
        f"{np.mean(found.halves_mm):.2f}",
        f"{np.mean(found.constant_mm):.2f}",
        f"{found.drift_mm:.2f}",
        f"{found.end_sigma_mm:.2f}",
        f"{found.corner_mm:.2f}",
        "; ".join(outside),
    ]
    return "| " + " | ".join(cells) + " |"


if __name__ == "__main__":
    main()
