"""Print how the hands of data sets move, beside published ones: the table of docs/datasets.md.

`python docs/hand_statistics.py SPEC [SPEC ...]`; of each spec at most 60 training sweeps are drawn,
without images. Steps are those of the middle of the face, in the image's axes. The last column is
the segment drift (docs/metrics.md) of a constant motion that knows the mean step of each sweep.
"""

import sys
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from benchmark.geometry import (
    anchor,
    chain,
    degrees_of_freedom,
    exp,
    log,
    multiply,
    norm,
    relative,
)
from benchmark.metrics.case import Case
from benchmark.metrics.segments import segment_drift
from simulate.hand.motion import poses, sample_motion
from simulate.probe.acquisition import frame_times
from simulate.probe.transducer import Probe
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
    "constant motion, %",
)  # fmt: skip
#: Steps and speed: TUS-REC 2024 (Li et al., arXiv 2506.21765). Frames and paths: Zenodo 7740734 and
#: the tables of MoGLo-Net (IEEE TMI 2025).
PUBLISHED = (
    ("TUS-REC", "about 435", *[""] * 2, "0.28, 0.05, 0.25", "0.06, 0.04, 0.06",
     "0.78, 0.51, 0.15", ""),
    ("Zenodo 7740734", "36 to 430", "145 ± 14", *[""] * 5),
    ("MoGLo-Net, forearms", "900 to 1000", "199 ± 24", *[""] * 5),
    ("MoGLo-Net, photoacoustic", "about 474", "153 ± 13", *[""] * 5),
)  # fmt: skip


class Hand(NamedTuple):
    """The motion of one sweep.

    path_mm: length; steps: (N - 1, 6) mm and degrees; correlation: of speed at each of `LAGS`;
    drift: segment drift of a constant motion, %.
    """

    path_mm: float
    steps: np.ndarray
    correlation: np.ndarray
    drift: float


def drawn(spec: Spec, plan: SweepPlan) -> Hand:
    """Return the statistics of a planned sweep.

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
    world = multiply(poses(plan.profile, times, motion, tissue.skin_surface), pressed)
    return hand_of(world, own.probe)


def hand_of(world: np.ndarray, probe: Probe) -> Hand:
    """Return the statistics of one sweep's poses (N, 4, 4)."""
    steps = degrees_of_freedom(relative(world)) * np.repeat((1.0, np.degrees(1.0)), 3)
    speed = norm(steps[:, :3])
    off = speed - speed.mean()
    power = max(float(np.mean(off**2)), 1e-12)
    correlation = [float(np.mean(off[n:] * off[:-n])) / power if len(off) > n else np.nan
                   for n in LAGS]  # fmt: skip
    mean = exp(log(relative(world)).mean(0))
    constant = chain(np.tile(mean, (len(world) - 1, 1, 1)))
    shape = (probe.height_px, probe.width_px)
    case = Case(anchor(world), constant, probe.mm_from_pixel, shape)
    return Hand(float(speed.sum()), steps, np.array(correlation), segment_drift(case))


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
        f"{np.nanmean([hand.drift for hand in hands]):.0f}",
    )  # fmt: skip


def _span(low: float, high: float) -> str:
    return f"{low:.0f}" if round(low) == round(high) else f"{low:.0f} to {high:.0f}"


def main(names: list[str]) -> None:
    """Print the table."""
    rows = list(PUBLISHED)
    for name in names:
        spec = load_spec(name)
        plans = [plan for plan in plan_sweeps(spec) if plan.split == "train"][:MOST_SWEEPS]
        rows.append(row(f"`{spec.name}`", [drawn(spec, plan) for plan in plans]))
    for cells in (HEADS, ["---"] * len(HEADS), *rows):
        print(f"| {' | '.join(cells)} |")


if __name__ == "__main__":
    main(sys.argv[1:] or ["tusrec-like-v2"])
