"""Sweeps of noise at random poses, a data set of them, and training batches."""

from dataclasses import replace

import numpy as np
import torch

from benchmark import geometry
from benchmark.dataset import write_dataset, write_entry
from benchmark.sweep import Channel, Sweep


def sweep(frames=12, size=48, pixel=0.5, seed=0):
    """Return a sweep of noise with random steps; its images do not depend on the motion."""
    rng = np.random.default_rng(seed)
    twists = rng.normal(size=(frames - 1, 6)) * [0.1, 0.1, 0.3, 0.01, 0.01, 0.01]
    mm_from_pixel = np.diag([pixel, pixel, 1.0, 1.0])
    mm_from_pixel[0, 3] = -pixel * (size - 1) / 2
    levels = rng.integers(0, 256, (frames, size, size), dtype=np.uint8)
    poses = geometry.chain(geometry.exp(twists))
    times = np.arange(frames) / 20.0
    return Sweep("noise", {"bmode": Channel(levels, times, mm_from_pixel, world_from_image=poses)})


def write_noise(folder, sweeps):
    """Write a data set of sweeps: the last but one for validation, the last for testing."""
    entries = []
    for index, taken in enumerate(sweeps):
        named = replace(taken, name=f"n{index}")
        split = {len(sweeps) - 2: "val", len(sweeps) - 1: "test"}.get(index, "train")
        entries.append(write_entry(folder, f"n{index}.h5", named, split, f"s{index}"))
    return write_dataset(folder, "noise", entries, {})


def batch(count=3, window=5, seed=1):
    """Return windows of a sweep of noise: frames, prev_from_frame, mm_from_pixel as tensors."""
    taken = sweep(count * window, seed=seed)
    frames = torch.from_numpy(taken.bmode.frames).float().div(255).unflatten(0, (count, window))
    steps = np.stack([taken.prev_from_frame[i * window :][: window - 1] for i in range(count)])
    matrix = torch.from_numpy(taken.bmode.mm_from_pixel).float().expand(count, 4, 4)
    return frames, torch.from_numpy(steps).float(), matrix
