"""DCL-Net and DC2-Net: 3D residual networks that estimate the mean motion of short clips."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from baselines.parts.learned import (
    LearnedConfig,
    MotionTracker,
    centre_motion_of,
    frames_on,
    trend_loss,
)
from baselines.parts.motion import true_motion
from benchmark.sweep import Images, Sweep

CLIPS_AT_ONCE = 16


@dataclass(frozen=True)
class DclConfig(LearnedConfig):
    """DCL-Net of a size that a CPU trains in minutes.

    window: frames of a clip; width: channels of the stem and of the first stage's bottlenecks,
    doubled by each later stage; blocks: one digit for each stage, its number of blocks; groups:
    cardinality; reduction: of squeeze and excitation; pool: whether the stem ends with a maximum
    over 3 x 3; crop: side of the central crop, 0 for the whole frame; trend: weight of the
    correlation loss; ranking, margin: weight and margin of the ranking loss.
    """

    window: int = 5
    width: int = 8
    blocks: str = "111"
    groups: int = 8
    reduction: int = 8
    pool: bool = False
    crop: int = 0
    trend: float = 1.0
    ranking: float = 0.0
    margin: float = 0.1
    batch_size: int = 8


@dataclass(frozen=True)
class Dc2Config(DclConfig):
    """DCL-Net's configuration with the margin ranking loss."""

    ranking: float = 1.0


@dataclass(frozen=True)
class DclPaperConfig(DclConfig):
    """The published size and recipe: ResNeXt-50, crops of 224 pixels, Adam at 5e-6."""

    width: int = 64
    blocks: str = "3463"
    groups: int = 32
    reduction: int = 16
    pool: bool = True
    crop: int = 224
    batch_size: int = 28
    learning_rate: float = 5e-6
    schedule: str = "step"
    steps: int = 80
    warm_up: float = 0.0
    standardise: bool = False
    mirror: bool = False
    average: float = 0.0
    unbiased: bool = False


@dataclass(frozen=True)
class Dc2PaperConfig(DclPaperConfig):
    """The published size and recipe with the margin ranking loss."""

    ranking: float = 1.0


class DclNet(MotionTracker):
    """A 3D ResNeXt with attention estimates the mean motion of a clip of five frames.

    Source: Guo et al., DCL-Net, MICCAI 2020. As published: clips of consecutive frames; a 3D
    ResNeXt that reduces space before time; self-attention over its last map; six outputs, the mean
    motion between the clip's neighbours, standardised by the training split; mean squared error
    plus one minus Pearson's correlation of each degree of freedom over the batch; Adam; the answer
    for a step is the mean over all clips that hold it, so the tracker needs later frames. What
    differs, and why: blocks are MONAI's, with squeeze and excitation in each; the outputs are the
    motion of the image centre and the rotation vector instead of mm and Euler angles. The CPU
    preset: three stages of one block each at an eighth of the width, cardinality 8 instead of 32,
    no pooling in the stem, the whole frame instead of a crop, batches of 8 at a rate of 3e-3
    falling as a cosine instead of 28 at 5e-6; frames standardised locally and mirrored at random,
    without which a small training set is remembered. `baselines.dcl:DclNetPaper` is the full
    preset.
    """

    name = "dcl-net"
    causal = False
    Config = DclConfig

    @property
    def window(self) -> int:  # type: ignore[override]
        """Frames of a clip."""
        return self.config.window

    def build(self) -> nn.Module:
        return ClipNet(self.config)

    def labels(self, sweep: Sweep) -> np.ndarray:
        """Return the mean motion (n, 6) of each of a sweep's clips."""
        return clip_means(true_motion(sweep), self.config.window - 1)

    def loss(self, frames: Tensor, prev_from_frame: Tensor, mm_from_pixel: Tensor) -> Tensor:
        """Return squared error, correlation loss and, where weighted, the ranking loss."""
        config, network = self.config, self.module()
        truth = centre_motion_of(frames, prev_from_frame, mm_from_pixel).mean(1)
        target = (truth - network.mean) / network.std
        answer, embedding = network.both(self.seen(cropped(frames, config.crop)))
        total = ((answer - target) ** 2).mean() + config.trend * trend_loss(answer, target)
        if config.ranking:
            total = total + config.ranking * margin_ranking(embedding, target, config.margin)
        return total

    def motion(self, images: Images, device: torch.device) -> np.ndarray:
        count = len(images.frames)
        clip = min(self.config.window, count)
        found, network = [], self.module()
        for start in range(0, count - clip + 1, CLIPS_AT_ONCE):
            part = frames_on(images, start, start + CLIPS_AT_ONCE + clip - 1, device)
            clips = self.seen(cropped(part, self.config.crop)).unfold(0, clip, 1).movedim(-1, 1)
            found.append(self.scaled_back(network.both(clips)[0]))
        return spread_over_steps(np.concatenate(found), clip - 1)


