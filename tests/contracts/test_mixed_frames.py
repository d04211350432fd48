"""Every learned tracker learns from a data set whose frames differ in shape and pixel size."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from benchmark.learning.windows import Windows
from benchmark.runs.pixel_size import resampled
from benchmark.sweep import Channel, Sweep
from benchmark.tracker import LearnedTracker
from tests.contracts.examples import NAMES, REFINING_FLOPS, example_sweep, made

GPU_SIZED = 3e6  # parameters; presets above are published sizes, alike but for that


def other_frames(sweep: Sweep) -> Sweep:
    """The same sweep by another machine: coarser pixels and fewer rows."""
    images = sweep.bmode
    size = np.linalg.norm(images.mm_from_pixel[:3, :2], axis=0)
    rows, columns = images.frames.shape[1:]
    seen = resampled(images, size * (1.25, 1.1), (rows * 2 // 3, columns))
    channel = Channel(
        np.asarray(seen.frames[:]), images.timestamps, seen.mm_from_pixel,
        world_from_image=images.world_from_image,
    )  # fmt: skip
    return replace(sweep, name="other", channels={"bmode": channel})


@pytest.mark.parametrize("name", NAMES)
def test_learns_from_frames_of_two_shapes(name):
    tracker = made(name)
    if not isinstance(tracker, LearnedTracker):
        pytest.skip("learns nothing by gradients")
    if sum(p.numel() for p in tracker.module().parameters()) > GPU_SIZED:
        pytest.skip("of published size")
    torch.manual_seed(0)
    first = example_sweep(max(12, tracker.window))
    sweeps = [first, other_frames(first)]
    assert sweeps[0].bmode.frames.shape[1:] != sweeps[1].bmode.frames.shape[1:]
    tracker.fit(sweeps)
    size = 2
    shapes = set()
    for batch in DataLoader(Windows(sweeps, tracker.window, 4 * size, 1, size), size):
        shapes.add(tuple(batch[0].shape[-2:]))
        loss = tracker.loss(*tracker.augment(*batch))
        loss.backward()
        assert torch.isfinite(loss)
    assert len(shapes) == 2
    if tracker.reserve:
        tracker.refine(sweeps, REFINING_FLOPS)
    tracker.finish(sweeps)
    for sweep in sweeps:
        assert len(tracker.track(sweep.observe(tracker.reads)).first_from_frame) == len(sweep)
