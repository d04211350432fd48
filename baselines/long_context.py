"""Long context (Li et al.): a window of frames as channels, transforms of many pairs at once."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from baselines.efficientnet import EfficientNetConfig, efficient_net
from baselines.parts.learned import (
    SMALLEST_STD,
    MotionTracker,
    corner_distances,
    corners_from_centre,
    frames_on,
)
from baselines.parts.motion import true_motion
from benchmark import geometry
from benchmark.sweep import Images, Sweep

WINDOWS_AT_ONCE = 16
PUBLISHED = {10: 45, 20: 80, 30: 124, 40: 157, 49: 165, 60: 177, 75: 197, 100: 218}


@dataclass(frozen=True)
class LongContextConfig(EfficientNetConfig):
    """Long context of a size that a CPU trains in minutes.

    window: frames seen at once, one channel each; pairs: transforms answered (0: as many as
    published for this window); balance: divide the error of each pair by the spread of its motion,
    without which the longest pairs outweigh the steps; consistency: weight of the distance between
    the chained steps of a pair and the pair's own transform.
    """

    window: int = 8
    pairs: int = 0
    balance: bool = True
    consistency: float = 0.1
    batch_size: int = 16
    learning_rate: float = 3e-3


@dataclass(frozen=True)
class LongContextPaperConfig(LongContextConfig):
    """The published size and recipe: 100 frames, EfficientNet-b1, Adam at 1e-4, batches of 32."""

    window: int = 100
    balance: bool = False
    width: float = 1.0
    depth: float = 1.1
    stages: int = 7
    dropout: float = 0.2
    norm_momentum: float = 0.01
    batch_size: int = 32
    learning_rate: float = 1e-4
    schedule: str = "constant"
    warm_up: float = 0.0
    standardise: bool = False
    mirror: bool = False
    average: float = 0.0
    unbiased: bool = False


class LongContext(MotionTracker):
    """EfficientNet sees a window of frames as channels and estimates transforms of many pairs.

    Source: Li et al., "Long-term dependency for 3D reconstruction of freehand ultrasound without
    external tracker", IEEE TBME 2023, and its predecessors. As published: the frames of a window
    are channels of one EfficientNet; it estimates a set of transforms between pairs of them; the
    loss is the mean squared distance (mm^2) of the image corners over that set, optionally with a
    term that asks joined transforms to equal direct ones; Adam. What differs, and why: the
    published choice of pairs is not known, so all neighbours are taken, and the rest evenly from
    all longer gaps; the outputs are the motion of the image centre and the rotation vector over
    their standard deviations in the training split at that gap; the answer for a step is the mean
    over all windows that contain it, so later frames are needed (short recordings are filled up by
    going back and forth). The CPU preset: 8 frames instead of up to 100, the small EfficientNet of
    `tusrec-baseline`, batches of 16 at a rate of 3e-3 falling as a cosine; the error of each pair
    divided by its spread, without which the longest pairs outweigh the steps; frames standardised
    locally and mirrored at random. `baselines.long_context:LongContextPaper` is the full preset.
    """

    name = "long-context"
    causal = False
    Config = LongContextConfig

    def __init__(self, config=None):
        super().__init__(config)
        count = self.config.pairs or published_count(self.config.window)
        self.pairs = frame_pairs(self.config.window, count)
        self.answers = (len(self.pairs), 6)

    @property
    def window(self) -> int:  # type: ignore[override]
        """Frames seen at once."""
        return self.config.window

    def build(self) -> nn.Module:
        outputs = 6 * len(self.pairs)
        return nn.Sequential(
            efficient_net(self.config, self.config.window, outputs),
            nn.Unflatten(1, (len(self.pairs), 6)),
        )

    def fit(self, sweeps: Sequence[Sweep]) -> None:
        """Set mean and spread of the motion of each pair, by its gap, from the training sweeps."""
        network, known = self.module(), {}
        longest = max(len(sweep) for sweep in sweeps) - 1
        for gap in {int(j - i) for i, j in self.pairs}:
            here = min(gap, longest)  # where sweeps are too short, scale their longest gap
            values = [true_motion(sweep, here) for sweep in sweeps if len(sweep) > here]
            motion = np.concatenate(values) * gap / here
            known[gap] = motion.mean(0), np.maximum(motion.std(0), SMALLEST_STD)
        statistics = np.array([known[int(j - i)] for i, j in self.pairs])
        network.mean.copy_(torch.from_numpy(statistics[:, 0]))
        network.std.copy_(torch.from_numpy(statistics[:, 1]))

    def loss(self, frames: Tensor, prev_from_frame: Tensor, mm_from_pixel: Tensor) -> Tensor:
        """Return the corners' mean squared distance over all pairs, and the consistency term."""
        network = self.module()
        centre = geometry.image_centre(mm_from_pixel, frames.shape)[:, None]
        corners = corners_from_centre(frames, mm_from_pixel)
        motion = network(self.seen(frames)) * network.std + network.mean
        weight = self._weight(corners)
        truth = self._joined(geometry.about(centre, prev_from_frame))
        total = (weight * corner_distances(motion, truth, corners).mean((0, 2))).mean()
        if self.config.consistency:
            steps = geometry.from_degrees_of_freedom(motion[:, : self.window - 1])
            joined = corner_distances(motion, self._joined(steps), corners).mean((0, 2))
            total = total + self.config.consistency * (weight * joined).mean()
        return total

    def _joined(self, steps: Tensor) -> Tensor:
        """Return the centre motion (B, P, 6) of all pairs of steps (B, W-1, 4, 4) about it."""
        poses = geometry.chain(steps)
        first, second = torch.as_tensor(self.pairs, device=steps.device).unbind(1)
        return geometry.degrees_of_freedom(geometry.inverse(poses[:, first]) @ poses[:, second])

    def _weight(self, corners: Tensor) -> Tensor:
        """Return the weights (P,) of the squared distances of each pair, with mean one."""
        network = self.module()
        if not self.config.balance:
            return torch.ones(len(self.pairs), device=corners.device)
        reach = (corners**2).sum(-1).mean()
        spread = (network.std[:, :3] ** 2).sum(1) + (network.std[:, 3:] ** 2).sum(1) * reach
        return (1 / spread) / (1 / spread).mean()

    def motion(self, images: Images, device: torch.device) -> np.ndarray:
        count, window = len(images.frames), self.config.window
        total, holding = np.zeros((count - 1, 6)), np.zeros((count - 1, 1))
        for start in range(0, max(1, count - window + 1), WINDOWS_AT_ONCE):
            part = frames_on(images, start, start + WINDOWS_AT_ONCE + window - 1, device)
            if count < window:
                part = part[torch.as_tensor(back_and_forth(count, window), device=device)]
            windows = self.seen(part).unfold(0, window, 1).movedim(-1, 1)
            answers = self.scaled_back(self.module()(windows))[:, : window - 1]
            for place, steps in enumerate(answers, start):
                kept = min(window - 1, count - 1)
                total[place : place + kept] += steps[:kept]
                holding[place : place + kept] += 1
        return total / holding


