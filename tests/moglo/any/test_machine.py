"""What machines do to images, as disturbances of training frames."""

import pytest
import torch

from moglo.any import machine
from moglo.any.condition import LENGTHS, MASK


def batch(count=8, side=32):
    draw = torch.Generator().manual_seed(0)
    frames = torch.rand(count, 5, side, side, generator=draw)
    return frames, torch.ones(count, 4, side, side)


def test_nothing_is_done_where_nothing_is_asked_for():
    frames, condition = batch()
    shown, told = machine.disturbed(frames, condition, 0.0)
    assert torch.equal(shown, frames) and torch.equal(told, condition)


def test_a_border_leaves_some_of_a_small_mask():
    frames, condition = batch(count=64)
    condition[:, MASK] = 0
    condition[:, MASK, :8, :8] = 1
    torch.manual_seed(0)
    told = machine.disturbed(frames, condition, 1.0)[1][:, MASK]
    left = told.mean((1, 2)) / condition[:, MASK].mean((1, 2))
    assert (left > machine.LEFT).all() and (left < 1).any()


def test_all_samples_differ_where_all_is_asked_for_and_the_given_ones_stay():
    frames, condition = batch()
    before = frames.clone()
    torch.manual_seed(0)
    shown, told = machine.disturbed(frames, condition, 1.0)
    assert torch.equal(frames, before)
    assert shown.shape == frames.shape and (shown >= 0).all() and (shown <= 1).all()
    assert ((shown - frames).flatten(1).abs().amax(1) > 0).all()
    assert torch.equal(told[:, LENGTHS], condition[:, LENGTHS])
    black = told[:, MASK] == 0
    assert black.any() and not shown.amax(1)[black].any()


@pytest.mark.parametrize("blur", [machine._blurred_across, machine._blurred_down])
def test_blur_keeps_the_mean_and_lowers_the_contrast(blur):
    frames, _ = batch()
    torch.manual_seed(1)
    shown = blur(frames)
    assert shown.mean() == pytest.approx(float(frames.mean()), abs=0.01)
    assert (shown.flatten(1).std(1) < frames.flatten(1).std(1)).all()


def test_averaging_makes_neighbours_alike():
    frames, _ = batch(count=2)
    torch.manual_seed(1)
    shown = machine._averaged(frames)
    assert torch.equal(shown[:, 0], frames[:, 0])
    before = (frames[:, 3] - frames[:, 4]).abs().mean((1, 2))
    assert ((shown[:, 3] - shown[:, 4]).abs().mean((1, 2)) < before).all()


def test_another_grey_curve_keeps_the_order_of_grey_levels():
    levels = torch.linspace(0.05, 0.6, 20).repeat(6, 1, 1, 1)
    shown = machine._graded(levels)
    assert (shown.diff(dim=-1) > 0).all()
