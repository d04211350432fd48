"""The rigid motion that fits the displacements of all tiles, those without speckle left out."""

from typing import NamedTuple

import torch
from torch import Tensor

PRIOR = 1.0  # weight of no motion in the fit, in units of motion: less than one certain tile


class Tiles(NamedTuple):
    """Displacements of the T tiles of N frame pairs.

    mean, log_sigma (N, T, 3): displacement (lateral, axial, elevational), in the earlier frame, of
    the tissue that the later frame shows, in correlation lengths; weight (N, T): share of the tile
    that shows tissue; lengths (N, T, 3) mm; places (N, T, 3): tile centres from the image centre,
    mm.
    """

    mean: Tensor
    log_sigma: Tensor
    weight: Tensor
    lengths: Tensor
    places: Tensor


def fitted(tiles: Tiles, units: Tensor) -> tuple[Tensor, Tensor]:
    """Return the motion (N, 6) that fits the tiles best, and the logarithm (N, 6) of its sigma.

    units (N, 6): mm and rad; both results are in these. The motion is the translation of the image
    centre and the (small) rotation vector. Minimises the sum over tiles q and axes of
    weight ((t + w x q - displacement) / sigma)^2.
    """
    design = _design(tiles.places) * units[:, None, None] / tiles.lengths[..., None]
    weight = tiles.weight[..., None] * (-2 * tiles.log_sigma).exp()
    with torch.autocast(design.device.type, enabled=False):
        weighted = design * weight[..., None]
        normal = torch.einsum("ntka,ntkb->nab", weighted, design)
        right = torch.einsum("ntka,ntk->na", weighted, tiles.mean)
        normal = normal + PRIOR * torch.eye(6).to(normal)
        spread = torch.linalg.inv(normal)
        motion = (spread @ right[..., None])[..., 0]
    return motion, spread.diagonal(dim1=-2, dim2=-1).log() / 2


def _design(places: Tensor) -> Tensor:
    """Return the displacement (N, T, 3, 6) of points (N, T, 3) per unit of each motion."""
    identity = torch.eye(3).to(places).expand(*places.shape[:2], 3, 3)
    turned = torch.linalg.cross(identity, places[..., None, :].expand_as(identity))
    return torch.cat([identity, turned.transpose(-1, -2)], -1)
