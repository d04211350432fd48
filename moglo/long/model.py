"""The network of `moglo-long`: descriptions of frame pairs, and a reader of sweeps of them."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from moglo.config import DEGREES_OF_FREEDOM
from moglo.inference import evaluating
from moglo.long.config import MoGLoLongConfig
from moglo.long.displacements import DisplacementHead, Displacements, fitted_motion
from moglo.long.tiles import tile_correlation
from moglo.model import MoGLoNet

GROUPS = 2
FINAL_TILE_CHANNELS = 16
ANSWERS = DEGREES_OF_FREEDOM + 1  # and the logarithm of sigma
LARGEST_LOG_SIGMA = 5.0


class Motions(NamedTuple):
    """Scaled motions (B, T, 6) and the logarithm (B, T) of sigma over the scale of a step."""

    six: Tensor
    log_sigma: Tensor


def _motions(six: Tensor, log_sigma: Tensor) -> Motions:
    return Motions(six, log_sigma.clamp(-LARGEST_LOG_SIGMA, LARGEST_LOG_SIGMA))


class TileEncoder(nn.Module):
    """Tile correlations (N, C, rows, columns) -> a description (N, features) of each pair.

    One small network describes every tile, a 3 x 3 convolution joins neighbours, and a linear layer
    weights each tile by its place: translation is a mean over tiles, rotation a gradient.
    """

    def __init__(self, channels: int, width: int, tiles: int, features: int):
        super().__init__()
        self.describe = nn.Sequential(
            nn.Conv2d(channels + 2, 2 * width, 1), nn.SiLU(inplace=True),
            nn.Conv2d(2 * width, width, 1), nn.SiLU(inplace=True),
            nn.Conv2d(width, width, 3, padding=1), nn.SiLU(inplace=True),
            nn.Conv2d(width, FINAL_TILE_CHANNELS, 1), nn.SiLU(inplace=True),
        )  # fmt: skip
        self.join = nn.Sequential(
            nn.Flatten(), nn.Linear(FINAL_TILE_CHANNELS * tiles, features), nn.SiLU(inplace=True)
        )
        rows = torch.linspace(-1, 1, round(tiles**0.5))
        places = torch.stack(torch.meshgrid(rows, rows, indexing="ij"))
        self.register_buffer("places", places, persistent=False)

    def forward(self, volumes: Tensor) -> Tensor:
        places = self.places.expand(len(volumes), -1, -1, -1)
        return self.join(self.describe(torch.cat([volumes, places], 1)))


class SweepReader(nn.Module):
    """Descriptions of all pairs of a sweep -> corrections of the motions read from each pair.

    One pair shows little of a fast step or of a small tilt, and its estimate tends to the mean of
    training. Motion is steady, so neighbours in time inform it. Corrections are zero until trained.

    Buffers: mean, std (features,) of the descriptions in training.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, config: MoGLoLongConfig):
        super().__init__()
        hidden = config.hidden
        self.jitter = config.jitter
        self.register_buffer("mean", torch.zeros(hidden))
        self.register_buffer("std", torch.ones(hidden))
        self.read = nn.Sequential(
            nn.Dropout(config.dropout), nn.Linear(hidden, hidden), nn.SiLU(),
            nn.Dropout(config.dropout),
        )  # fmt: skip
        self.recurrent = nn.GRU(
            hidden, hidden, batch_first=True, bidirectional=config.bidirectional
        )
        self.answer = nn.Linear(hidden * (3 if config.bidirectional else 2), ANSWERS)
        nn.init.zeros_(self.answer.weight)
        nn.init.zeros_(self.answer.bias)

    def forward(self, described: Tensor, state: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return corrections (B, T, 7) of six and log sigma, and the state after them."""
        seen = (described - self.mean) / self.std
        if self.training:
            seen = seen + self.jitter * torch.randn_like(seen)
        read = self.read(seen)
        past, state = self.recurrent(read, state)
        return self.answer(torch.cat([read, past], -1)), state


class LongNet(nn.Module):
    """Frames -> descriptions of the pairs that end at each -> one motion per frame, in sequence.

    Buffers: label_scale (6,) mm and degrees, the motion of an output of 1; pixel_mm (2,), the size
    of an input pixel along x and y; top_mm (), the depth of the first row of input pixels.
    """

    label_scale: Tensor
    pixel_mm: Tensor
    top_mm: Tensor

    def __init__(self, config: MoGLoLongConfig):
        super().__init__()
        self.config = config
        self.register_buffer("label_scale", torch.ones(DEGREES_OF_FREEDOM))
        self.register_buffer("pixel_mm", torch.zeros(2))
        self.register_buffer("top_mm", torch.zeros(()))
        described = 0
        if config.encoder:
            self.speckle = speckle_encoder(config)
            described += 2 * 8 * config.width
        if config.tiles:
            across = (config.frame_size - config.tile) // config.tile_stride + 1
            channels = config.gaps * ((2 * config.reach + 1) ** 2 + 1)
            self.tile_encoder = TileEncoder(channels, config.tile_width, across**2, config.hidden)
            described += config.hidden
        self.displacements: DisplacementHead | None = None
        self.motion_head = nn.Linear(config.hidden, DEGREES_OF_FREEDOM)
        fused = config.hidden
        if config.encoder and config.displacements:
            fused -= DEGREES_OF_FREEDOM
            side = config.pair_size
            self.displacements = DisplacementHead(8 * config.width, side, config.frame_size)
            with torch.no_grad():
                self.motion_head.weight[:, fused:] = torch.eye(DEGREES_OF_FREEDOM)
        self.fuse = nn.Sequential(nn.Linear(described, fused), nn.SiLU())
        self.sigma_head = nn.Linear(config.hidden, 1)
        if config.lstm:
            self.sequence = SweepReader(config)

    def describe(self, frames: Tensor, begin: int = 1) -> tuple[Tensor, Displacements | None]:
        """Return descriptions (B, W - begin, hidden) of the pairs that end at frames `begin` on.

        frames (B, W, S, S), standardised; a gap that reaches before the first frame starts there.
        The second result holds the displacements of the tiles of all pairs in a row, or None if
        they are off; the motion that fits them is the end of each description.
        """
        parts, moved = [], None
        batch, count = frames.shape[0], frames.shape[1] - begin
        if self.config.encoder:
            maps = self.speckle.encode_windows(frames[:, begin - 1 :])
            pairs = self.speckle.encode_pairs(*maps)
            parts += [pairs.local_vector, pairs.global_vector]
            if self.displacements is not None:
                moved = self.displacements(pairs.pair_map, self.pixel_mm, self.label_scale)
        if self.config.tiles:
            parts.append(self.tile_encoder(self.tile_volumes(frames, begin).flatten(0, 1)))
        described = self.fuse(torch.cat(parts, -1))
        if moved is not None:
            described = torch.cat([described, fitted_motion(moved, self.label_scale)], -1)
        return described.unflatten(0, (batch, count)), moved

    def tile_volumes(self, frames: Tensor, begin: int = 1) -> Tensor:
        """Return tile correlations (B, W - begin, C, rows, columns) of frames (B, W, S, S).

        Channels are, for each gap, its cells and the share of the gap that exists (below one only
        where a sequence begins). Speckle shows the distance of two frames as long as they are
        alike; over a longer gap a slow motion stands out more from noise.
        """
        config, parts = self.config, []
        ends = torch.arange(begin, frames.shape[1], device=frames.device)
        second = frames[:, begin:].flatten(0, 1)
        for gap in config.gap_frames:
            starts = (ends - gap).clamp_min(0)
            first = frames[:, starts].flatten(0, 1)
            volume = tile_correlation(first, second, config.reach, config.tile, config.tile_stride)
            share = ((ends - starts) / gap).to(volume.dtype).repeat(len(frames))
            share = share[:, None, None, None].expand(-1, 1, *volume.shape[2:])
            parts += [volume, share]
        return torch.cat(parts, 1).unflatten(0, (len(frames), len(ends)))

    def judge(self, described: Tensor) -> Motions:
        """Return motions of descriptions (B, T, hidden), each read from its own pair alone."""
        return _motions(self.motion_head(described), self.sigma_head(described.detach())[..., 0])

    def estimate(
        self, described: Tensor, state: Tensor | None = None
    ) -> tuple[Motions, Tensor | None]:
        """Return motions of descriptions (B, T, hidden) in sequence, and the state after them."""
        found = self.judge(described)
        if self.config.lstm:
            added, state = self.sequence(described, state)
            found = _motions(found.six + added[..., :-1], found.log_sigma + added[..., -1])
        return found, state

    def forward(self, frames: Tensor) -> tuple[Motions, Displacements | None]:
        """Return the motions into all but the first of the frames (B, W, S, S), pair by pair.

        The second result holds the displacements of the tiles of these pairs in a row, or None.
        """
        described, moved = self.describe(frames)
        return self.judge(described), moved


class LongStream:
    """Motions of frames that arrive one after another, or some at a time; the same as all at once.

    It keeps as many frames as the longest gap reaches back, and the recurrent state, which must run
    forwards only. The network answers in evaluation mode, whatever mode it is in.
    """

    def __init__(self, net: LongNet):
        self.net = net
        self.frames: Tensor | None = None
        self.state: Tensor | None = None

    def push(self, frames: Tensor) -> Motions:
        """Return the motions (1, M, ...) into each of the new frames (N, S, S), standardised.

        M = N, or N - 1 at the beginning.
        """
        described = self.describe(frames)
        if not described.shape[1]:
            empty = frames.new_zeros(1, 0, DEGREES_OF_FREEDOM)
            return Motions(empty, empty[..., 0])
        with evaluating(self.net):
            motions, self.state = self.net.estimate(described, self.state)
        return motions

    def describe(self, frames: Tensor) -> Tensor:
        """Return descriptions (1, M, hidden) of the pairs that end at each of the new frames."""
        begin = 1 if self.frames is None else len(self.frames)
        known = frames if self.frames is None else torch.cat([self.frames, frames])
        self.frames = known[-max(self.net.config.gap_frames) :]
        if len(known) <= begin:
            return known.new_zeros(1, 0, self.net.config.hidden)
        with evaluating(self.net):
            return self.net.describe(known[None], begin)[0]


def speckle_encoder(config: MoGLoLongConfig) -> MoGLoNet:
    """Return MoGLo-Net without its estimators, with the normalisation of the configuration."""
    net = MoGLoNet(config)
    del net.local_estimator, net.global_estimator, net.label_scale, net.pixel_mm, net.top_mm
    if config.normalise == "group":
        _replace_batch_by_group(net)
    return net


def _replace_batch_by_group(module: nn.Module) -> None:
    """Replace each batch normalisation below a module by group normalisation."""
    kinds: Sequence[type] = (nn.BatchNorm1d, nn.BatchNorm2d)
    for name, child in module.named_children():
        if isinstance(child, tuple(kinds)):
            channels = child.num_features
            groups = GROUPS if channels % GROUPS == 0 else 1
            setattr(module, name, nn.GroupNorm(groups, channels))
        else:
            _replace_batch_by_group(child)
