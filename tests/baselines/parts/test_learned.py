"""The parts that learned baselines share, against separate float64 code and closed forms."""

import numpy as np
import pytest
import torch

from baselines.dcl import DclNet
from baselines.parts.learned import (
    centre_motion_of,
    corner_distances,
    corners_from_centre,
    trend_loss,
)
from baselines.parts.motion import true_motion
from benchmark import geometry
from benchmark.checker import check_tracker
from tests.baselines.networks import TINY, batch_of, made

IDS = [kind.name for kind in TINY]


@pytest.mark.parametrize(("kind", "config"), TINY.items(), ids=IDS)
def test_loss_falls_when_a_batch_is_seen_again_and_again(kind, config, training_sweeps):
    tracker = made(kind, config, training_sweeps)
    batch = batch_of(training_sweeps[0], tracker.window)
    optimiser = torch.optim.Adam(tracker.module().parameters(), 3e-3)
    tracker.module().train()
    losses = []
    for _ in range(25):
        loss = tracker.loss(*batch)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < 0.75 * losses[0]


@pytest.mark.parametrize(("kind", "config"), TINY.items(), ids=IDS)
def test_the_mean_error_over_the_training_sweeps_is_taken_off(kind, config, training_sweeps):
    """Only networks that answer one motion per pair are corrected."""
    tracker = made(kind, config, training_sweeps)
    tracker.module().mean += 0.02
    one_motion = tracker.answers == (6,)
    before = np.concatenate([tracker._errors(sweep) for sweep in training_sweeps])
    tracker.finish(training_sweeps)
    after = np.concatenate([tracker._errors(sweep) for sweep in training_sweeps])
    wanted = before - before.mean(0) if one_motion else before
    assert np.abs(before.mean(0)).max() > 1e-2
    np.testing.assert_allclose(after, wanted, atol=2e-4)


@pytest.mark.parametrize(("kind", "config"), TINY.items(), ids=IDS)
def test_keeps_the_contract_on_images_of_another_shape(kind, config, training_sweeps):
    from benchmark.checker import example_observation
    from benchmark.sweep import Images, Observation

    tracker = made(kind, config, training_sweeps)
    whole = example_observation(9, 96, 96)
    images = whole.bmode
    cut = Images(images.frames[:, :80, :72], images.timestamps, images.mm_from_pixel)
    check_tracker(tracker, Observation({"bmode": cut}, whole.probe))


@pytest.mark.parametrize(("kind", "config"), TINY.items(), ids=IDS)
def test_answering_zero_is_answering_the_training_mean(kind, config, training_sweeps, test_sweep):
    """Buffers, scaling and chaining undo each other: the mean step comes out at every frame."""
    tracker = made(kind, config, training_sweeps)
    last = [m for m in tracker.module().modules() if isinstance(m, torch.nn.Linear)]
    last = getattr(tracker.module(), "last", last[-1])
    torch.nn.init.zeros_(last.weight)
    torch.nn.init.zeros_(last.bias)
    found = tracker.track(test_sweep.observe()).prev_from_frame
    centre = tracker_centre(test_sweep)
    found = geometry.degrees_of_freedom(geometry.about(centre, found))
    mean = np.concatenate([true_motion(s) for s in training_sweeps]).mean(0)
    tolerance = 0.02 if kind is DclNet else 1e-5  # DCL-Net's mean is that of clips
    assert np.abs(found - mean).max() < tolerance


def tracker_centre(sweep) -> np.ndarray:
    height, width = sweep.bmode.frames.shape[1:]
    return (sweep.bmode.mm_from_pixel @ [(width - 1) / 2, (height - 1) / 2, 0, 1])[:3]


def test_centre_motion_is_that_of_the_numpy_code(test_sweep):
    frames, steps, grid = batch_of(test_sweep, 3)
    found = centre_motion_of(frames, steps, grid).double().numpy()
    truth = true_motion(test_sweep)
    wanted = np.stack([truth[i : i + 2] for i in range(0, 20, 5)])
    assert np.abs(found - wanted).max() < 1e-5


def test_corner_distances_are_those_of_moved_corner_pixels(test_sweep):
    """Squared distances between corners moved by the true step and corners that stay."""
    frames, steps, grid = batch_of(test_sweep, 2)
    motion = centre_motion_of(frames, steps, grid)
    corners = corners_from_centre(frames, grid)
    found = corner_distances(motion, torch.zeros_like(motion), corners).double().numpy()
    matrix = test_sweep.bmode.mm_from_pixel
    height, width = test_sweep.bmode.frames.shape[1:]
    for sample, start in enumerate(range(0, 20, 5)):
        step = test_sweep.prev_from_frame[start]
        for index, (x, y) in enumerate([(x, y) for x in (0, width - 1) for y in (0, height - 1)]):
            corner = matrix @ [x, y, 0, 1]
            wanted = (((step @ corner) - corner)[:3] ** 2).sum()
            assert found[sample, 0, index] == pytest.approx(wanted, rel=1e-3, abs=1e-6)


def test_trend_loss_is_one_minus_pearson():
    rng = np.random.default_rng(0)
    one, other = rng.normal(size=(2, 20, 6))
    wanted = 1 - np.mean([np.corrcoef(one[:, i], other[:, i])[0, 1] for i in range(6)])
    found = trend_loss(torch.tensor(one), torch.tensor(other)).item()
    assert found == pytest.approx(wanted, abs=1e-12)
    assert trend_loss(torch.tensor(3 * one + 5), torch.tensor(one)).item() == pytest.approx(0)
    constant = torch.ones(20, 6, dtype=torch.float64, requires_grad=True)
    loss = trend_loss(constant, torch.tensor(one))
    loss.backward()
    assert loss.item() == 1 and torch.isfinite(constant.grad).all()
