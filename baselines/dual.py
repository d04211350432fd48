"""In the manner of DualTrack: a local 3D and a sparse global encoder, fused by a transformer.

Written from the method's published description alone.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from baselines.dcl import cropped
from baselines.monet import residual_trunk
from baselines.parts.learned import LearnedConfig, MotionTracker, centre_motion_of, frames_on
from benchmark.errors import UserError
from benchmark.sweep import Images

POSITIONS = 1000.0  # longest wavelength of the position code, in frames


@dataclass(frozen=True)
class DualConfig(LearnedConfig):
    """A network like DualTrack of a size that a CPU trains in minutes.

    window: frames of a training sample, and of a chunk when tracking; crop: side of the local
    encoder's central crop, 0 for the whole frame; local_width, local_blocks: channels of the 3D
    network's first stage and residual blocks of each of its four; local_grid: side of the grid that
    its last map is averaged to; global_every: the global encoder sees every so many-th frame;
    global_size: side in pixels that these frames are resampled to; global_width, global_blocks: of
    its 2D network; global_layers, fusion_layers: transformer layers; model, heads: width and heads
    of all transformers.
    """

    window: int = 16
    crop: int = 0
    local_width: int = 8
    local_blocks: int = 1
    local_grid: int = 3
    global_every: int = 4
    global_size: int = 48
    global_width: int = 8
    global_blocks: int = 1
    global_layers: int = 2
    fusion_layers: int = 2
    model: int = 64
    heads: int = 4
    batch_size: int = 3
    learning_rate: float = 2e-3
    optimiser: str = "adamw"
    weight_decay: float = 1e-3

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.model % self.heads:
            raise UserError(f"heads: expected a divisor of model ({self.model}), got {self.heads}")


@dataclass(frozen=True)
class DualPaperConfig(DualConfig):
    """The published size: 3D and 2D ResNet-18, transformers of width 512 with 8 heads."""

    window: int = 64
    crop: int = 256
    local_width: int = 64
    local_blocks: int = 2
    global_every: int = 16
    global_size: int = 224
    global_width: int = 64
    global_blocks: int = 2
    global_layers: int = 8
    fusion_layers: int = 6
    model: int = 512
    heads: int = 8
    batch_size: int = 2
    learning_rate: float = 1e-4
    schedule: str = "constant"
    warm_up: float = 0.0
    standardise: bool = False
    average: float = 0.0
    unbiased: bool = False


class DualTrack(MotionTracker):
    """A transformer fuses a local 3D encoder of all frames with a global encoder of few frames.

    Source: DualTrack (2025), written from its published description alone. As published: a 3D
    ResNet without temporal reduction behind a factorised (2 + 1)D first layer reads the frames'
    crops; a 2D ResNet and a transformer read whole frames at long intervals; a transformer decoder
    attends from the local tokens to each other and to the global ones; the six numbers of each step
    come from its token; mean squared error; mirrored samples. What differs, and why: both encoders
    and the fusion are trained at once, since the common budget has no stages; the local map becomes
    a token through 3 x 3 means and a linear layer instead of spatial attention; positions are coded
    as sines of the place within the chunk, not relative; no reversal or sub-sampling, since images
    do not show the sign of a step and all sweeps advance; no pretrained weights; the outputs are
    the motion of the image centre and the rotation vector over their standard deviations; a sweep
    is tracked in chunks as long as the training samples that overlap by half, and the answer for a
    step is that of the chunk in whose inner part it lies. The CPU preset: an eighth of the
    channels, one block a stage, width 64, two layers each, 16 frames, every fourth for the global
    encoder, rate 2e-3 falling as a cosine; frames standardised locally for the local encoder,
    without which a small training set is remembered. `baselines.dual:DualTrackPaper` is the full
    preset.
    """

    name = "dual-track"
    causal = False
    Config = DualConfig

    @property
    def window(self) -> int:  # type: ignore[override]
        """Frames of a training sample."""
        return self.config.window

    def build(self) -> nn.Module:
        return DualNet(self.config)

    def answer(self, frames: Tensor) -> Tensor:
        """Return standardised steps (B, W-1, 6) of frames (B, W, H, W') in [0, 1]."""
        config = self.config
        local = self.seen(cropped(frames, config.crop))
        sparse = nn.functional.interpolate(
            frames[:, :: config.global_every],
            size=(config.global_size, config.global_size),
            mode="bilinear",
            antialias=True,
        )
        return self.module()(local, sparse)

    def loss(self, frames: Tensor, prev_from_frame: Tensor, mm_from_pixel: Tensor) -> Tensor:
        """Return the mean squared error of the standardised motion."""
        network = self.module()
        truth = centre_motion_of(frames, prev_from_frame, mm_from_pixel)
        target = (truth - network.mean) / network.std
        return ((self.answer(frames) - target) ** 2).mean()

    def motion(self, images: Images, device: torch.device) -> np.ndarray:
        count = len(images.frames)
        length = min(self.config.window, count)
        motion = np.empty((count - 1, 6))
        starts = chunk_starts(count, length)
        for place, start in enumerate(starts):
            frames = frames_on(images, start, start + length, device)
            steps = self.scaled_back(self.answer(frames[None])[0])
            # The first half of the overlap keeps the answers of the chunk before.
            skip = (starts[place - 1] + length - 1 - start) // 2 if place else 0
            motion[start + skip : start + length - 1] = steps[skip:]
        return motion


class DualTrackPaper(DualTrack):
    """Local and global encoders at the published size (ResNet-18, width 512); needs a GPU.

    Sample length, batch and decoder layers are not published for one stage; here 64 frames, two
    samples and six layers. It differs from the publication as `dual-track` does, apart from
    size and recipe.
    """

    name = "dual-track-paper"
    Config = DualPaperConfig


def chunk_starts(count: int, length: int) -> list[int]:
    """Return the starts of half overlapping chunks of `length` frames that cover `count` frames."""
    last = count - length
    return [*range(0, last, max(1, length // 2)), last]


class DualNet(nn.Module):
    """Local encoder, global encoder, and the transformer that fuses their tokens."""

    def __init__(self, config: DualConfig):
        super().__init__()
        self.local = LocalEncoder(config)
        self.sparse = GlobalEncoder(config)
        self.every = config.global_every
        layer = nn.TransformerDecoderLayer(
            config.model, config.heads, 2 * config.model, 0.0, batch_first=True, norm_first=True
        )
        self.fusion = nn.TransformerDecoder(layer, config.fusion_layers)
        self.last = nn.Linear(config.model, 6)

    def forward(self, local: Tensor, sparse: Tensor) -> Tensor:
        """Return standardised steps (B, W-1, 6) of frames (B, W, H, W') and sparse (B, G, S, S)."""
        tokens, context = self.local(local), self.sparse(sparse)
        positions = torch.arange(tokens.shape[1], device=tokens.device)
        tokens = tokens + sine_code(positions, tokens.shape[-1])
        context = context + sine_code(positions[:: self.every], tokens.shape[-1])
        return self.last(self.fusion(tokens, context)[:, 1:])


class LocalEncoder(nn.Module):
    """3D ResNet without temporal reduction: frames (B, W, H, W') to tokens (B, W, model)."""

    def __init__(self, config: DualConfig):
        super().__init__()
        from monai.networks.nets import ResNet

        width = config.local_width
        middle = max(1, round(width * 45 / 64))  # as R(2+1)D's first layer, 45 into 64
        net = ResNet(
            "basic",
            [config.local_blocks] * 4,
            [width, 2 * width, 4 * width, 8 * width],
            n_input_channels=1,
            feed_forward=False,
            bias_downsample=False,
        )
        self.stem = nn.Sequential(
            nn.Conv3d(1, middle, (1, 7, 7), (1, 2, 2), (0, 3, 3), bias=False),
            nn.BatchNorm3d(middle),
            nn.ReLU(),
            nn.Conv3d(middle, width, (3, 1, 1), padding=(1, 0, 0), bias=False),
            nn.BatchNorm3d(width),
            nn.ReLU(),
        )
        self.stages = nn.Sequential(net.layer1, net.layer2, net.layer3, net.layer4)
        for layer in self.stages.modules():
            if isinstance(layer, nn.Conv3d) and layer.stride == (2, 2, 2):
                layer.stride = (1, 2, 2)
        self.pool = nn.AdaptiveAvgPool3d((None, config.local_grid, config.local_grid))
        self.last = nn.Linear(8 * width * config.local_grid**2, config.model)

    def forward(self, frames: Tensor) -> Tensor:
        maps = self.pool(self.stages(self.stem(frames[:, None])))
        return self.last(maps.swapaxes(1, 2).flatten(2))


class GlobalEncoder(nn.Module):
    """2D ResNet of single frames and a transformer: frames (B, G, S, S) to tokens (B, G, model)."""

    def __init__(self, config: DualConfig):
        super().__init__()
        self.every = config.global_every
        width = config.global_width
        self.trunk = residual_trunk(2, 1, width, config.global_blocks, pool=True)
        self.project = nn.Linear(8 * width, config.model)
        layer = nn.TransformerEncoderLayer(
            config.model, config.heads, 2 * config.model, 0.0, batch_first=True, norm_first=True
        )
        self.layers = nn.TransformerEncoder(layer, config.global_layers, enable_nested_tensor=False)

    def forward(self, frames: Tensor) -> Tensor:
        features = self.trunk(frames.flatten(0, 1)[:, None]).mean((2, 3))
        tokens = self.project(features).unflatten(0, frames.shape[:2])
        places = torch.arange(frames.shape[1], device=frames.device) * self.every
        return self.layers(tokens + sine_code(places, tokens.shape[-1]))


def sine_code(positions: Tensor, width: int) -> Tensor:
    """Return the position code (N, width) of positions (N,) in frames.

    Sines and cosines of geometrically rising wavelengths (Vaswani et al., NeurIPS 2017, 3.5).
    """
    exponents = torch.arange(0, width, 2, device=positions.device) / width
    phase = positions[:, None] / POSITIONS**exponents
    return torch.stack([phase.sin(), phase.cos()], -1).flatten(1)[:, :width]
