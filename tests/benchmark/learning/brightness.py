"""A tracker that reads each step from the brightness of its frame, and data made for it."""

from functools import cached_property
from pathlib import Path

import numpy as np
import torch

from benchmark import geometry
from benchmark.dataset import Dataset, write_dataset, write_entry
from benchmark.sweep import Channel, Observation, Prediction, Sweep
from benchmark.tracker import LearnedTracker, Recipe

ME = "tests.benchmark.learning.brightness:Brightness"
PLAIN = "tests.benchmark.learning.brightness:Plain"
# A batch of 8 through Linear(1, 1): 16 operations forward, 16 for the weight's gradient.
FLOPS = 32


class Brightness(LearnedTracker):
    """Reads the elevational step (mm) from the mean brightness of the second frame."""

    name = "brightness"
    window = 2
    recipe = Recipe(batch_size=8, learning_rate=0.05, schedule="cosine", average=0.5)

    @cached_property
    def net(self):
        """Built when it is first needed, as the project's networks are: a run that is sent to a
        worker then holds no tensors. Its weights follow from the seed alone, whenever that is."""
        net, seeded = torch.nn.Linear(1, 1), torch.Generator().manual_seed(torch.initial_seed())
        with torch.no_grad():
            for values in net.parameters():
                values.uniform_(-1.0, 1.0, generator=seeded)
        return net

    def module(self):
        return self.net

    def augment(self, frames, prev_from_frame, mm_from_pixel):
        """Random, so that a resumed training must go on drawing where it was interrupted."""
        return frames * (1 + 0.1 * torch.rand(len(frames), 1, 1, 1)), prev_from_frame, mm_from_pixel

    def _step(self, frames):
        return self.net(frames[:, 1].mean((1, 2))[:, None])[:, 0]

    def loss(self, frames, prev_from_frame, mm_from_pixel):
        return (self._step(frames) - prev_from_frame[:, 0, 2, 3]).abs().mean()

    def track(self, observation: Observation) -> Prediction:
        frames = torch.from_numpy(np.asarray(observation.bmode.frames)).float() / 255
        with torch.inference_mode():
            step = self._step(torch.stack([frames[:-1], frames[1:]], 1)).numpy()
        motion = np.zeros((len(step), 6))
        motion[:, 2] = step
        return Prediction.from_steps(geometry.from_degrees_of_freedom(motion))


class Plain(Brightness):
    """Draws no random numbers while it trains."""

    name = "plain"

    def augment(self, frames, prev_from_frame, mm_from_pixel):
        return frames, prev_from_frame, mm_from_pixel


def bright_sweep(name: str, frames: int, seed: int) -> Sweep:
    """Return a sweep whose frame i is as bright (of 1) as the step to it is long (mm)."""
    step = np.random.default_rng(seed).uniform(0.1, 0.9, frames)
    motion = np.zeros((frames - 1, 6))
    motion[:, 2] = step[1:]
    poses = geometry.chain(geometry.from_degrees_of_freedom(motion))
    images = np.round(step * 255).astype(np.uint8)[:, None, None] * np.ones((1, 8, 8), np.uint8)
    times = np.arange(frames) / 20
    return Sweep(name, {"bmode": Channel(images, times, np.eye(4), world_from_image=poses)})


def write_bright(folder: Path) -> Dataset:
    """Write a data set of such sweeps: two to train on, one to validate and one to test."""
    entries = []
    for index, split in enumerate(("train", "train", "val", "test")):
        sweep = bright_sweep(f"s{index}", 24, index)
        entries.append(write_entry(folder, f"s{index}.h5", sweep, split, f"u{index}"))
    return write_dataset(folder, "bright", entries, {})