class LongContextPaper(LongContext):
    """Long context at its published size (100 frames, EfficientNet-b1) and recipe; needs a GPU.

    Published for frames of 120 x 160 pixels. It differs from the publication as `long-context`
    does, apart from size and recipe.
    """

    name = "long-context-paper"
    Config = LongContextPaperConfig


def published_count(window: int) -> int:
    """Return the number of transforms published for a window, interpolated between its lengths.

    Up to 10 frames: all pairs.
    """
    if window <= 10:
        return window * (window - 1) // 2
    return round(float(np.interp(window, list(PUBLISHED), list(PUBLISHED.values()))))


def frame_pairs(window: int, count: int) -> np.ndarray:
    """Return `count` pairs (i, j), i < j, of a window's frames, neighbours first, (P, 2) int.

    All neighbours are taken; the others are spread evenly over all longer pairs, ordered by gap.
    """
    gaps = range(2, window)
    longer = np.array([(i, i + gap) for gap in gaps for i in range(window - gap)], int)
    neighbours = np.stack([np.arange(window - 1), np.arange(1, window)], 1)
    more = min(max(0, count - len(neighbours)), len(longer))
    chosen = np.linspace(0, len(longer) - 1, more).round().astype(int)
    return np.concatenate([neighbours, longer.reshape(-1, 2)[chosen]])


def back_and_forth(count: int, window: int) -> np.ndarray:
    """Return indices (window,) that run forwards and backwards through `count` frames in turn."""
    period = np.concatenate([np.arange(count - 1), np.arange(count - 1, 0, -1)])
    return np.resize(period, window)
