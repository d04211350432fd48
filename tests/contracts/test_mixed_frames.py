"""Every learned tracker learns from a data set whose frames differ in shape and pixel size."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from benchmark import geometry
from benchmark.checker import example_observation
from benchmark.learning.windows import Windows, conditions_of
from benchmark.registry import make_tracker, tracker_names
from benchmark.runs.pixel_size import resampled
from benchmark.sweep import Channel, Sweep
from benchmark.tracker import LearnedTracker

GPU_SIZED = 3e6  # parameters; presets above are published sizes, alike but for that
REFINING_FLOPS = 6e9  # enough for some updates of a second stage


def steady_sweep(count: int) -> Sweep:
    """The example images with poses of a hand that advances by 0.2 mm a frame."""
    example = example_observation(count)
    rng = np.random.default_rng(3)
    motion = 0.02 * rng.normal(size=(count - 1, 6)) + [0, 0, 0.2, 0, 0, 0]
    motion[:, 3:] *= 0.1
    images = example.bmode
    channel = Channel(
        images.frames, images.timestamps, images.mm_from_pixel,
        world_from_image=geometry.chain(geometry.exp(motion)),
    )  # fmt: skip
    return Sweep("steady", {"bmode": channel}, probe=example.probe)


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


@pytest.mark.parametrize("name", tracker_names())
def test_learns_from_frames_of_two_shapes(name):
    tracker = make_tracker(name)
    if not isinstance(tracker, LearnedTracker):
        pytest.skip("learns nothing by gradients")
    if sum(p.numel() for p in tracker.module().parameters()) > GPU_SIZED:
        pytest.skip("of published size")
    torch.manual_seed(0)
    first = steady_sweep(max(12, tracker.window))
    sweeps = [first, other_frames(first)]
    assert sweeps[0].bmode.frames.shape[1:] != sweeps[1].bmode.frames.shape[1:]
    tracker.fit(sweeps)
    size = 2
    shapes = set()
    told = conditions_of(tracker, sweeps)
    for batch in DataLoader(Windows(sweeps, tracker.window, 4 * size, 1, size, told), size):
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
