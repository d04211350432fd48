"""Which conditions harm a network, and which of them `track` warns of.

    python tests/studies/conditions.py [--weights FOLDER] [--data small-v2] [--sweeps 2] [--seed N]

Validation sweeps of the data set that taught the weights are rendered again, one thing changed at
a time. Printed is, for each condition, the error (`segment_drift`) over that of the same sweeps
unchanged, whether there is a warning, and the measures beyond what training showed; then which
share of the harmful conditions (at least twice the error) and of the harmless ones (at most a
quarter more) is warned of. `--json FILE` keeps all numbers, from which `MOST_SPREADS` is chosen;
--seed takes other subjects and hands, on which nothing was chosen. Ten minutes on one core.
"""

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))  # where the project is not installed

from benchmark.metrics.case import Case
from benchmark.metrics.segments import segment_drift
from benchmark.registry import open_weights
from benchmark.runs.answer import LEAST_SHARED, answered, seen_by_tracker
from benchmark.runs.domain import Domain, domain_faults, find_domain, step_faults
from benchmark.runs.measures import measures, shared_speckle
from benchmark.sweep import Sweep
from benchmark.tracker import Tracker
from simulate.spec import Spec, load_spec
from simulate.spec.factors import changed, find_factor
from simulate.spec.plan import SweepPlan, plan_sweeps
from simulate.sweep.compose import compose_sweep

WEIGHTS = Path(__file__).parents[2] / "moglo" / "weights" / "moglo"
CHOSEN = (4, 1, 6, 2)  # validation sweeps: a free path, an arc, fast and slow, an s
HARMFUL, HARMLESS = 2.0, 1.25  # times the error

Frames = np.ndarray
Condition = tuple[Callable[[Spec], Spec], Callable[[Frames], Frames]]

#: factor: its severities that are tried.
SEVERITIES = {
    "noise": (1, 2, 3, 5), "persistence": (1, 2, 4), "coherence": (1, 2, 3, 5),
    "grey-map": (2, 4, 5), "black-borders": (1, 3), "blur": (1, 2, 4), "speed": (2, 5),
    "beam-width": (1, 3, 5), "density": (2, 4), "gain": (3, 5), "speckle-filter": (1, 3),
    "ring-down": (1, 3, 5), "reverberation": (3, 5), "clutter": (2, 3, 5), "overlay": (2, 5),
    "contact-loss": (2, 4), "frame-rate": (3, 5), "frame-drops": (2, 4), "tremor": (2, 5),
    "in-plane-share": (2, 4), "compression": (2, 5), "frame-jitter": (2,), "breathing": (3,),
}  # fmt: skip


def black(rows: slice = slice(None), columns: slice = slice(None)) -> Callable[[Frames], Frames]:
    """Return what makes some rows and columns of frames (N, H, W) black."""

    def work(frames: Frames) -> Frames:
        frames = frames.copy()
        frames[:, rows, columns] = 0
        return frames

    return work


def black_sides(frames: Frames) -> Frames:
    """Return frames whose left and right tenth are black."""
    tenth = frames.shape[2] // 10
    return black(columns=slice(-tenth, None))(black(columns=slice(tenth))(frames))


def still_top(frames: Frames) -> Frames:
    """Return frames whose upper seventh is that of the first frame in all of them."""
    frames, seventh = frames.copy(), frames.shape[1] // 7
    frames[:, :seventh] = frames[0, :seventh]
    return frames


def unchanged(value: Any) -> Any:
    """Return what is given."""
    return value


