"""The network: frames -> frame maps -> pair features -> a six-vector per pair from two branches."""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from moglo.attention import MIXTURES, GlobalLocalAttention
from moglo.config import DEGREES_OF_FREEDOM, MoGLoConfig
from moglo.correlation import correlation_volume


class ResidualBlock(nn.Module):
    """3x3 conv - BN - SiLU - 3x3 conv - BN, plus shortcut, SiLU.

    The stride is in the first convolution; the shortcut is max-pooled over as many pixels. It has a
    1x1 convolution only where the number of channels changes: before the pooling, as published, or
    with `pool_first` after it, which is cheaper by the square of the stride. The released code
    builds that convolution in every block, and a channel gate over the 256 patches, and does not
    use them: 1,195,456 + 8,464 of its 27,905,952 parameters, which are not built here.
    """

    def __init__(self, inputs: int, outputs: int, stride: int = 1, pool_first: bool = False):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.SiLU(),
            nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False),
            nn.BatchNorm2d(outputs),
        )
        pool = [nn.MaxPool2d(stride)] if stride > 1 else []
        join = [nn.Conv2d(inputs, outputs, 1)] if inputs != outputs else []
        self.shortcut = nn.Sequential(*(pool + join if pool_first else join + pool))

    def forward(self, maps: Tensor) -> Tensor:
        return functional.silu(self.body(maps) + self.shortcut(maps))


def _stage(
    inputs: int, outputs: int, blocks: int, pool_first: bool, first: int = 1, last: int = 1
) -> nn.Sequential:
    """Return residual blocks; `first` and `last` are strides of the first and the last block."""
    layers = []
    for index in range(blocks):
        stride = (first if index == 0 else 1) * (last if index == blocks - 1 else 1)
        come = inputs if index == 0 else outputs
        layers.append(ResidualBlock(come, outputs, stride, pool_first))
    return nn.Sequential(*layers)


class PairFeatures(NamedTuple):
    """Features of N frame pairs.

    local_vector, global_vector (N, 8b): inputs of the two recurrent branches; pair_map
    (N, 8b, s, s): its local means are the global map before its gates; embedding (N, 16b, p, p):
    both maps, for the triplet loss; score (N, h/p, w/p): attention, for display; volume
    (N, templates, h/4, w/4) or None: resized correlation volume.
    """

    local_vector: Tensor
    global_vector: Tensor
    pair_map: Tensor
    embedding: Tensor
    score: Tensor
    volume: Tensor | None


class MotionEstimator(nn.Module):
    """LSTM over the pairs of a window from a zero state, and a linear head at every step."""

    def __init__(self, features: int, recurrent: bool):
        super().__init__()
        self.recurrent = nn.LSTM(features, features, batch_first=True) if recurrent else None
        self.head = nn.Linear(features, DEGREES_OF_FREEDOM)

    def forward(self, vectors: Tensor) -> Tensor:
        """Return (B, T, 6) of pair vectors (B, T, features)."""
        if self.recurrent is not None:
            vectors = self.recurrent(vectors)[0]
        return self.head(vectors)


