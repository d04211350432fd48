"""Losses of `moglo-any`: displacements of tiles, positions after spans over the path, and sigma."""

import torch
from torch import Tensor

from benchmark import geometry
from moglo.any.fit import Tiles
from moglo.any.sigma import Sigma
from moglo.long.losses import span_errors

SPANS = (1, 5, 10, 20, 50)
STANDSTILL = 0.3  # elevational lengths added to a path, so that rates are bounded
TOLERANCE = 0.1  # share of the path up to which the penalty of an error is squared


def tile_loss(tiles: Tiles, centre_steps: Tensor) -> Tensor:
    """Return the mean negative log likelihood of the true displacements of tiles with tissue.

    centre_steps (N, 4, 4): true steps with both frames' origins at the image centre, mm.
    """
    true = geometry.apply(centre_steps, tiles.places) - tiles.places
    error = (tiles.mean - true / tiles.lengths) * (-tiles.log_sigma).exp()
    likelihood = 0.5 * error.square() + tiles.log_sigma
    return (likelihood * tiles.weight[..., None]).sum() / (3 * tiles.weight.sum()).clamp_min(1.0)


def span_loss(predicted: Tensor, true: Tensor, corners: Tensor, length_mm: Tensor) -> Tensor:
    """Return the mean penalty of position errors of corners over their path, for all spans.

    predicted, true (B, T, 4, 4): steps about the image centre; corners (B, C, 3) mm; length_mm
    (B,): elevational correlation length. The penalty is squared up to `TOLERANCE`, then linear.
    """
    moved = (geometry.apply(true, corners[:, None]) - corners[:, None]).norm(dim=-1)
    path = torch.cat([torch.zeros_like(moved[:, :1]), moved.cumsum(1)], 1).mean(-1)
    parts = []
    for span, error in span_errors(predicted, true, corners, SPANS):
        along = path[:, span:] - path[:, :-span] + STANDSTILL * length_mm[:, None]
        share = error.square().sum(-1).add(1e-8).sqrt().mean(-1) / along
        parts.append(torch.nn.functional.huber_loss(share, 0 * share, delta=TOLERANCE))
    return torch.stack(parts).mean() / TOLERANCE


def sigma_loss(predicted: Tensor, true: Tensor, sigma: Sigma, length_mm: Tensor) -> Tensor:
    """Return the negative log likelihood of the image centre's position errors after spans.

    predicted, true (B, T, 4, 4), without gradient; sigma (B, T) mm; length_mm (B,). Smallest where
    the variance is the mean of error^2.
    """
    centre = predicted.new_zeros(1, 3).expand(len(predicted), 1, 3)
    sums = [_summed(values) for values in (sigma.frame.square(), sigma.slow)]
    parts = []
    for span, error in span_errors(predicted, true, centre, SPANS):
        own, alike = (total[:, span:] - total[:, :-span] for total in sums)
        variance = (own + alike.square()) / length_mm[:, None].square()
        square = (error[..., 0, :] / length_mm[:, None, None]).square().sum(-1)
        parts.append(0.5 * (square / variance + variance.log()).mean())
    return torch.stack(parts).mean()


def _summed(values: Tensor) -> Tensor:
    """Return (B, T + 1): sums of the values (B, T) up to each, from 0 on."""
    return torch.cat([torch.zeros_like(values[:, :1]), values.cumsum(1)], 1)
