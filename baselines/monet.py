"""MoNet without IMU: ResNet-18 and a convolutional LSTM over the pairs of a sweep."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from baselines.parts.learned import (
    LearnedConfig,
    MotionTracker,
    centre_motion_of,
    frames_on,
    trend_loss,
)
from benchmark.learning.ranges import above_zero
from benchmark.sweep import Images

PAIRS_AT_ONCE = 16
ANGLE_WEIGHT = 100.0  # of angles in rad beside mm, as published


@dataclass(frozen=True)
class MoNetConfig(LearnedConfig):
    """MoNet of a size that a CPU trains in minutes.

    window: frames of a training sequence; width: channels of ResNet-18's first stage, doubled by
    each later one; blocks: residual blocks of each of the four stages; pool: maximum after the
    first convolution; hidden: channels of the recurrent state; absolute: weight of the absolute
    error, trend: of the correlation loss; standardised_loss: absolute errors over the spread of
    each degree of freedom instead of mm beside 100 rad.
    At test time consistency_rounds: rounds of RecON's frame-level consistency (0: none);
    adaptation_rate: learning rate of their Adam; chunk: frames made consistent at once;
    reslice_scale: scale to which these frames are reduced.
    """

    window: int = 12
    width: int = 12
    blocks: int = 1
    pool: bool = False
    hidden: int = 64
    absolute: float = 3.0
    trend: float = 1.0
    standardised_loss: bool = True
    consistency_rounds: int = 0
    adaptation_rate: float = above_zero(1e-5)
    chunk: int = 40
    reslice_scale: float = 0.3
    batch_size: int = 4
    learning_rate: float = 2e-3


@dataclass(frozen=True)
class MoNetPaperConfig(MoNetConfig):
    """The published size and recipe: ResNet-18, state of 512, one sequence a batch, Adam at 1e-4.

    Published sequences have 20 to 120 frames at random; here all have 70.
    """

    window: int = 70
    width: int = 64
    blocks: int = 2
    pool: bool = True
    hidden: int = 512
    standardised_loss: bool = False
    batch_size: int = 1
    learning_rate: float = 1e-4
    schedule: str = "step"
    steps: int = 7
    step_factor: float = 0.5
    warm_up: float = 0.0
    standardise: bool = False
    average: float = 0.0
    unbiased: bool = False


class MoNet(MotionTracker):
    """ResNet-18 describes pairs of frames, and a convolutional LSTM reads them over the sweep.

    Source: Luo et al., MoNet, MICCAI 2022, without its IMU; RecON, Medical Image Analysis 2023. As
    published: two frames as channels of ResNet-18 without its last pooling; a 3 x 3 convolutional
    LSTM over the pairs, an average over its map and a linear layer into six; absolute error, the
    angles counting more, and one minus Pearson's correlation over each sequence; Adam; sequences
    at random from the sweeps. What differs, and why: the branches that read acceleration and angle
    of an IMU are left out with the part of the adaptation that needs them; no sub-sampling and no
    reversal of sequences, since images do not show the sign of a step and all sweeps advance; no
    pretrained weights; the outputs are the motion of the image centre and the rotation vector over
    their standard deviations in the training split. RecON's frame-level consistency at test time
    can be switched on (`consistency_rounds`, see `baselines.parts.consistency`); its edge and flow
    channels, imitation of training scans and adversarial prior are left out. The CPU preset: a
    fifth of the width, one block a stage, no pooling after the first convolution, state of 64
    channels, 12 frames, four sequences a batch, rate 2e-3 falling as a cosine, absolute errors over
    each degree of freedom's spread; frames standardised locally and mirrored at random, without
    which a small training set is remembered. `baselines.monet:MoNetPaper` is the full preset.
    """

    name = "monet"
    Config = MoNetConfig

    @property
    def causal(self) -> bool:  # type: ignore[override]
        """Whether only earlier frames are used; false if whole chunks are made consistent."""
        return not self.config.consistency_rounds

    @property
    def window(self) -> int:  # type: ignore[override]
        """Frames of a training sequence."""
        return self.config.window

    def build(self) -> nn.Module:
        return PairSequenceNet(self.config)

    def loss(self, frames: Tensor, prev_from_frame: Tensor, mm_from_pixel: Tensor) -> Tensor:
        """Return the weighted sum of absolute error and correlation loss over the sequences."""
        config, network = self.config, self.module()
        truth = centre_motion_of(frames, prev_from_frame, mm_from_pixel)
        target = (truth - network.mean) / network.std
        answer = network(self.seen(frames))[0]
        error = (answer - target).abs()
        if not config.standardised_loss:
            published = error.new_tensor([1.0] * 3 + [ANGLE_WEIGHT] * 3)
            error = 2 * error * network.std * published  # published: two means, not one of six
        return config.absolute * error.mean() + config.trend * trend_loss(answer, target, 1)

    def motion(self, images: Images, device: torch.device) -> np.ndarray:
        if self.config.consistency_rounds:
            from baselines.parts.consistency import adapted_motion

            return adapted_motion(self, images, device)
        found, state, network = [], None, self.module()
        for start in range(0, len(images.frames) - 1, PAIRS_AT_ONCE):
            frames = self.seen(frames_on(images, start, start + PAIRS_AT_ONCE + 1, device))
            answer, state = network(frames[None], state)
            found.append(self.scaled_back(answer[0]))
        return np.concatenate(found)


class MoNetPaper(MoNet):
    """MoNet without IMU at its published size (ResNet-18, state of 512) and recipe; needs a GPU.

    It differs from the publication as `monet` does, apart from size and recipe.
    """

    name = "monet-paper"
    Config = MoNetPaperConfig


State = tuple[Tensor, Tensor]


class PairSequenceNet(nn.Module):
    """ResNet-18 trunk, convolutional LSTM, mean over the map, linear layer."""

    def __init__(self, config: MoNetConfig):
        super().__init__()
        self.trunk = residual_trunk(2, 2, config.width, config.blocks, config.pool)
        self.memory = ConvolutionalLstm(8 * config.width, config.hidden)
        self.last = nn.Linear(config.hidden, 6)

    def forward(self, frames: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Return standardised motion (B, W-1, 6) of frames (B, W, H, W'), and the last state."""
        batch, count = len(frames), frames.shape[1] - 1
        pairs = torch.stack([frames[:, :-1], frames[:, 1:]], 2).flatten(0, 1)
        maps = self.trunk(pairs).unflatten(0, (batch, count))
        pooled = []
        for features in maps.unbind(1):
            state = self.memory(features, state)
            pooled.append(state[0].mean((2, 3)))
        assert state is not None
        return self.last(torch.stack(pooled, 1)), state


