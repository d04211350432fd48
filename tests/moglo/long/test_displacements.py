"""Displacements of tiles: places, the rigid motion that fits them, and their likelihood."""

import math

import numpy as np
import pytest
import torch

from benchmark import geometry
from moglo import motion
from moglo.long.displacements import (
    DisplacementHead,
    Displacements,
    displacement_loss,
    fitted_motion,
)

SCALE = torch.tensor([0.1, 0.2, 0.5, 1.0, 2.0, 3.0])
PIXEL_MM = torch.tensor([0.25, 0.2])


def head(side=6):
    torch.manual_seed(0)
    return DisplacementHead(5, side, 96)


def told(pose=None, side=6):
    """Displacements of the tiles of one pair that a pose moves, with sigma 1."""
    found = head(side)(torch.randn(1, 5, side, side), PIXEL_MM, SCALE)
    pose = torch.eye(4) if pose is None else pose
    moved = geometry.apply(pose, found.tiles_mm) - found.tiles_mm
    mean = (moved / found.scale_mm)[None]
    return found._replace(mean=mean, log_sigma=torch.zeros_like(mean))


def small_pose(seed=0, size=0.02):
    values = np.random.default_rng(seed).normal(size=6) * [0.1, 0.1, 0.3, size, size, size]
    return torch.tensor(geometry.from_degrees_of_freedom(values), dtype=torch.float32)


def test_tiles_lie_at_their_centres_from_the_image_centre():
    tiles = head(side=2)(torch.zeros(1, 5, 2, 2), PIXEL_MM, SCALE).tiles_mm
    x, y = 24 * 0.25, 24 * 0.2
    expected = [[-x, -y, 0], [x, -y, 0], [-x, y, 0], [x, y, 0]]
    torch.testing.assert_close(tiles, torch.tensor(expected))


def test_a_tile_is_the_same_head_wherever_it_lies_but_for_its_place():
    made = head()
    with torch.no_grad():
        made.head[0].weight[:, -2:] = 0
    maps = torch.randn(2, 5, 6, 6)
    whole = made(maps, PIXEL_MM, SCALE).mean.unflatten(1, (6, 6))
    rolled = made(maps.roll((1, 2), (2, 3)), PIXEL_MM, SCALE).mean.unflatten(1, (6, 6))
    torch.testing.assert_close(rolled, whole.roll((1, 2), (1, 2)))


@pytest.mark.parametrize("seed", range(4))
def test_the_motion_that_moved_the_tiles_is_found(seed):
    pose = small_pose(seed)
    six = motion.six_from_step(pose, torch.zeros(3)) / SCALE
    torch.testing.assert_close(fitted_motion(told(pose), SCALE)[0], six, atol=2e-2, rtol=1e-2)
    small = small_pose(seed, size=1e-3)  # the fit is linear in the rotation
    six = motion.six_from_step(small, torch.zeros(3)) / SCALE
    torch.testing.assert_close(fitted_motion(told(small), SCALE)[0], six, atol=1e-3, rtol=1e-3)


def test_a_tile_that_says_it_knows_nothing_hardly_counts():
    found = told(small_pose(1, size=1e-3))
    wrong, unsure = found.mean.clone(), found.log_sigma.clone()
    wrong[:, :8] += 3.0
    unsure[:, :8] = 3.0
    right = fitted_motion(found, SCALE)
    sure = fitted_motion(found._replace(mean=wrong), SCALE) - right
    doubted = fitted_motion(found._replace(mean=wrong, log_sigma=unsure), SCALE) - right
    assert doubted.abs().max() < 0.02 * sure.abs().max()


def test_weighted_fit_is_that_of_least_squares():
    """Against numpy's solver, with the design written out."""
    found = told()
    generator = torch.Generator().manual_seed(3)
    mean = torch.randn(1, 36, 3, generator=generator) * 1e-3
    log_sigma = torch.rand(1, 36, 3, generator=generator)
    six = fitted_motion(found._replace(mean=mean, log_sigma=log_sigma), SCALE)[0] * SCALE
    rows, wanted = [], []
    scale = found.scale_mm.double().numpy()
    for q, value, spread in zip(
        found.tiles_mm.double().numpy(), mean[0], log_sigma[0], strict=True
    ):
        turning = np.stack([np.cross(axis, q) for axis in np.eye(3)], 1)
        weight = 1 / (spread.exp().double().numpy() * scale)
        rows.append(weight[:, None] * np.hstack([np.eye(3), turning]))
        wanted.append(weight * value.double().numpy() * scale)
    dof = np.linalg.lstsq(np.concatenate(rows), np.concatenate(wanted), rcond=None)[0]
    expected = motion.six_from_step(geometry.from_degrees_of_freedom(dof), np.zeros(3))
    np.testing.assert_allclose(six.numpy(), expected, atol=2e-5, rtol=2e-3)


def test_likelihood_on_a_hand_computed_value():
    """Every tile off by 2 in each axis, at sigma e: 2^2 / (2 e^2) + 1."""
    pose = small_pose(2)
    found = told(pose)
    off = found._replace(mean=found.mean + 2, log_sigma=torch.ones_like(found.log_sigma))
    expected = 2 / math.e**2 + 1
    assert displacement_loss(off, pose[None]).item() == pytest.approx(expected, rel=1e-5)
    assert displacement_loss(found, pose[None]).item() == pytest.approx(0, abs=1e-9)


def test_motion_reaches_the_displacements_and_their_certainty():
    found = told(small_pose(4))
    mean, log_sigma = (values.clone().requires_grad_() for values in found[:2])
    mean.data += torch.randn_like(mean)
    six = fitted_motion(Displacements(mean, log_sigma, *found[2:]), SCALE)
    six.square().sum().backward()
    assert mean.grad.abs().min() > 0 and log_sigma.grad.abs().max() > 0
