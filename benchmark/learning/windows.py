"""Windows of consecutive frames with their true steps, the samples of every learned tracker."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import torch

from benchmark import geometry
from benchmark.errors import UserError
from benchmark.sweep import Sweep
from benchmark.tracker import LearnedTracker

Sample = tuple[torch.Tensor, ...]
Conditions = Sequence[np.ndarray | None]


class Windows(torch.utils.data.Dataset[Sample]):
    """A torch data set of `count` windows drawn at random, the same ones for the same seed.

    A sample is frames (window, H, W) float32 in [0, 1], the true steps `prev_from_frame`
    (window-1, 4, 4) float32 in image mm, `mm_from_pixel` (4, 4) float32 and, where there is one,
    the sweep's own of `conditions`, one for each. All windows of all sweeps are equally likely.
    Where frames differ in shape, each `batch` samples in a row have one: that of a window drawn
    among all.

    Raises
    ------
    UserError : no sweep is as long as the window.
    """

    def __init__(
        self,
        sweeps: Sequence[Sweep],
        window: int,
        count: int,
        seed: int = 0,
        batch: int = 1,
        conditions: Conditions | None = None,
    ):
        self.window = window
        told = conditions or [None] * len(sweeps)
        long = [pair for pair in zip(sweeps, told, strict=True) if len(pair[0]) >= window]
        long = sorted(long, key=lambda pair: _shape(pair[0]))
        self.sweeps, self.conditions = [sweep for sweep, _ in long], [each for _, each in long]
        if not self.sweeps:
            longest = max((len(sweep) for sweep in sweeps), default=0)
            raise UserError(f"window of {window} frames, but the longest sweep has {longest}")
        self.steps = [geometry.relative(s.bmode.world_from_image) for s in self.sweeps]
        room = np.array([len(sweep) - window + 1 for sweep in self.sweeps])
        rng = np.random.default_rng(np.random.SeedSequence(seed))
        places = rng.integers(room.sum(), size=count)
        ends = np.cumsum(room)
        shapes = [_shape(sweep) for sweep in self.sweeps]
        if shapes[0] != shapes[-1]:
            places = _of_one_shape(places, ends, shapes, batch, rng)
        self.which = np.searchsorted(ends, places, side="right")
        self.start = places - (ends - room)[self.which]

    def __len__(self) -> int:
        return len(self.which)

    def __getitem__(self, index: int) -> Sample:
        which, start = int(self.which[index]), int(self.start[index])
        channel, stop = self.sweeps[which].bmode, start + self.window
        frames = np.asarray(channel.frames[start:stop], np.float32) / 255
        steps = self.steps[which][start : stop - 1].astype(np.float32)
        parts = [frames, steps, channel.mm_from_pixel.astype(np.float32), self.conditions[which]]
        return tuple(torch.from_numpy(part) for part in parts if part is not None)


def conditions_of(tracker: LearnedTracker, sweeps: Sequence[Sweep]) -> Conditions:
    """Return what a tracker knows of each sweep beside its frames: its `condition`."""
    return [tracker.condition(sweep.observe(tracker.reads)) for sweep in sweeps]


def _shape(sweep: Sweep) -> tuple[int, ...]:
    """Return height and width of a sweep's frames in pixels."""
    return tuple(sweep.bmode.frames.shape[1:])


def _of_one_shape(
    places: np.ndarray,
    ends: np.ndarray,
    shapes: Sequence[tuple[int, ...]],
    batch: int,
    rng: np.random.Generator,
) -> np.ndarray:
    """Return places of windows of which each `batch` have the shape of their first.

    places (count,): of windows drawn among all, counted over the sweeps in the order of their
    `shapes`; ends: where each sweep's windows end. All windows stay equally likely.
    """
    changes = [n for n, (one, other) in enumerate(pairwise(shapes)) if one != other]
    edges = np.array([0, *ends[changes], ends[-1]])
    which = np.searchsorted(edges, places[::batch], side="right") - 1
    low, high = (np.repeat(edges[which + n], batch)[: len(places)] for n in (0, 1))
    found = rng.integers(low, high)
    found[::batch] = places[::batch]
    return found
