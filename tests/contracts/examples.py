"""Every registered tracker, and the sweep on which the contract tests try it."""

import numpy as np
import pytest

from benchmark import geometry
from benchmark.checker import example_observation
from benchmark.registry import make_tracker, tracker_names
from benchmark.sweep import Channel, Sweep
from benchmark.tracker import Tracker

NAMES = tracker_names()
REFINING_FLOPS = 6e9  # enough for some updates of a second stage


def made(name: str) -> Tracker:
    """A new tracker, or a skip where its module is not installed at all."""
    try:
        return make_tracker(name)
    except ModuleNotFoundError as error:
        owner = (error.name or "").split(".")[0]
        if owner not in ("baselines", "moglo"):
            raise
        pytest.skip(f"tracker '{name}': {error}")


def example_sweep(count: int = 12) -> Sweep:
    """The example images with poses that somebody might have measured with them."""
    images = example_observation(count).bmode
    rng = np.random.default_rng(5)
    spread = np.array([0.05, 0.02, 0.05, 0.003, 0.003, 0.003])
    motion = rng.normal(size=(count - 1, 6)) * spread + [0, 0, 0.2, 0, 0, 0]
    poses = geometry.chain(geometry.exp(motion))
    channel = Channel(
        images.frames, images.timestamps, images.mm_from_pixel, world_from_image=poses
    )
    probe = example_observation(count).probe
    return Sweep("example", {"bmode": channel}, probe=probe, factors={"subject": "a"})