class Dc2Net(DclNet):
    """DCL-Net with a margin ranking loss, by which clips of similar motion get similar embeddings.

    Source: Guo et al., DC2-Net, IEEE TBME 2022. As `dcl-net`, whose card holds here too, with the
    loss published for it: in each triple of a batch, the clip whose motion is nearer to that of the
    first should also be nearer to it in the space of the last features, by a margin of 0.1.
    Distances of embeddings and of standardised motions are Euclidean; the published weight and
    margin are not known, here they are 1 and 0.1. `baselines.dcl:Dc2NetPaper` is the full preset.
    """

    name = "dc2-net"
    Config = Dc2Config


class DclNetPaper(DclNet):
    """DCL-Net at its published size (3D ResNeXt-50, cardinality 32) and recipe; needs a GPU.

    It differs from the publication as `dcl-net` does, apart from size and recipe.
    """

    name = "dcl-net-paper"
    Config = DclPaperConfig


class Dc2NetPaper(Dc2Net):
    """DC2-Net at its published size (3D ResNeXt-50, cardinality 32) and recipe; needs a GPU.

    It differs from the publication as `dc2-net` does, apart from size and recipe.
    """

    name = "dc2-net-paper"
    Config = Dc2PaperConfig


def cropped(frames: Tensor, side: int) -> Tensor:
    """Return the central crop (..., side, side) of frames (..., H, W); the whole frame for 0."""
    if not side:
        return frames
    height, width = frames.shape[-2:]
    top, left = max(0, (height - side) // 2), max(0, (width - side) // 2)
    return frames[..., top : top + side, left : left + side]


def clip_means(motion: np.ndarray, steps: int) -> np.ndarray:
    """Return the means (n, 6) of `steps` consecutive rows, or of all rows if there are fewer."""
    steps = min(steps, len(motion))
    return np.lib.stride_tricks.sliding_window_view(motion, steps, axis=0).mean(-1)


def spread_over_steps(means: np.ndarray, steps: int) -> np.ndarray:
    """Return, for each step, the mean of the answers of the clips that contain it.

    means (n, 6): clip i contains steps i to i + steps - 1. Returns (n + steps - 1, 6).
    """
    total = np.zeros((len(means) + steps - 1, means.shape[1]))
    holding = np.zeros((len(total), 1))
    for offset in range(steps):
        total[offset : offset + len(means)] += means
        holding[offset : offset + len(means)] += 1
    return total / holding


def margin_ranking(embedding: Tensor, motion: Tensor, margin: float) -> Tensor:
    """Return the ranking loss that orders distances of embeddings as those of motions are.

    embedding (B, D), motion (B, 6) standardised. Over all a, b, c of the batch with
    |y_a - y_b| < |y_a - y_c|: mean of relu(|v_a - v_b| - |v_a - v_c| + margin). Zero where B < 3.
    """
    count = len(embedding)
    if count < 3:
        return embedding.sum() * 0
    a, b, c = torch.cartesian_prod(*[torch.arange(count, device=embedding.device)] * 3).unbind(1)
    distinct = (a != b) & (a != c) & (b != c)
    # The distance of an embedding to itself has no gradient; no triple contains such a pair.
    apart, unlike = torch.cdist(embedding, embedding), torch.cdist(motion, motion)
    nearer = distinct & (unlike[a, b] < unlike[a, c])
    a, b, c = a[nearer], b[nearer], c[nearer]
    return functional.relu(apart[a, b] - apart[a, c] + margin).sum() / max(1, len(a))


class ClipNet(nn.Module):
    """3D ResNeXt with attention over its last map: clips (B, W, H, W') to answers (B, 6).

    The stem and the first two stages reduce space only; later stages also halve time.
    """

    def __init__(self, config: DclConfig):
        super().__init__()
        width = config.width
        stem: list[nn.Module] = [
            nn.Conv3d(1, width, (3, 7, 7), (1, 2, 2), (1, 3, 3), bias=False),
            nn.BatchNorm3d(width),
            nn.ReLU(),
        ]
        if config.pool:
            stem.append(nn.MaxPool3d((1, 3, 3), (1, 2, 2), (0, 1, 1)))
        self.stem = nn.Sequential(*stem)
        stages, channels = [], width
        for stage, blocks in enumerate(config.blocks):
            stride = ((1, 1, 1), (1, 2, 2))[stage > 0] if stage < 2 else (2, 2, 2)
            planes = width * 2**stage
            stages.append(_stage(config, channels, planes, int(blocks), stride))
            channels = 4 * planes
        self.stages = nn.Sequential(*stages)
        self.attention = NonLocal(channels)
        self.last = nn.Linear(channels, 6)

    def both(self, clips: Tensor) -> tuple[Tensor, Tensor]:
        """Return standardised mean motion (B, 6) and embedding (B, D) of clips (B, W, H, W')."""
        features = self.attention(self.stages(self.stem(clips[:, None])))
        embedding = features.mean((2, 3, 4))
        return self.last(embedding), embedding

    def forward(self, clips: Tensor) -> Tensor:
        return self.both(clips)[0]


def _stage(
    config: DclConfig, channels: int, planes: int, blocks: int, stride: tuple[int, int, int]
) -> nn.Module:
    """Return a stage of MONAI's SE-ResNeXt bottlenecks, from `channels` to 4 * planes."""
    from monai.networks.blocks import Convolution, SEResNeXtBottleneck

    project = Convolution(
        spatial_dims=3,
        in_channels=channels,
        out_channels=4 * planes,
        strides=stride,
        kernel_size=1,
        act=None,
        norm="batch",
        bias=False,
    )
    shared = {"planes": planes, "groups": config.groups, "reduction": config.reduction}
    # Grouped width is planes * base / 64 * groups; with 32 groups and base 4 that is 2 * planes.
    shared["base_width"] = max(1, 2 * 64 // config.groups)
    first = SEResNeXtBottleneck(3, channels, stride=stride, downsample=project, **shared)
    rest = [SEResNeXtBottleneck(3, 4 * planes, **shared) for _ in range(blocks - 1)]
    return nn.Sequential(first, *rest)


class NonLocal(nn.Module):
    """Self-attention over all places of a map, added to it (Wang et al., CVPR 2018, eqs 1 and 6).

    The last projection starts at zero, so that the block starts as the identity.
    """

    def __init__(self, channels: int):
        super().__init__()
        half = channels // 2
        self.query, self.key, self.value = (nn.Conv3d(channels, half, 1) for _ in range(3))
        self.out = nn.Conv3d(half, channels, 1)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, features: Tensor) -> Tensor:
        query, key, value = (
            layer(features).flatten(2).swapaxes(1, 2)
            for layer in (self.query, self.key, self.value)
        )
        seen = functional.scaled_dot_product_attention(query, key, value)
        return features + self.out(seen.swapaxes(1, 2).unflatten(2, features.shape[2:]))