class ConvolutionalLstm(nn.Module):
    """One step of a convolutional LSTM (Shi et al., NeurIPS 2015, eq. 3, without peepholes)."""

    def __init__(self, channels: int, hidden: int):
        super().__init__()
        self.hidden = hidden
        self.gates = nn.Conv2d(channels + hidden, 4 * hidden, 3, padding=1)

    def forward(self, features: Tensor, state: State | None) -> State:
        """Return the new (hidden, cell), each (B, hidden, H, W), after features (B, C, H, W)."""
        if state is None:
            zero = features.new_zeros(len(features), self.hidden, *features.shape[2:])
            state = zero, zero
        hidden, cell = state
        entry, forget, out, new = self.gates(torch.cat([features, hidden], 1)).chunk(4, 1)
        cell = forget.sigmoid() * cell + entry.sigmoid() * new.tanh()
        return out.sigmoid() * cell.tanh(), cell


def residual_trunk(
    dimensions: int, channels: int, width: int, blocks: int, pool: bool
) -> nn.Sequential:
    """Return MONAI's ResNet without its pooling and last layer, as one sequence.

    dimensions: 2, or 3 with time first; blocks: of each of the four stages (ResNet-18: two). The
    first convolution and each of the last three stages halve the image.
    """
    from monai.networks.nets import ResNet

    net = ResNet(
        "basic",
        [blocks] * 4,
        [width, 2 * width, 4 * width, 8 * width],
        spatial_dims=dimensions,
        n_input_channels=channels,
        conv1_t_stride=2,
        no_max_pool=not pool,
        feed_forward=False,
        bias_downsample=False,
    )
    first = [net.conv1, net.bn1, net.act] + ([net.maxpool] if pool else [])
    return nn.Sequential(*first, net.layer1, net.layer2, net.layer3, net.layer4)
