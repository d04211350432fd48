"""Print how the hands of data sets move, beside published ones: the table of docs/datasets.md.

`python docs/hand_statistics.py SPEC [SPEC ...]`; of each spec at most 60 training sweeps are drawn,
without images. Steps are those of the middle of the face, in the image's axes.
"""

import sys
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from benchmark.geometry import degrees_of_freedom, multiply, norm, relative
from simulate.hand.motion import poses, sample_motion
from simulate.probe.acquisition import frame_times
from simulate.spec import Spec, load_spec
from simulate.spec.draw import draw_spec
from simulate.spec.plan import SweepPlan, plan_sweeps
from simulate.streams import stream
from simulate.sweep.scene import sweep_stream
from simulate.tissue.kinds import sample_tissue
from simulate.tissue.motion import sample_tissue_motion
from simulate.vessels.tree import VesselTree

MOST_SWEEPS = 60
LAGS = (1, 5, 20)  # frames
HEADS = (
    "hands", "frames", "path, mm", "step, mm: mean, 95 %", "deviation of steps, mm",
    "deviation of turns, degrees", "correlation of speed at 1, 5, 20 frames",
)  # fmt: skip
#: Steps and speed: TUS-REC 2024 (Li et al., arXiv 2506.21765). Frames and paths: Zenodo 7740734 and
#: the tables of MoGLo-Net (IEEE TMI 2025).
PUBLISHED = (
    ("TUS-REC", "about 435", "", "", "0.28, 0.05, 0.25", "0.06, 0.04, 0.06", "0.78, 0.51, 0.15"),
    ("Zenodo 7740734", "36 to 430", "145 ± 14", "", "", "", ""),
    ("MoGLo-Net, forearms", "900 to 1000", "199 ± 24", "", "", "", ""),
    ("MoGLo-Net, photoacoustic", "about 474", "153 ± 13", "", "", "", ""),
)


class Hand(NamedTuple):
    """The motion of one sweep: path length, mm; steps (N - 1, 6), mm and degrees; correlations."""

    path_mm: float
    steps: np.ndarray
    correlation: np.ndarray


def world_from_image(spec: Spec, plan: SweepPlan) -> np.ndarray:
    """Return the true poses (N, 4, 4) of the frames of a planned sweep.

    The limb has the skin of the spec's layered limb, which is drawn faster than others.
    """
    own = draw_spec(spec, plan).spec
    skin = replace(own.tissue, kind="layered", arteries=0, veins=0, specular=0.0)
    tissue = sample_tissue(stream(own.seed, "subject", plan.subject_index), skin)
    hand, clock, press = (
        sweep_stream(own.seed, plan, name) for name in ("hand", "clock", "tissue_motion")
    )
    duration = own.acquisition.duration_s
    motion = sample_motion(plan.profile, hand, own.motion, plan.orientation, duration)
    times = frame_times(clock, own.acquisition)
    pressed = sample_tissue_motion(press, own.tissue.motion, VesselTree.empty()).sinking(times)
    return multiply(poses(plan.profile, times, motion, tissue.skin_surface), pressed)


def hand_of(world: np.ndarray) -> Hand:
    """Return the statistics of one sweep's poses (N, 4, 4)."""
    steps = degrees_of_freedom(relative(world)) * np.repeat((1.0, np.degrees(1.0)), 3)
    speed = norm(steps[:, :3])
    off = speed - speed.mean()
    power = max(float(np.mean(off**2)), 1e-12)
    correlation = [float(np.mean(off[n:] * off[:-n])) / power if len(off) > n else np.nan
                   for n in LAGS]  # fmt: skip
    return Hand(float(speed.sum()), steps, np.array(correlation))


def row(name: str, hands: list[Hand]) -> tuple[str, ...]:
    """Return one row of the table."""

    def numbers(values: np.ndarray) -> str:
        return ", ".join(f"{value:.2f}" for value in values)

    frames = [len(hand.steps) + 1 for hand in hands]
    paths = [hand.path_mm for hand in hands]
    steps = np.concatenate([hand.steps for hand in hands])
    length = norm(steps[:, :3])
    deviation = steps.std(0)
    return (
        name, _span(min(frames), max(frames)), _span(min(paths), max(paths)),
        numbers(np.array([length.mean(), np.percentile(length, 95)])),
        numbers(deviation[:3]), numbers(deviation[3:]),
        numbers(np.mean([hand.correlation for hand in hands], axis=0)),
    )  # fmt: skip


def _span(low: float, high: float) -> str:
    return f"{low:.0f}" if round(low) == round(high) else f"{low:.0f} to {high:.0f}"


def main(names: list[str]) -> None:
    """Print the table."""
    rows = list(PUBLISHED)
    for name in names:
        spec = load_spec(name)
        plans = [plan for plan in plan_sweeps(spec) if plan.split == "train"][:MOST_SWEEPS]
        rows.append(row(f"`{spec.name}`", [hand_of(world_from_image(spec, p)) for p in plans]))
    for cells in (HEADS, ["---"] * len(HEADS), *rows):
        print(f"| {' | '.join(cells)} |")


if __name__ == "__main__":
    main(sys.argv[1:] or ["tusrec-like-v1"])