class MoGLoNet(nn.Module):
    """MoGLo-Net in three steps that streaming calls apart: frames, pairs, sequences.

    With b the width and 256-pixel frames: frame map b x 64 x 64, local map 2b x 64 x 64, volume
    256 x 16 x 16, global map 8b x 4 x 4, mixed local patches 8b x 4 x 4.
    Buffers: label_scale (6,) mm and degrees, the motion of an output of 1; pixel_mm (2,), the size
    of an input pixel along x and y; top_mm (), the depth of the first row of input pixels.
    """

    label_scale: Tensor
    pixel_mm: Tensor
    top_mm: Tensor

    def __init__(self, config: MoGLoConfig):
        super().__init__()
        b, size = config.width, config.local_size
        self.config = config
        self.register_buffer("label_scale", torch.ones(DEGREES_OF_FREEDOM))
        self.register_buffer("pixel_mm", torch.zeros(2))
        self.register_buffer("top_mm", torch.zeros(()))
        self.stem = nn.Sequential(
            nn.Conv2d(1, b, 7, config.stem_stride, 3), nn.BatchNorm2d(b), nn.ReLU(inplace=True)
        )
        pool = config.pool_first
        self.stage1 = _stage(b, b, config.stage_blocks_1, pool, last=config.stage_stride)
        self.stage2 = _stage(2 * b, 2 * b, config.stage_blocks_2, pool)
        self.stage3 = _stage(2 * b, 4 * b, config.stage_blocks_3, pool, first=2, last=2)
        templates = (-(-size // config.template_stride)) ** 2
        joined = 4 * b + (templates if config.correlation != "off" else 0)
        self.stage4 = _stage(joined, 8 * b, config.stage_blocks_4, pool, last=config.last_stride)
        patches = (size // config.patch) ** 2
        self.attention = GlobalLocalAttention(
            2 * b, 8 * b, config.patch, patches, config.gates, config.score, config.gated_map
        )
        self.local_estimator = MotionEstimator(MIXTURES * 2 * b, config.lstm)
        self.global_estimator = MotionEstimator(8 * b, config.lstm)

    def encode_frames(self, frames: Tensor) -> Tensor:
        """Return frame maps (N, b, h, w) of frames (N, S, S) in [0, 1]."""
        return self.stage1(self.stem(frames[:, None]))

    def encode_windows(self, frames: Tensor) -> tuple[Tensor, Tensor]:
        """Return the earlier and the later map of all pairs of windows of frames (B, W, S, S).

        Maps are (B (W-1), b, h, w). In training with `inner_twice` every frame is encoded once for
        each of its pairs, so that inner frames weigh double in the statistics of the batch.
        """
        if self.training and self.config.inner_twice:
            both = torch.stack([frames[:, :-1], frames[:, 1:]])
            first, second = self.encode_frames(both.flatten(0, 2)).chunk(2)
            return first, second
        maps = self.encode_frames(frames.flatten(0, 1)).unflatten(0, frames.shape[:2])
        return maps[:, :-1].flatten(0, 1), maps[:, 1:].flatten(0, 1)

    def encode_pairs(self, first: Tensor, second: Tensor) -> PairFeatures:
        """Return the features of N pairs of frame maps (N, b, h, w)."""
        local_map = self.stage2(torch.cat([first, second], 1))
        pair_map = self.stage3(local_map)
        volume = self._volume(first, second, pair_map.shape[-2:])
        if volume is not None:
            pair_map = torch.cat([pair_map, volume.to(pair_map.dtype)], 1)
        pair_map = self.stage4(pair_map)
        global_map = functional.adaptive_avg_pool2d(pair_map, self.config.patch)
        mixed, global_map, score = self.attention(local_map, global_map)
        embedding = torch.cat([mixed, global_map], 1)
        vectors = mixed.mean((2, 3)), global_map.mean((2, 3))
        return PairFeatures(*vectors, pair_map, embedding, score, volume)

    def _volume(self, first: Tensor, second: Tensor, size: torch.Size) -> Tensor | None:
        """Return the correlation volume (N, templates, *size): channel = place, axes = shift.

        The last axis is the shift across columns, or with `row_shift_last` that across rows.
        """
        config = self.config
        if config.correlation == "off":
            return None
        if config.correlation == "fixed":
            first, second = first.detach(), second.detach()
        if config.centre_features:
            first, second = (maps - maps.mean((2, 3), keepdim=True) for maps in (first, second))
        volume = correlation_volume(first, second, config.radius, config.template_stride)
        if config.row_shift_last:
            volume = volume.transpose(-1, -2)
        return functional.interpolate(volume, size, mode="bilinear", align_corners=True)

    def estimate(self, local_vectors: Tensor, global_vectors: Tensor) -> tuple[Tensor, ...]:
        """Return the scaled motions (B, T, 6) of the branches in use, of vectors (B, T, 8b)."""
        branches = []
        if self.config.head in ("local", "mean"):
            branches.append(self.local_estimator(local_vectors))
        if self.config.head in ("global", "mean"):
            branches.append(self.global_estimator(global_vectors))
        return tuple(branches)

    def forward(self, frames: Tensor) -> tuple[tuple[Tensor, ...], Tensor]:
        """Return motions and embedding of windows of frames (B, W, S, S) in [0, 1], for the losses.

        The scaled motions of each branch are (B, W-1, 6); the embedding of the last pair is
        (B, 16b p p).
        """
        shape = (frames.shape[0], frames.shape[1] - 1)
        pairs = self.encode_pairs(*self.encode_windows(frames))
        branches = self.estimate(
            pairs.local_vector.unflatten(0, shape), pairs.global_vector.unflatten(0, shape)
        )
        return branches, pairs.embedding.unflatten(0, shape)[:, -1].flatten(1)
