"""Networks on two frames: statistics of training, loss, mirroring, flow as input."""

import numpy as np
import torch

from baselines import two_frame
from baselines.parts.motion import centre_motion, true_motion
from baselines.two_frame import (
    FlowMemory,
    TwoFrameCnn,
    TwoFrameConfig,
    dense_flow,
)
from benchmark import geometry
from benchmark.sweep import Prediction
from tests.baselines import speckle


def batch_of(sweep, count=8):
    frames = torch.from_numpy(np.asarray(sweep.bmode.frames)).float() / 255
    frames = torch.stack([frames[:count], frames[1 : count + 1]], 1)
    steps = torch.from_numpy(sweep.prev_from_frame[:count, None]).float()
    pixels = torch.from_numpy(sweep.bmode.mm_from_pixel).float().expand(count, 4, 4)
    return frames, steps, pixels


def fitted(sweeps, **config):
    torch.manual_seed(0)
    tracker = TwoFrameCnn(TwoFrameConfig(**config))
    tracker.fit(sweeps)
    return tracker


def test_fit_takes_mean_and_spread_of_the_training_motion(training_sweeps):
    network = fitted(training_sweeps).module()
    motion = np.concatenate([true_motion(sweep) for sweep in training_sweeps])
    assert np.allclose(network.mean, motion.mean(0), atol=1e-6)
    assert np.allclose(network.std, motion.std(0), rtol=1e-5)


def test_loss_of_answering_the_mean_is_the_variance(training_sweeps):
    """With its last layer at zero the network answers the training mean: a closed form."""
    tracker = fitted(training_sweeps)
    last = tracker.module()[-1]
    torch.nn.init.zeros_(last.weight)
    torch.nn.init.zeros_(last.bias)
    sweep = training_sweeps[0]
    motion = np.concatenate([true_motion(s) for s in training_sweeps])
    target = (true_motion(sweep)[:8] - motion.mean(0)) / motion.std(0)
    loss = tracker.loss(*batch_of(sweep)).item()
    assert abs(loss - (target**2).mean()) < 1e-4
    predicted = tracker.track(sweep.observe())
    found = centre_motion(sweep.bmode, predicted.prev_from_frame)
    assert np.abs(found - motion.mean(0)).max() < 1e-5


def test_mirrored_samples_move_their_points_as_the_mirror_says(test_sweep, scene):
    """A tissue point of the mirrored image moves as the mirror image of its motion."""
    frames, steps, pixels = batch_of(test_sweep)
    torch.manual_seed(1)
    new_frames, new_steps, _ = TwoFrameCnn().augment(frames, steps, pixels)
    mirrored = (new_frames != frames).flatten(1).any(1).numpy()
    assert 0 < mirrored.sum() < len(frames)
    assert torch.equal(new_frames[mirrored], frames[mirrored].flip(-1))
    assert torch.equal(new_steps[~mirrored], steps[~mirrored])
    mirror = np.diag([-1.0, 1.0, 1.0])
    offset = np.array([2 * scene.centre_mm[0], 0, 0])
    points = np.random.default_rng(0).uniform(-5, 5, (6, 3))
    old = steps[mirrored, 0].double().numpy()
    new = new_steps[mirrored, 0].double().numpy()
    there = geometry.apply(old, points) @ mirror + offset
    assert np.abs(geometry.apply(new, points @ mirror + offset) - there).max() < 1e-5
    assert geometry.se3_fault(new, 1e-5) is None


def test_windows_of_several_frames_are_all_their_pairs(training_sweeps, test_sweep):
    tracker = fitted(training_sweeps)
    tracker.module().eval()
    frames, steps, pixels = batch_of(test_sweep, 4)
    singly = tracker.loss(frames, steps, pixels)
    window = torch.cat([frames[:, 0], frames[-1:, 1]])[None]
    assert torch.allclose(tracker.loss(window, steps.transpose(0, 1), pixels[:1]), singly)


def shifted_sweep(scene):
    """The probe goes one pixel right at each step, so the tissue goes one left."""
    values = np.zeros((2, 6))
    values[:, 0] = 0.2
    return speckle.speckle_sweep(scene, geometry.from_degrees_of_freedom(values), 3)


def test_flow_follows_a_shift(scene):
    frames = np.asarray(shifted_sweep(scene).bmode.frames) / np.float32(255)
    flow = dense_flow(frames[0], frames[1])
    assert flow.shape == (2, scene.height, scene.width)
    inner = flow[:, 10:-10, 10:-10]
    assert np.abs(np.median(inner[1]) + 1) < 0.1 and np.abs(np.median(inner[0])) < 0.1


def test_flow_is_found_once_and_the_same(scene, monkeypatch):
    frames = np.asarray(shifted_sweep(scene).bmode.frames)[None] / np.float32(255)
    one_flow = 2 * 2 * scene.height * scene.width
    memory, asked = FlowMemory(one_flow), []
    monkeypatch.setattr(two_frame, "dense_flow", lambda a, b: asked.append(1) or dense_flow(a, b))
    first, again = memory.of(frames), memory.of(frames)
    assert first.shape == (1, 2, 2, scene.height, scene.width)
    assert len(asked) == 3, "there is room for the first of two pairs only"
    assert np.array_equal(first, again)
    assert np.abs(first[0, 1] - dense_flow(frames[0, 1], frames[0, 2])).max() < 0.01


def test_flow_channels_are_used(training_sweeps, test_sweep):
    tracker = fitted(training_sweeps, flow=True, width=8)
    assert tracker.module()[0].in_channels == 4
    assert isinstance(tracker.track(test_sweep.observe()), Prediction)


def test_tracking_leaves_the_network_in_its_mode(training_sweeps, test_sweep):
    tracker = fitted(training_sweeps, width=8)
    tracker.module().train()
    before = {key: value.clone() for key, value in tracker.module().state_dict().items()}
    tracker.track(test_sweep.observe())
    assert tracker.module().training
    after = tracker.module().state_dict()
    assert all(torch.equal(before[key], after[key]) for key in before)


def test_learns_in_plane_motion_in_seconds():
    """After a short training the network follows lateral steps of unseen tissue."""
    small = speckle.Scene(height=48, width=48)
    rng = np.random.default_rng(0)
    sweeps = [
        speckle.speckle_sweep(small, speckle.hand_steps(small, 40, rng), 30 + i) for i in range(9)
    ]
    tracker, updates = fitted(sweeps[:8]), 300
    optimiser = torch.optim.Adam(tracker.module().parameters(), tracker.recipe.learning_rate)
    parts = [batch_of(sweep, 40) for sweep in sweeps[:8]]
    data = [torch.cat([part[i] for part in parts]) for i in range(3)]
    for update in range(updates):
        optimiser.param_groups[0]["lr"] = tracker.recipe.learning_rate * (1 - update / updates)
        index = torch.randint(0, len(data[0]), (16,))
        loss = tracker.loss(*tracker.augment(*[values[index] for values in data]))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    found = tracker.track(sweeps[8].observe()).prev_from_frame
    found = centre_motion(sweeps[8].bmode, found)[:, 0]
    assert np.corrcoef(found, true_motion(sweeps[8])[:, 0])[0, 1] > 0.7