def conditions(height: int) -> dict[str, Condition]:
    """Return all conditions by name: a change of the spec, and one of the frames."""
    found: dict[str, Condition] = {"none": (unchanged, unchanged)}
    for focus in (8.0, 18.0, 30.0):
        found[f"elevation focus {focus:g} mm"] = (
            lambda spec, focus=focus: changed(spec, "probe", elevation_focus_mm=focus),
            unchanged,
        )
    pictures: dict[str, Callable[[Frames], Frames]] = {
        "black sides": black_sides,
        "black lower half": black(rows=slice(height // 2, None)),
        "black top": black(rows=slice(height // 7)),
        "still top": still_top,
    }
    found |= {name: (unchanged, change) for name, change in pictures.items()}
    for name, severities in SEVERITIES.items():
        for severity in severities:
            factor = find_factor(name)
            found[f"{name} {severity}"] = (
                lambda spec, factor=factor, severity=severity: factor(spec, severity),
                unchanged,
            )
    return found


@dataclass
class Row:
    """What one condition does: errors (%) of its sweeps, warnings, and means of the measures."""

    name: str
    errors: list[float] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    warned: list[bool] = field(default_factory=list)
    measures: list[dict[str, float]] = field(default_factory=list)
    ratio: float = 1.0


def tried(name: str, condition: Condition, spec: Spec, plans: list[SweepPlan],
          tracker: Tracker, domain: Domain) -> Row:  # fmt: skip
    """Return what a condition does to the tracker on planned sweeps."""
    row = Row(name)
    of_spec, of_frames = condition
    for plan in plans:
        sweep = compose_sweep(of_spec(spec), plan)
        channel = replace(sweep.bmode, frames=of_frames(np.asarray(sweep.bmode.frames)), mask=None)
        sweep = replace(sweep, channels={"bmode": channel})
        seen, regions = seen_by_tracker(sweep.observe(), domain)
        prediction = answered(tracker, seen)
        faults = [str(fault) for fault in domain_faults(domain, seen.bmode, regions, sweep.probe)]
        faults += step_faults(domain, seen.bmode, prediction)
        if (shared_speckle(seen.bmode) or 1.0) < LEAST_SHARED:
            faults.append("consecutive frames share no speckle")
        row.errors.append(error(sweep, prediction.first_from_frame))
        row.warnings += faults
        row.warned.append(bool(faults))
        left_out = {"left_out": float(1 - regions.tissue.mean())}
        row.measures.append(measures(seen.bmode) | left_out)
    return row


def error(sweep: Sweep, first_from_frame: np.ndarray) -> float:
    """Return the segment drift (%) of poses (N, 4, 4)."""
    channel = sweep.bmode
    case = Case(
        sweep.first_from_frame, first_from_frame, channel.mm_from_pixel, channel.frames.shape[1:]
    )
    return float(segment_drift(case))


def rows(chosen: argparse.Namespace) -> Iterator[Row]:
    """Yield what each condition does, that of none first."""
    spec = load_spec(chosen.data)
    spec = replace(spec, seed=spec.seed if chosen.seed is None else chosen.seed)
    plans = [plan for plan in plan_sweeps(spec) if plan.split == "val"]
    plans = [replace(plans[n], showcase=False) for n in CHOSEN[: chosen.sweeps]]
    tracker, domain = open_weights(chosen.weights), find_domain(chosen.weights)
    if domain is None:
        raise SystemExit(f"{chosen.weights}: its training data are not at hand")
    usual: list[float] = []
    for name, condition in conditions(spec.probe.height_px).items():
        row = tried(name, condition, spec, plans, tracker, domain)
        usual = usual or row.errors
        row.ratio = float(np.mean(row.errors) / np.mean(usual))
        yield row


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weights", type=Path, default=WEIGHTS)
    parser.add_argument("--data", default="small-v2")
    parser.add_argument("--sweeps", type=int, default=2)
    parser.add_argument("--seed", type=int)
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args()
    print("| condition | error | warned of | told |\n|---|---|---|---|")
    found = []
    for row in rows(chosen):
        found.append(row)
        short = dict.fromkeys(text.split(",")[0] for text in row.warnings)
        told = f"{sum(row.warned)} of {len(row.warned)}"
        print(f"| {row.name} | {row.ratio:.2f} | {told} | {'; '.join(short)} |", flush=True)
        if chosen.json:
            chosen.json.write_text(json.dumps([asdict(each) for each in found], indent=1))
    for kind, group in (
        ("harmful", [row for row in found if row.ratio >= HARMFUL]),
        ("harmless", [row for row in found if row.ratio <= HARMLESS]),
    ):
        told = np.mean([np.mean(row.warned) for row in group])
        print(f"{kind}: {len(group)} conditions, {100 * told:.0f} % of their sweeps warned of")


if __name__ == "__main__":
    main()
