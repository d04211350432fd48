"""The losses of `moglo-long` on hand-computed values and against plain chains of matrices."""

import numpy as np
import pytest
import torch

from benchmark import geometry
from moglo.long import losses


def steps(count=60, seed=0, size=0.05):
    rng = np.random.default_rng(seed)
    twists = rng.normal(size=(1, count, 6)) * [size, size, size, 0.01, 0.01, 0.01]
    twists[..., 2] += 0.3
    return torch.from_numpy(geometry.exp(twists))


CORNERS = torch.tensor([[[-10.0, 0, 0], [10, 0, 0], [-10, 20, 0], [10, 20, 0]]]).double()


def test_penalties_of_hand_computed_errors():
    error = torch.tensor([0.1, -0.3, 2.0])
    assert losses.penalty(error, "absolute").item() == pytest.approx(2.4 / 3)
    assert losses.penalty(error, "squared").item() == pytest.approx((0.01 + 0.09 + 4) / 3)
    # Huber: e^2 up to 0.5, then the tangent 2 * 0.5 * (|e| - 0.25).
    assert losses.penalty(error, "huber").item() == pytest.approx((0.01 + 0.09 + 1.75) / 3)


@pytest.mark.parametrize(("kind", "expected"), [("squared", 1.0), ("absolute", 0.0)])
def test_the_squared_error_asks_for_the_mean_and_the_absolute_one_for_the_median(kind, expected):
    skewed = torch.tensor([0.0, 0.0, 0.0, 4.0, 1.0])  # mean 1, median 0
    places = torch.linspace(-1, 3, 401)
    values = [losses.penalty(skewed - place, kind).item() for place in places]
    assert places[int(np.argmin(values))].item() == pytest.approx(expected, abs=0.011)


def test_span_errors_equal_products_of_matrices():
    one, other = steps(seed=1), steps(seed=2)
    found = dict(losses.span_errors(one, other, CORNERS))
    assert list(found) == [5, 10, 20, 50]
    points = np.concatenate([CORNERS[0].numpy(), np.ones((4, 1))], 1)
    for span, error in found.items():
        assert error.shape == (1, 60 - span + 1, 4, 3)
        for start in (0, 60 - span):
            places = []
            for chain in (one, other):
                pose = np.eye(4)
                for matrix in chain[0, start : start + span].numpy():
                    pose = pose @ matrix
                places.append((points @ pose.T)[:, :3])
            np.testing.assert_allclose(error[0, start], places[0] - places[1], atol=1e-9)


def test_short_windows_have_the_spans_that_they_hold():
    one = steps(12)
    assert [span for span, _ in losses.span_errors(one, one, CORNERS)] == [5, 10, 12]
    assert [span for span, _ in losses.span_errors(one[:, :1], one[:, :1], CORNERS)] == [1]


def test_a_constant_error_adds_up_over_a_span():
    true, off = geometry.exp(np.zeros((1, 30, 6))), np.zeros((1, 30, 6))
    off[..., 2] = 0.01  # mm a step
    predicted, true = torch.from_numpy(geometry.exp(off)), torch.from_numpy(true)
    for span, error in losses.span_errors(predicted, true, CORNERS):
        torch.testing.assert_close(error[..., 2], torch.full_like(error[..., 2], 0.01 * span))
    # Over spans 5, 10, 20, 30: mean of (0.01 span / root of span)^2 over 3 coordinates.
    expected = 1e-4 * np.mean([5, 10, 20, 30]) / 3
    loss = losses.span_loss(predicted, true, CORNERS, torch.tensor(1.0), "squared")
    assert loss.item() == pytest.approx(expected, rel=1e-6)


def test_step_error_is_that_of_the_image_centre():
    one, other = (
        torch.tensor([[[0.1, 0.2, 0.3, 1, 2, 3]]]),
        torch.tensor([[[0.4, 0.2, -0.1, 0, 0, 0]]]),
    )
    assert losses.step_error(one, other).item() == pytest.approx(0.5)


def test_sigma_is_least_at_the_root_mean_square_of_the_errors():
    error = torch.from_numpy(np.random.default_rng(3).rayleigh(0.2, 1000)).requires_grad_()
    log_sigma = error.detach().square().mean().sqrt().log().clone().requires_grad_()
    losses.sigma_loss(error, log_sigma.expand(1000)).backward()
    assert abs(log_sigma.grad.item()) < 1e-9
    assert error.grad is None


def test_motion_forwards_and_backwards_cancels_where_it_can_be_seen():
    forward = torch.from_numpy(np.random.default_rng(4).normal(size=(2, 7, 6)))
    backward = -forward.flip(1)
    backward[..., [2, 3, 5]] += 9.0  # what nobody can see may be anything
    assert losses.disagreement(forward, backward, (0, 1, 4)).item() == pytest.approx(0, abs=1e-12)
    assert losses.disagreement(forward, backward + 0.5, (0, 1, 4)).item() == pytest.approx(0.5)
