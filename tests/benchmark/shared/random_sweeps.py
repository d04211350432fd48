"""Sweeps of any content for round trips: hypothesis strategies and one example with landmarks."""

from typing import Any

import numpy as np
from hypothesis import strategies as st

from benchmark import geometry
from benchmark.sweep import Channel, Sweep

TWIST = st.lists(st.floats(-3, 3, allow_subnormal=False), min_size=6, max_size=6)


def make_sweep(
    seed: int,
    frames: int = 4,
    rows: int = 5,
    columns: int = 7,
    twist: tuple[float, ...] = (3.0, -2.0, 40.0, 0.3, -0.2, 0.9),
    scale: tuple[float, float] = (0.23, 0.17),
    shift: tuple[float, float] = (-1.3, 2.5),
    factors: dict[str, Any] | None = None,
    dtype: str = "uint8",
) -> Sweep:
    """Return a sweep of noise at poses drawn from a seed, with two landmarks."""
    rng = np.random.default_rng(seed)
    values = rng.integers(0, 256, (frames, rows, columns)).astype(dtype)
    start = geometry.exp(np.asarray(twist, float))
    steps = geometry.exp(rng.normal(0, 0.2, (frames - 1, 6)))
    mm_from_pixel = np.diag([*scale, 1.0, 1.0])
    mm_from_pixel[:2, 3] = shift
    marks = np.array([[0, 0.0, 0.0], [frames - 1, columns - 1.0, rows - 2.0]])
    channel = Channel(
        values,
        5.0 + np.cumsum(rng.uniform(0.01, 0.2, frames)),
        mm_from_pixel,
        world_from_image=start @ geometry.chain(steps),
    )
    described = {"subject": "007", "scan": "RH_Per_S_DtP"} if factors is None else factors
    return Sweep("a sweep", {"bmode": channel}, marks, {"name": "α probe #1"}, described)


@st.composite
def sweeps(draw: Any) -> Sweep:
    """Draw sweeps of any small size, anywhere in space."""
    return make_sweep(
        draw(st.integers(0, 2**32 - 1)),
        draw(st.integers(2, 5)),
        draw(st.integers(1, 6)),
        draw(st.integers(1, 6)),
        tuple(draw(TWIST)),
        (draw(st.floats(0.01, 2)), draw(st.floats(0.01, 2))),
        (draw(st.floats(-50, 50)), draw(st.floats(-50, 50))),
    )
