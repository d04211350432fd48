"""The rigid motion that fits displacements of tiles."""

import torch

from benchmark import geometry
from moglo.any.fit import Tiles, fitted

SMALL = torch.tensor([0.1, -0.05, 0.3, 0.004, -0.006, 0.002], dtype=torch.double)


def tiles_of(motion, count=60, sigma=0.05):
    """Return tiles at random places that move as the motion (6,) says, and units."""
    draw = torch.Generator().manual_seed(1)
    places = 20 * torch.rand(1, count, 3, generator=draw, dtype=torch.double) - 10
    places[..., 2] = 0
    lengths = 0.1 + torch.rand(1, count, 3, generator=draw, dtype=torch.double)
    step = geometry.from_degrees_of_freedom(motion)[None]
    mean = (geometry.apply(step, places) - places) / lengths
    log_sigma = torch.full_like(mean, sigma).log()
    weight = torch.ones(1, count, dtype=torch.double)
    units = torch.tensor([[0.2, 0.1, 0.4, 0.04, 0.05, 0.02]], dtype=torch.double)
    return Tiles(mean, log_sigma, weight, lengths, places), units


def test_the_motion_of_all_tiles_is_found():
    tiles, units = tiles_of(SMALL, sigma=1e-3)
    six, _ = fitted(tiles, units)
    torch.testing.assert_close(six[0] * units[0], SMALL, atol=2e-4, rtol=0)


def test_tiles_without_tissue_weigh_nothing():
    tiles, units = tiles_of(SMALL)
    wrong = tiles.mean.clone()
    wrong[:, :20] += 5.0
    weight = tiles.weight.clone()
    weight[:, :20] = 0
    blind = tiles._replace(mean=wrong, weight=weight)
    alone = Tiles(*(part[:, 20:] for part in tiles))
    torch.testing.assert_close(fitted(blind, units), fitted(alone, units))


def test_sigma_is_the_spread_of_the_motion_over_noisy_tiles():
    sigma = 0.3
    tiles, units = tiles_of(SMALL, sigma=sigma)
    draw = torch.Generator().manual_seed(2)
    noise = torch.randn(400, *tiles.mean.shape[1:], generator=draw, dtype=torch.double)
    many = Tiles(*(part.expand(400, *part.shape[1:]) for part in tiles))
    noisy = many._replace(mean=many.mean + sigma * noise)
    six, log_sigma = fitted(noisy, units.expand(400, 6))
    torch.testing.assert_close(six.std(0), log_sigma[0].exp(), rtol=0.15, atol=0)


def test_without_tissue_there_is_no_motion():
    tiles, units = tiles_of(SMALL)
    six, log_sigma = fitted(tiles._replace(weight=0 * tiles.weight), units)
    assert not six.any() and not log_sigma.any()
