"""A small network of each learned family, fitted to training sweeps, and batches for it."""

import numpy as np
import torch

from baselines.dcl import DclConfig, DclNet
from baselines.dual import DualConfig, DualTrack
from baselines.efficientnet import EfficientNetConfig, TusRecBaseline
from baselines.long_context import LongContext, LongContextConfig
from baselines.monet import MoNet, MoNetConfig
from baselines.parts.learned import MotionTracker
from baselines.two_frame import TwoFrameCnn, TwoFrameConfig

TINY = {
    TwoFrameCnn: TwoFrameConfig(width=4, hidden=16),
    TusRecBaseline: EfficientNetConfig(width=0.25, depth=0.3, stages=3),
    DclNet: DclConfig(window=3, width=4, blocks="11", groups=2, reduction=4, ranking=1.0),
    LongContext: LongContextConfig(window=4, width=0.25, depth=0.3, stages=3),
    MoNet: MoNetConfig(window=4, width=4, hidden=16),
    DualTrack: DualConfig(window=5, local_width=4, global_width=4, model=16, heads=2),
}


def batch_of(sweep, window, count=4):
    """Return `count` windows of a sweep: frames, prev_from_frame, mm_from_pixel as tensors."""
    images = torch.from_numpy(np.asarray(sweep.bmode.frames)).float() / 255
    steps = torch.from_numpy(sweep.prev_from_frame).float()
    starts = range(0, 5 * count, 5)
    return (
        torch.stack([images[i : i + window] for i in starts]),
        torch.stack([steps[i : i + window - 1] for i in starts]),
        torch.from_numpy(sweep.bmode.mm_from_pixel).float().expand(count, 4, 4),
    )


def made(kind, config, sweeps) -> MotionTracker:
    """Return a tracker of class `kind`, seeded and fitted to `sweeps`."""
    torch.manual_seed(0)
    tracker = kind(config)
    tracker.fit(sweeps)
    return tracker
