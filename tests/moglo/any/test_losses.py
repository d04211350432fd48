"""Losses of displacements, positions and sigma, at their closed forms."""

import math

import pytest
import torch

from benchmark import geometry
from moglo.any.fit import Tiles
from moglo.any.losses import STANDSTILL, TOLERANCE, sigma_loss, span_loss, tile_loss
from moglo.any.sigma import Sigma

STEPS = 30


def advancing(mm, count=1):
    """Return steps (count, STEPS, 4, 4) along z."""
    twist = torch.tensor([0.0, 0.0, mm, 0.0, 0.0, 0.0])
    return geometry.from_degrees_of_freedom(twist.expand(count, STEPS, 6))


def test_a_displacement_s_likelihood_is_that_of_a_normal_over_tiles_with_tissue():
    places, lengths = torch.zeros(1, 4, 3), torch.full((1, 4, 3), 0.5)
    mean, log_sigma = torch.zeros(1, 4, 3), torch.full((1, 4, 3), math.log(0.2))
    weight = torch.tensor([[1.0, 1.0, 0.0, 0.0]])
    mean[:, 2:] = 100.0
    loss = tile_loss(Tiles(mean, log_sigma, weight, lengths, places), advancing(0.1)[:, 0])
    assert loss == pytest.approx((0.5 * (0.1 / 0.5 / 0.2) ** 2) / 3 + math.log(0.2), rel=1e-5)


def test_an_error_counts_as_a_share_of_the_path():
    corners, length = torch.tensor([[[3.0, 4.0, 0.0]]]), torch.tensor([0.01])
    share = 0.5
    loss = span_loss(advancing(0.2 * (1 + share)), advancing(0.2), corners, length)
    bounded = [share * 0.2 * n / (0.2 * n + STANDSTILL * 0.01) for n in (1, 5, 10, 20, STEPS)]
    wanted = sum(each - TOLERANCE / 2 for each in bounded) / len(bounded)
    assert loss == pytest.approx(wanted, rel=1e-3)
    assert span_loss(advancing(0.2), advancing(0.2), corners, length) < 1e-5


def test_sigma_is_likeliest_where_it_is_the_error_s():
    torch.manual_seed(0)
    count, own, alike = 300, 0.05, 0.02
    error = own * torch.randn(count, STEPS) + alike * torch.randn(count, 1)
    twist = torch.zeros(count, STEPS, 6)
    twist[..., 2] = 0.2 + error
    predicted, length = geometry.from_degrees_of_freedom(twist), torch.full((count,), 0.4)

    def loss(frame, slow):
        sigma = Sigma(*(torch.full((count, STEPS), each) for each in (frame, slow)))
        return float(sigma_loss(predicted, advancing(0.2, count), sigma, length))

    best = loss(own, alike)
    for wrong in ((1.3 * own, alike), (own / 1.3, alike), (own, 1.3 * alike), (own, alike / 1.3)):
        assert best < loss(*wrong)
