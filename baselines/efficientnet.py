"""The TUS-REC baseline: EfficientNet on two frames, trained by the distance of image corners."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from baselines.parts.learned import (
    LearnedConfig,
    MotionTracker,
    centre_motion_of,
    corner_distances,
    corners_from_centre,
    frames_on,
)
from benchmark.learning.ranges import above_zero, share
from benchmark.sweep import Images

PAIRS_AT_ONCE = 16
BLOCKS = (  # of EfficientNet (Tan and Le, ICML 2019, table 1): repeats, kernel, stride, expansion
    "r1_k3_s11_e1_i32_o16_se0.25",
    "r2_k3_s22_e6_i16_o24_se0.25",
    "r2_k5_s22_e6_i24_o40_se0.25",
    "r3_k3_s22_e6_i40_o80_se0.25",
    "r3_k5_s11_e6_i80_o112_se0.25",
    "r4_k5_s22_e6_i112_o192_se0.25",
    "r1_k3_s11_e6_i192_o320_se0.25",
)


@dataclass(frozen=True)
class EfficientNetConfig(LearnedConfig):
    """EfficientNet of a size that a CPU trains in minutes.

    width, depth: multiples of EfficientNet-b0's channels and repeats (b1: 1.0, 1.1); stages: how
    many of its seven are kept, each stride-two stage halving the map; dropout: of blocks for whole
    samples, and of the last features; norm_momentum: of the running means of batch normalisation.
    """

    width: float = above_zero(0.5)
    depth: float = above_zero(0.5)
    stages: int = 5
    dropout: float = share(0.0)
    norm_momentum: float = share(0.1)
    learning_rate: float = 0.027


@dataclass(frozen=True)
class EfficientNetB1Config(EfficientNetConfig):
    """The published size and recipe: EfficientNet-b1, Adam at 1e-4, batches of 16."""

    width: float = 1.0
    depth: float = 1.1
    stages: int = 7
    dropout: float = 0.2
    norm_momentum: float = 0.01
    learning_rate: float = 1e-4
    schedule: str = "constant"
    warm_up: float = 0.0
    standardise: bool = False
    mirror: bool = False
    average: float = 0.0
    unbiased: bool = False


class TusRecBaseline(MotionTracker):
    """EfficientNet estimates the step between two frames, trained by the distance of image corners.

    Source: the baseline of the TUS-REC challenges (Li et al., MICCAI 2024 and 2025). As published:
    two frames as two channels into EfficientNet without pretraining; six outputs; the mean squared
    distance (mm^2) between the image corners moved by the estimated and by the true step; Adam;
    no memory between pairs. What differs, and why: the outputs are the motion of the image centre
    and the rotation vector over their standard deviations in the training split, instead of mm and
    Euler angles, so that training starts at the mean motion; MONAI's EfficientNet instead of
    torchvision's. The CPU preset: half of b0's channels, half of its repeats and its first five
    stages of seven (a map of 6 x 6 pixels at the end, where b1 leaves 3 x 3), no dropout, rate
    0.027 falling as a cosine; frames standardised locally and mirrored at random, without which a
    small training set is remembered. `baselines.efficientnet:TusRecBaselineB1` is the full preset.
    """

    name = "tusrec-baseline"
    Config = EfficientNetConfig
    window = 2

    def build(self) -> nn.Module:
        return efficient_net(self.config, 2, 6)

    def loss(self, frames: Tensor, prev_from_frame: Tensor, mm_from_pixel: Tensor) -> Tensor:
        """Return the mean squared distance of the corners along each axis, mm^2."""
        network = self.module()
        truth = centre_motion_of(frames, prev_from_frame, mm_from_pixel)
        answer = network(self.seen(frames))[:, None] * network.std + network.mean
        corners = corners_from_centre(frames, mm_from_pixel)
        return corner_distances(answer, truth, corners).mean() / 3

    def motion(self, images: Images, device: torch.device) -> np.ndarray:
        found = []
        for start in range(0, len(images.frames) - 1, PAIRS_AT_ONCE):
            frames = self.seen(frames_on(images, start, start + PAIRS_AT_ONCE + 1, device))
            found.append(self.scaled_back(self.module()(torch.stack([frames[:-1], frames[1:]], 1))))
        return np.concatenate(found)


class TusRecBaselineB1(TusRecBaseline):
    """The TUS-REC baseline at its published size (EfficientNet-b1) and recipe.

    Published for frames of 480 x 640 pixels and some thousands of epochs; training needs a GPU. It
    differs from the publication as `tusrec-baseline` does, apart from size and recipe.
    """

    name = "tusrec-baseline-b1"
    Config = EfficientNetB1Config


def efficient_net(config: EfficientNetConfig, channels: int, outputs: int) -> nn.Module:
    """Return an EfficientNet from images (B, channels, H, W) to answers (B, outputs)."""
    from monai.networks.nets import EfficientNet

    return EfficientNet(
        list(BLOCKS[: config.stages]),
        spatial_dims=2,
        in_channels=channels,
        num_classes=outputs,
        width_coefficient=config.width,
        depth_coefficient=config.depth,
        dropout_rate=config.dropout,
        drop_connect_rate=config.dropout,
        norm=("batch", {"eps": 1e-3, "momentum": config.norm_momentum}),
    )
