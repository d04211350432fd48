"""The network: correlations of tiles -> displacements -> one rigid motion a step -> a sweep."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from benchmark import geometry
from moglo.any.alignment import shifts
from moglo.any.config import MoGLoAnyConfig
from moglo.any.fit import Tiles, fitted
from moglo.any.frames import Seen
from moglo.any.sigma import Calibration, Sigma
from moglo.any.volumes import gap_pairs, gap_volumes, tile_correlation, tile_means

LOG_SIGMA = (-5.0, 3.0)  # least and largest, of a displacement in correlation lengths
ROOT = (0.02, 0.9999)  # correlations whose distance in correlation lengths is told
NEIGHBOURS = (5, 6, 7, 8)  # cells of a frame with itself: those to the right and below
TOLD = 8  # channels of a tile beside correlations of pairs and of neighbours
SIX = 6
IN_PLANE = 2
ELEVATIONAL = 2  # place of the elevational translation among the six
SHARPNESS = 40.0  # of the weights of correlations that tell the shift in the plane
FIRST = 0.5  # of the distance that neighbours' correlation stands for is out of the plane
SOME = 6  # frames from which the look of the speckle is told


class Motions(NamedTuple):
    """Motions of the steps of sweeps, in units of the speckle.

    six (B, T, 6): translation of the image centre and rotation vector, over `units` (B, 6), mm and
    rad; log_frame (B, T): logarithm of the sigma of each step by itself, in elevational lengths;
    log_slow (B, T): of the share of a step that is wrong in all steps alike.
    """

    six: Tensor
    units: Tensor
    log_frame: Tensor
    log_slow: Tensor

    def steps(self) -> Tensor:
        """Return the steps (B, T, 4, 4) about the image centre, mm."""
        return geometry.from_degrees_of_freedom(self.six * self.units[:, None])

    def sigma(self) -> Sigma:
        """Return both parts of sigma (B, T), mm, not calibrated."""
        moved = (self.six * self.units[:, None])[..., :3].detach().norm(dim=-1)
        length = self.units[:, None, ELEVATIONAL]
        return Sigma(self.log_frame.exp() * length, self.log_slow.exp() * moved)


def channels(config: MoGLoAnyConfig) -> int:
    """Return the number of channels that a tile is told."""
    return config.gaps * ((2 * config.reach + 1) ** 2 + 3) + len(NEIGHBOURS) + IN_PLANE + TOLD


def told(seen: Seen, steps: Sequence[int], config: MoGLoAnyConfig) -> Tensor:
    """Return what tiles are told of each of some steps, (B, T, C, rows, columns); no gradient.

    First what physics says, see `first_answers`. Then for each gap the correlations, the distance
    in correlation lengths that the highest stands for, and the gap; correlations of pixels with
    their neighbours; grey levels; lengths; the mask.
    """
    tile = (config.tile, config.tile_stride)
    with torch.no_grad(), torch.autocast(seen.frames.device.type, enabled=False):
        parts, across, shifted = [], [], shifts(seen.frames)
        mask = tile_means(seen.mask, *tile)[:, None]
        for wanted in config.gap_frames:
            starts, gap = gap_pairs(steps, seen.frames.shape[1], wanted)
            grid = (config.reach, *tile)
            volume, offset = gap_volumes(seen.frames, shifted, gap, starts, grid)
            root = distance(volume)
            across.append((distance(_mean(volume, mask, (4,))) / gap).expand_as(root))
            if wanted == 1:
                in_plane = shift(volume, offset, mask, seen, config)
            parts += [volume, root, torch.full_like(root, gap).log2()]
        parts = [*across, in_plane, *parts]
        constant = torch.cat([_neighbours(seen, config), _of_tissue(seen, config)], 1)
        parts.append(constant[:, None].expand(-1, len(steps), -1, -1, -1))
        later = [step + 1 for step in steps]
        parts += [_levels(seen, later, config)]
    return torch.cat(parts, 2)


def distance(volume: Tensor) -> Tensor:
    """Return the distance (B, T, 1, ...) at which developed speckle correlates as the best cell.

    volume (B, T, cells, ...); in elevational correlation lengths, sqrt(-2 ln correlation).
    """
    return (-2 * volume.amax(2, keepdim=True).clamp(*ROOT).log()).sqrt()


def shift(
    volume: Tensor, offset: Tensor, mask: Tensor, seen: Seen, config: MoGLoAnyConfig
) -> Tensor:
    """Return the displacement (B, T, 2, rows, columns) in the plane at which tiles agree best.

    volume (B, T, cells, rows, columns), offset (B, T, 2), see `gap_volumes`; lateral and axial, in
    correlation lengths: the mean over cells, weighted by an exponential function of correlation.
    Correlations are means over rows for the lateral one and over columns for the axial one, along
    which a rigid motion in the plane does not change it.
    """
    side = torch.arange(-config.reach, config.reach + 1.0, device=volume.device)
    cells = (side.repeat(len(side)), side.repeat_interleave(len(side)))
    found = []
    for axis, place in zip((4, 3), cells, strict=True):
        weight = (SHARPNESS * _mean(volume, mask, (axis,))).softmax(2)
        found.append((weight * place[:, None, None]).sum(2).expand_as(volume[:, :, 0]))
    pixels = torch.stack(found, 2) + offset.flip(2)[..., None, None]
    length = tile_means(seen.lengths[:, :2], config.tile, config.tile_stride)
    return pixels * (seen.pixel_mm[:, :, None, None] / length)[:, None]


def _neighbours(seen: Seen, config: MoGLoAnyConfig) -> Tensor:
    """Return correlations (B, 4, rows, columns) of pixels with neighbours, mean over frames."""
    frames = some_frames(seen)
    flat = frames.flatten(0, 1)
    cells = tile_correlation(flat, flat, 1, config.tile, config.tile_stride)
    return cells[:, NEIGHBOURS].unflatten(0, frames.shape[:2]).mean(1)


def some_frames(seen: Seen) -> Tensor:
    """Return some frames (B, n, h, w), evenly over all, for what changes little in a sweep."""
    count = seen.frames.shape[1]
    return seen.frames[:, :: -(-count // SOME)]


def _of_tissue(seen: Seen, config: MoGLoAnyConfig) -> Tensor:
    """Return (B, 5, rows, columns): the mask, lengths in pixels, and shape of the grey levels."""
    tile = (config.tile, config.tile_stride)
    pixels = (seen.lengths[:, :2] / seen.pixel_mm[:, :, None, None]).log()
    frames = some_frames(seen)
    shape = torch.stack([(frames * frames.square()).mean(1), frames.abs().mean(1)], 1)
    return tile_means(torch.cat([seen.mask, pixels, shape], 1), *tile)


def _levels(seen: Seen, frames: Sequence[int], config: MoGLoAnyConfig) -> Tensor:
    """Return (B, T, 3, rows, columns): contrast, its change since the first frame, its excess."""
    tile = (config.tile, config.tile_stride)
    contrast = tile_means(seen.contrast, *tile)
    mean = contrast.mean((2, 3), keepdim=True)
    now = contrast[:, frames]
    return torch.stack([now, now - contrast.mean(1, keepdim=True), now - mean[:, frames]], 2)


class TileReader(nn.Module):
    """What tiles are told (N, C, rows, columns) -> displacements of tiles, and a description.

    Every tile is described by itself, then told the means of its row (speckle of one depth) and of
    the image, then its neighbours. Means are over tissue alone.
    """

    def __init__(self, config: MoGLoAnyConfig):
        super().__init__()
        width = config.width
        self.context = config.context
        self.describe = nn.Sequential(
            nn.Conv2d(channels(config), width, 1), nn.SiLU(), nn.Conv2d(width, width, 1), nn.SiLU()
        )
        self.place = nn.Sequential(
            nn.Conv2d((3 if config.context else 1) * width, width, 1), nn.SiLU()
        )
        self.join = nn.Sequential(nn.Conv2d(width, width, 3, padding=1), nn.SiLU())
        self.answer = nn.Conv2d(width, 6, 1)
        self.gaps = config.gaps
        self.across = nn.Parameter(torch.tensor([FIRST] + [0.0] * (config.gaps - 1)))
        nn.init.zeros_(self.answer.weight)
        nn.init.zeros_(self.answer.bias)

    def forward(self, given: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
        """Return answers (N, 6, rows, columns) and descriptions (N, width), weights (N, 1, ...).

        Answers begin as what physics says: shift in the plane, and distance out of it.
        """
        across = torch.einsum("g,ngyx->nyx", self.across, given[:, : self.gaps])[:, None]
        first = torch.cat([given[:, self.gaps : self.gaps + IN_PLANE], across], 1)
        found = self.describe(given)
        if self.context:
            row, image = _mean(found, weight, (3,)), _mean(found, weight, (2, 3))
            found = torch.cat([found, row.expand_as(found), image.expand_as(found)], 1)
        found = self.place(found)
        found = found + self.join(found * weight)
        answer = self.answer(found)
        answer = torch.cat([answer[:, :3] + first, answer[:, 3:]], 1)
        return answer, _mean(found, weight, (2, 3)).flatten(1)


def _mean(values: Tensor, weight: Tensor, axes: tuple[int, ...]) -> Tensor:
    """Return the weighted mean of values over axes, which are kept; 0 where nothing weighs."""
    return (values * weight).sum(axes, keepdim=True) / weight.sum(axes, keepdim=True).clamp_min(
        1e-3
    )


class SweepReader(nn.Module):
    """Motions and descriptions of all steps (B, T, inputs) -> corrections.

    A recurrent part reads both ways in time. The mean over the sweep tells the scale: what is the
    same in all frames (coherent tissue, the machine's filters) shows there best.
    """

    def __init__(self, inputs: int, hidden: int):
        super().__init__()
        self.read = nn.Sequential(nn.Linear(inputs, hidden), nn.SiLU())
        self.recurrent = nn.GRU(hidden, hidden, batch_first=True, bidirectional=True)
        self.scale = nn.Sequential(nn.Linear(hidden, hidden), nn.SiLU(), nn.Linear(hidden, 1))
        self.features = 4 * hidden
        self.answer = nn.Linear(self.features, SIX)
        for layer in (self.answer, self.scale[-1]):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, given: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return corrections (B, T, 6), the logarithm of a scale (B, 1), features (B, T, ...)."""
        read = self.read(given)
        past = self.recurrent(read)[0]
        sweep = read.mean(1)
        features = torch.cat([read, past, sweep[:, None].expand_as(read)], -1)
        return self.answer(features), self.scale(sweep), features


class AnyNet(nn.Module):
    """Frames -> displacements of tiles -> motions of steps -> motions of a sweep."""

    def __init__(self, config: MoGLoAnyConfig):
        super().__init__()
        self.config = config
        self.tiles = TileReader(config)
        features = config.width + 2 * SIX
        self.calibration = Calibration(features)
        self.sweep: SweepReader | None = None
        if config.hidden:
            self.sweep = SweepReader(features, config.hidden)
            features = self.sweep.features
        self.sigma = nn.Linear(features, 2)
        with torch.no_grad():
            self.sigma.weight.zero_()
            self.sigma.bias.copy_(torch.tensor([-2.0, -2.0]))

    def displacements(self, given: Tensor, seen: Seen) -> tuple[Tiles, Tensor]:
        """Return displacements of the tiles of all steps in a row, and descriptions (B, T, width).

        given (B, T, C, rows, columns), see `told`.
        """
        steps, tile = given.shape[1], (self.config.tile, self.config.tile_stride)
        mask = tile_means(seen.mask, *tile)
        lengths, places = tile_means(seen.lengths, *tile), tile_means(seen.points, *tile)
        weight = _each(mask, steps)
        answer, described = self.tiles(given.flatten(0, 1), weight)
        answer = answer.flatten(2).transpose(1, 2).float()
        places = torch.cat([places, torch.zeros_like(places[:, :1])], 1)
        tiles = Tiles(
            answer[..., :3],
            answer[..., 3:].clamp(*LOG_SIGMA),
            weight.flatten(1),
            *(_each(part, steps).flatten(2).transpose(1, 2) for part in (lengths, places)),
        )
        return tiles, described.unflatten(0, (-1, steps))

    def describe(self, given: Tensor, seen: Seen, units: Tensor) -> tuple[Tensor, Tiles]:
        """Return (B, T, 12 + width): motion of each step by itself, its log sigma, a description.

        units (B, 6), see `units_of`. The second result holds the tiles of all steps in a row.
        """
        tiles, described = self.displacements(given, seen)
        six, log_sigma = fitted(tiles, _each(units, given.shape[1]))
        parts = [part.unflatten(0, described.shape[:2]) for part in (six, log_sigma)]
        return torch.cat([*parts, described], -1), tiles

    def read(self, described: Tensor, units: Tensor) -> Motions:
        """Return the motions of all steps of sweeps, of their descriptions (B, T, ...)."""
        six = described[..., :SIX]
        features = described
        if self.sweep is not None:
            added, scale, features = self.sweep(described)
            six = torch.cat([(six + added)[..., :2], *_scaled((six + added)[..., 2:], scale)], -1)
        told = self.sigma(features.detach())
        return Motions(six, units, told[..., 0], told[..., 1])

    def forward(self, seen: Seen) -> tuple[Motions, Tiles]:
        """Return the motions of all steps of some windows, and the displacements of tiles."""
        units = units_of(seen)
        given = told(seen, range(seen.frames.shape[1] - 1), self.config)
        described, tiles = self.describe(given, seen, units)
        return self.read(described, units), tiles


def _scaled(six: Tensor, log_scale: Tensor) -> tuple[Tensor, Tensor]:
    """Return (elevational, tilt, yaw) times a scale, and roll, of the last four of six."""
    return six[..., :3] * log_scale.exp()[:, None], six[..., 3:]


def units_of(seen: Seen) -> Tensor:
    """Return the unit (B, 6) of each motion: what moves tissue by about a correlation length.

    Mean lengths of the tissue for translations, mm; over half a side for rotations, rad.
    """
    length = _mean(seen.lengths, seen.mask, (2, 3)).flatten(1)
    size = seen.pixel_mm.new_tensor([seen.mask.shape[-1], seen.mask.shape[-2]])
    across, down = (seen.pixel_mm * size / 2).unbind(-1)
    lateral, _, elevational = length.unbind(-1)
    turns = torch.stack([elevational / down, elevational / across, lateral / down], -1)
    return torch.cat([length, turns], -1)


def _each(values: Tensor, steps: int) -> Tensor:
    """Return values (B, ...) repeated for each of the steps of a sample, (B steps, ...)."""
    return values.repeat_interleave(steps, 0)
