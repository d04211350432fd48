"""`moglo-any`: any frames, lengths in units of the speckle, masks, training, sigma."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from benchmark import geometry
from benchmark.checker import check_tracker, example_observation
from benchmark.errors import UserError
from benchmark.learning.windows import Windows, conditions_of
from benchmark.sweep import Channel, Sweep
from moglo.any.config import MoGLoAnyConfig
from moglo.any.sigma import UNKNOWN
from moglo.any.tracker import MoGLoAny
from tests.moglo.any.example import observation, table

CONFIG = MoGLoAnyConfig(width=8, hidden=8, window=6, batch_size=2)


def tracker(config=CONFIG, seed=0, awake=True):
    """Return a tracker with weights at random, so that every part of it answers."""
    torch.manual_seed(seed)
    made = MoGLoAny(config)
    if awake:
        with torch.no_grad():
            for weights in made.module().parameters():
                weights.add_(0.05 * torch.randn_like(weights))
    return made


def sweep(frames=12, mm=0.2):
    """Return the example's frames as a sweep that advances."""
    taken = observation(frames)
    twists = np.tile([0.0, 0.0, mm, 0.0, 0.0, 0.0], (frames - 1, 1))
    poses = geometry.chain(geometry.exp(twists))
    channel = Channel(**vars(taken.bmode), world_from_image=poses)
    return Sweep("steady", {"bmode": channel}, probe=taken.probe)


VARIANTS = {
    "default": CONFIG,
    "no map": replace(CONFIG, map=False),
    "neighbours alone": replace(CONFIG, gaps=1),
    "no reader": replace(CONFIG, reader=False),
    "tiles by themselves": replace(CONFIG, context=False),
}


@pytest.mark.parametrize("config", VARIANTS.values(), ids=VARIANTS)
def test_obeys_the_contract_and_tells_its_sigma(config):
    made = tracker(config)
    check_tracker(made, example_observation(12))
    found = made.track(observation(12))
    assert found.sigma.shape == (11,) and (found.sigma > 0).all()
    assert found.position_sigma[0] == 0 and (np.diff(found.position_sigma) > 0).all()


@pytest.mark.parametrize("shape", [(20, 300), (300, 20), (97, 131), (640, 480), (9, 12)])
def test_frames_of_any_size_and_aspect(shape):
    found = tracker().track(observation(3, *shape))
    assert len(found.first_from_frame) == 3


def test_the_same_images_of_speckle_twice_as_long_move_twice_as_far():
    made = tracker()
    short, long = (
        made.track(observation(speckle=table(elevation=each, error=0.0))) for each in (0.3, 0.6)
    )
    centre = observation().bmode.centre_mm
    one, two = (
        geometry.degrees_of_freedom(geometry.about(centre, found.prev_from_frame))
        for found in (short, long)
    )
    assert np.abs(one[:, 2]).min() > 0.01
    np.testing.assert_allclose(two[:, 2:5], 2 * one[:, 2:5], rtol=1e-3, atol=1e-6)
    np.testing.assert_allclose(two[:, :2], one[:, :2], rtol=1e-3, atol=1e-6)


def test_images_scaled_with_their_speckle_move_in_proportion():
    made = tracker()
    small = observation(pixel=0.1, speckle=table(0.4, 0.3, 0.2))
    large = observation(pixel=0.2, speckle=table(0.8, 0.6, 0.4))
    flat = [
        replace(each, probe={**each.probe, "speckle": {**each.probe["speckle"], "depth_mm": depth}})
        for each, depth in ((small, [0.0, 50.0]), (large, [0.0, 100.0]))
    ]
    one, two = (made.track(each).prev_from_frame[:, :3, 3] for each in flat)
    np.testing.assert_allclose(two, 2 * one, rtol=1e-3, atol=1e-5)


def test_what_lies_outside_the_mask_is_not_read():
    mask = np.zeros((96, 96), bool)
    mask[8:, 30:] = True
    taken = observation(mask=mask)
    levels = np.array(taken.bmode.frames)
    levels[:, ~mask] = np.random.default_rng(0).integers(0, 255, (6, (~mask).sum()))
    other = replace(taken, channels={"bmode": replace(taken.bmode, frames=levels)})
    made = tracker()
    one, two = made.track(taken), made.track(other)
    np.testing.assert_array_equal(one.first_from_frame, two.first_from_frame)


