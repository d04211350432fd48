"""The network: correlations of tiles -> displacements -> one rigid motion a step -> a sweep."""

import torch
from torch import Tensor, nn

from moglo.any.config import MoGLoAnyConfig
from moglo.any.fit import Tiles, fitted
from moglo.any.frames import Seen
from moglo.any.sigma import Calibration
from moglo.any.sweep_reader import SIX, Motions, SweepReader
from moglo.any.tile_reader import TileReader
from moglo.any.told import look_of, told
from moglo.any.volumes import tile_means, weighted_mean

LEAST_MASK = 1e-4  # weight of pixels outside the mask in mean lengths: all, where none is inside
LOG_SIGMA = (-5.0, 3.0)  # least and largest, in correlation lengths, and as a share of a step


class AnyNet(nn.Module):
    """Frames -> displacements of tiles -> motions of steps -> motions of a sweep."""

    def __init__(self, config: MoGLoAnyConfig):
        super().__init__()
        self.config = config
        self.tiles = TileReader(config)
        features = config.width + 2 * SIX
        self.calibration = Calibration(features)
        self.sweep: SweepReader | None = None
        if config.reader:
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
        logarithms = self.sigma(features.detach()).clamp(*LOG_SIGMA)
        return Motions(six, units, logarithms[..., 0], logarithms[..., 1])

    def forward(self, seen: Seen) -> tuple[Motions, Tiles]:
        """Return the motions of all steps of some windows, and the displacements of tiles."""
        units = units_of(seen)
        steps = range(seen.frames.shape[1] - 1)
        given = told(seen, look_of(seen, self.config), steps, self.config)
        described, tiles = self.describe(given, seen, units)
        return self.read(described, units), tiles


def _scaled(six: Tensor, log_scale: Tensor) -> tuple[Tensor, Tensor]:
    """Return (elevational, tilt, yaw) times a scale, and roll, of the last four of six."""
    return six[..., :3] * log_scale.exp()[:, None], six[..., 3:]


def units_of(seen: Seen) -> Tensor:
    """Return the unit (B, 6) of each motion: what moves tissue by about a correlation length.

    Mean lengths of the tissue for translations, mm; over half a side for rotations, rad.
    """
    length = weighted_mean(seen.lengths, seen.mask.clamp_min(LEAST_MASK), (2, 3)).flatten(1)
    size = seen.pixel_mm.new_tensor([seen.mask.shape[-1], seen.mask.shape[-2]])
    across, down = (seen.pixel_mm * size / 2).unbind(-1)
    lateral, _, elevational = length.unbind(-1)
    turns = torch.stack([elevational / down, elevational / across, lateral / down], -1)
    return torch.cat([length, turns], -1)


def _each(values: Tensor, steps: int) -> Tensor:
    """Return values (B, ...) repeated for each of the steps of a sample, (B steps, ...)."""
    return values.repeat_interleave(steps, 0)
