"""Each spec of the package makes the sweeps that it speaks of, here two frames of some of them."""

import dataclasses

import numpy as np
import pytest

from simulate.spec import load_spec, spec_names
from simulate.spec.plan import plan_sweeps
from simulate.spec.record import Spec
from simulate.sweep.compose import compose_sweep

FRAMES = 2
LENGTH = ("acquisition.frames", "motion.path_length_mm")


def shortened(name: str) -> Spec:
    """The spec with two frames a sweep, steps as they are, and few scatterers."""
    spec = load_spec(name)
    longest = spec.motion.path_length_mm[1] * FRAMES / spec.acquisition.frames
    laws = tuple(entry for entry in spec.vary.everywhere if entry.key not in LENGTH)
    splits = tuple(
        (split, tuple(entry for entry in own if entry.key not in LENGTH))
        for split, own in spec.vary.splits
    )
    return dataclasses.replace(
        spec,
        acquisition=dataclasses.replace(spec.acquisition, frames=FRAMES),
        motion=dataclasses.replace(spec.motion, path_length_mm=(0.5 * longest, longest)),
        bmode=dataclasses.replace(spec.bmode, scatterers_per_cell=1.0),
        vary=dataclasses.replace(spec.vary, everywhere=laws, splits=splits),
    )


def cases() -> list[tuple[str, int]]:
    """The first sweep of each spec, and one of each held-out group."""
    found = []
    for name in spec_names():
        plans = plan_sweeps(load_spec(name))
        groups = {plan.held_out: plan.index for plan in plans if plan.held_out}
        found += [(name, index) for index in (0, *groups.values())]
    return found


@pytest.mark.parametrize(("name", "index"), cases())
def test_a_sweep_of_each_spec_can_be_made(name: str, index: int) -> None:
    spec = shortened(name)
    plan = dataclasses.replace(plan_sweeps(spec)[index], showcase=False, controlled=False)
    sweep = compose_sweep(spec, plan)
    frames, probe = sweep.bmode.frames, sweep.probe
    assert frames.shape == (FRAMES, probe["height_px"], probe["width_px"])
    shown = frames if sweep.bmode.mask is None else frames[:, sweep.bmode.mask]
    assert shown.std() > 3.0 and np.isfinite(sweep.bmode.world_from_image).all()
    assert sweep.factors["spec"] == name