def test_frames_without_tissue_have_a_finite_loss():
    made = tracker(replace(CONFIG, machine=0.0), awake=False)
    told = conditions_of(made, [sweep()])
    frames, steps, grid, condition = next(iter(DataLoader(Windows([sweep()], 6, 2, 0, 2, told), 2)))
    condition[:, 0] = 0
    loss = made.loss(frames, steps, grid, condition)
    loss.backward()
    gradients = [p.grad for p in made.module().parameters() if p.grad is not None]
    assert loss.isfinite() and all(gradient.isfinite().all() for gradient in gradients)


def test_a_long_sweep_is_read_in_parts_of_the_same_answer(monkeypatch):
    made, taken = tracker(replace(CONFIG, reader=False)), observation(14)
    whole = made.track(taken).first_from_frame
    monkeypatch.setattr("moglo.any.tracker.CHUNK_STEPS", 3)
    np.testing.assert_allclose(made.track(taken).first_from_frame, whole, atol=1e-6)


def test_untrained_it_answers_what_physics_says():
    made = tracker(awake=False)
    still = np.repeat(observation(2).bmode.frames[:1], 6, 0)
    images = replace(observation(6).bmode, frames=still)
    steps = made.track(replace(observation(6), channels={"bmode": images})).prev_from_frame
    assert np.abs(steps - np.eye(4)).max() < 0.02
    moving = made.track(observation(6)).prev_from_frame[:, :3, 3]
    assert (moving[:, 2] > 0.05).all()
    assert np.median(moving[:, 0]) == pytest.approx(0.2, abs=0.08)  # one pixel a frame


def test_augmentation_mirrors_frames_with_their_steps_and_condition():
    made = tracker(replace(CONFIG, machine=0.0, reverse=False))
    told = conditions_of(made, [sweep()])
    windows = Windows([sweep()], 6, 8, 0, 8, told)
    frames, steps, grid, condition = next(iter(DataLoader(windows, 8)))
    condition = condition * torch.linspace(1, 2, 96)
    torch.manual_seed(0)
    shown, moved, same, known = made.augment(frames, steps, grid, condition)
    turned = (shown - frames).flatten(1).abs().amax(1) > 0
    assert 0 < turned.sum() < 8 and torch.equal(same, grid)
    assert torch.equal(shown[turned], frames[turned].flip(-1))
    assert torch.equal(known[turned], condition[turned].flip(-1))
    torch.testing.assert_close(moved[..., :3, 3], steps[..., :3, 3], atol=1e-5, rtol=0)


def test_training_lowers_the_loss_and_finishing_calibrates():
    made, taken = tracker(awake=False), sweep()
    told = conditions_of(made, [taken])
    windows = DataLoader(Windows([taken], 6, 40, 0, 2, told), 2)
    optimiser = torch.optim.AdamW(made.module().parameters(), 1e-2)
    values = []
    torch.manual_seed(0)
    for batch in windows:
        loss = made.loss(*made.augment(*batch))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        values.append(float(loss.detach()))
    assert np.mean(values[-5:]) < np.mean(values[:5]) - 0.3
    made.finish([taken, taken])
    calibration = made.module().calibration
    assert calibration.usual < UNKNOWN and (calibration.factors != 1).all()
    assert (made.track(taken.observe()).sigma > 0).all()


def test_a_guessed_map_makes_the_tracker_unsure():
    made = tracker()
    sure, unsure = (made.track(observation(speckle=table(error=error))) for error in (0.0, 0.5))
    steps = np.abs(sure.prev_from_frame[:, 2, 3])
    assert (unsure.position_sigma[1:] > sure.position_sigma[1:]).all()
    assert unsure.position_sigma[-1] > 0.4 * steps.sum()


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"tile_stride": 7}, "tile_stride: expected a divisor of tile, got 7"),
        ({"window": 1}, "window: expected 2 or more, got 1"),
        ({"machine": 1.5}, "machine: expected 0 to 1, got 1.5"),
    ],
)
def test_a_configuration_that_cannot_be_is_refused(change, line):
    with pytest.raises(UserError, match=line):
        MoGLoAnyConfig(**change)
