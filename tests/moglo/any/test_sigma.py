"""Sigma of steps and positions, its calibration, and what is unlike training."""

import pytest
import torch

from moglo.any.sigma import COVERED, Calibration, Sigma

STEPS, FEATURES = 50, 5


def sweeps(count, frame, slow, seed=0):
    """Return sigmas, all ones, errors of steps and of ends of sweeps with such true sigmas."""
    draw = torch.Generator().manual_seed(seed)
    own = frame * torch.randn(count, STEPS, generator=draw)
    alike = slow * torch.randn(count, 1, generator=draw)
    sigmas = [Sigma(torch.ones(1, STEPS), torch.ones(1, STEPS)) for _ in range(count)]
    return sigmas, list((own + alike).abs()), (own + alike).sum(1).abs()


def test_independent_errors_add_up_by_squares_and_equal_ones_by_themselves():
    nothing, ones = torch.zeros(1, STEPS), torch.ones(1, STEPS)
    count = torch.arange(STEPS + 1.0)[None]
    torch.testing.assert_close(Sigma(ones, nothing).of_positions(), count.sqrt())
    torch.testing.assert_close(Sigma(nothing, ones).of_positions(), count)
    torch.testing.assert_close(Sigma(3 * ones, 4 * ones).of_steps(), 5 * ones)


def test_calibration_finds_both_parts():
    made = Calibration(FEATURES)
    made.learn_factors(*sweeps(400, frame=0.3, slow=0.1))
    frame, slow = made.factors.tolist()
    assert frame == pytest.approx(0.3, rel=0.15)
    assert slow == pytest.approx(0.1, rel=0.15)
    unseen, _, ends = sweeps(400, frame=0.3, slow=0.1, seed=1)
    told = torch.cat([Sigma(frame * s.frame, slow * s.slow).of_positions()[:, -1] for s in unseen])
    assert (ends <= told).float().mean() == pytest.approx(COVERED, abs=0.07)


def described(count, centre=0.0):
    draw = torch.Generator().manual_seed(3)
    return [centre + torch.randn(1, STEPS, FEATURES, generator=draw) for _ in range(count)]


def test_sigma_grows_with_what_is_unlike_training_and_with_the_map_s_error():
    made = Calibration(FEATURES)
    made.learn_look(described(30))
    sigma, moved = Sigma(torch.ones(1, STEPS), torch.ones(1, STEPS)), torch.full((1, STEPS), 2.0)
    at_home = [made(sigma, each, moved, 0.0).of_steps().mean() for each in described(30)]
    assert sum(float(one) == pytest.approx(2**0.5, rel=1e-4) for one in at_home) >= 27
    abroad, far = (made(sigma, *described(1, c), moved, 0.0).of_steps() for c in (1.0, 4.0))
    assert (far > 3 * abroad).all() and (abroad > 2**0.5).all()
    told = made(sigma, described(30)[0], moved, 0.5)
    torch.testing.assert_close(told.slow, torch.full((1, STEPS), 2**0.5))


def test_before_training_nothing_is_strange():
    made = Calibration(FEATURES)
    sigma = Sigma(torch.ones(1, STEPS), torch.ones(1, STEPS))
    found = made(sigma, *described(1, 100.0), torch.zeros(1, STEPS), 0.0)
    torch.testing.assert_close(found.of_steps(), sigma.of_steps())
