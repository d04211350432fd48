"""Recurrence over pairs, its streaming, its losses, and consistency at test time."""

import numpy as np
import pytest
import torch

from baselines.monet import (
    ConvolutionalLstm,
    MoNet,
    MoNetConfig,
    MoNetPaper,
    PairSequenceNet,
    residual_trunk,
)
from baselines.parts.consistency import inconsistency
from baselines.parts.motion import true_motion
from benchmark import geometry
from benchmark.checker import check_tracker
from tests.baselines.networks import TINY, batch_of, made

CONFIG = TINY[MoNet]


def changed(**changes) -> MoNetConfig:
    return MoNetConfig(**{**vars(CONFIG), **changes})


def test_convolutional_lstm_on_one_pixel_is_torchs_lstm():
    torch.manual_seed(0)
    cell, reference = ConvolutionalLstm(3, 5), torch.nn.LSTM(3, 5, batch_first=True)
    weight = cell.gates.weight[:, :, 1, 1]
    with torch.no_grad():  # the gates' order here is i, f, o, g; torch's is i, f, g, o
        i, f, o, g = weight.chunk(4)
        bi, bf, bo, bg = cell.gates.bias.chunk(4)
        ordered, bias = torch.cat([i, f, g, o]), torch.cat([bi, bf, bg, bo])
        reference.weight_ih_l0.copy_(ordered[:, :3])
        reference.weight_hh_l0.copy_(ordered[:, 3:])
        reference.bias_ih_l0.copy_(bias)
        reference.bias_hh_l0.zero_()
    sequence, state = torch.randn(2, 7, 3), None
    for step in sequence.unbind(1):
        state = cell(step[:, :, None, None], state)
    wanted = reference(sequence)[0][:, -1]
    assert torch.allclose(state[0][:, :, 0, 0], wanted, atol=1e-6)


def test_trunk_is_resnet_18():
    """11 689 512 parameters (torchvision), less the last layer and one of three input channels."""
    trunk = residual_trunk(2, 2, 64, 2, True)
    found = sum(p.numel() for p in trunk.parameters())
    assert found == 11_689_512 - 513_000 - 64 * 49
    assert trunk(torch.zeros(1, 2, 288, 320)).shape == (1, 512, 9, 10)


def test_streamed_in_parts_it_answers_as_in_one(test_sweep):
    net = PairSequenceNet(CONFIG).eval()
    frames = torch.from_numpy(np.asarray(test_sweep.bmode.frames[:9])).float()[None] / 255
    whole, _ = net(frames)
    first, state = net(frames[:, :5])
    second, _ = net(frames[:, 4:], state)
    assert torch.allclose(whole, torch.cat([first, second], 1), atol=1e-5)


def test_published_loss_of_the_mean_in_mm_and_hundred_rad(training_sweeps):
    """Answering the mean: 3 L1 of mm, 3 L1 of 100 rad, plus one for no trend at all."""
    tracker = made(MoNet, changed(standardised_loss=False), training_sweeps)
    torch.nn.init.zeros_(tracker.module().last.weight)
    torch.nn.init.zeros_(tracker.module().last.bias)
    mean = np.concatenate([true_motion(s) for s in training_sweeps]).mean(0)
    truth = true_motion(training_sweeps[0])
    error = np.abs(np.stack([truth[i : i + 3] for i in range(0, 20, 5)]) - mean)
    wanted = 3 * error[..., :3].mean() + 300 * error[..., 3:].mean() + 1
    loss = tracker.loss(*batch_of(training_sweeps[0], 4)).item()
    assert loss == pytest.approx(wanted, rel=1e-3)


def frames_of_a_volume(offsets: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
    """Cuts of one smooth pattern over (x, y, z) at given depths; poses from the first."""
    x, y = np.meshgrid(np.arange(33), np.arange(33))  # odd: pixels of a still frame are voxels
    frames = [0.5 + 0.4 * np.sin(x / 3 + z) * np.cos(y / 4 - z / 2) for z in offsets]
    poses = np.tile(np.eye(4), (len(offsets), 1, 1))
    poses[:, 2, 3] = offsets - offsets[0]
    return torch.tensor(np.array(frames)).float(), torch.tensor(poses).float()


def test_frames_agree_with_their_own_volume_and_not_with_another():
    """Frames that lie apart agree exactly; where they overlap, the true poses disagree least."""
    apart, poses = frames_of_a_volume(np.array([0.0, 3.0, 6.0]))
    assert inconsistency(apart, poses, np.eye(4), 1.0).item() < 1e-3
    close, poses = frames_of_a_volume(np.arange(8) * 0.5)
    true = inconsistency(close, poses, np.eye(4), 1.0).item()
    wrong = poses.clone()
    wrong[3, 0, 3] += 1.5
    assert inconsistency(close, wrong, np.eye(4), 1.0).item() > 1.1 * true


def test_inconsistency_pulls_a_misplaced_frame_back():
    frames, poses = frames_of_a_volume(np.arange(8) * 0.5)
    shift = torch.tensor([0.6], requires_grad=True)
    for sign in (1.0, -1.0):
        offset = torch.zeros(8, 4, 4)
        offset[3, 0, 3] = sign
        loss = inconsistency(frames, poses + shift * offset, np.eye(4), 1.0)
        (gradient,) = torch.autograd.grad(loss, shift)
        assert gradient.item() > 0, "moving it further away makes it worse"


def test_gradient_of_the_inconsistency_is_the_same_each_time():
    """Threads sum torch's gradient of indexing in any order; this gradient has one order."""
    rng = np.random.default_rng(0)
    frames = torch.tensor(rng.random((12, 90, 90)), dtype=torch.float32)
    poses = torch.eye(4).repeat(12, 1, 1)
    poses[:, 2, 3] = 0.3 * torch.arange(12)
    poses.requires_grad_()
    found = set()
    for _ in range(20):
        loss = inconsistency(frames, poses, np.eye(4), 0.3)
        (gradient,) = torch.autograd.grad(loss, poses)
        found.add(gradient.numpy().tobytes())
    assert len(found) == 1


def test_adaptation_changes_the_answer_and_not_the_network(training_sweeps, test_sweep):
    plain = made(MoNet, CONFIG, training_sweeps)
    adapting = made(
        MoNet, changed(consistency_rounds=2, adaptation_rate=1e-3, chunk=10), training_sweeps
    )
    assert plain.causal and not adapting.causal
    before = {k: v.clone() for k, v in adapting.module().state_dict().items()}
    observation = test_sweep.observe()
    one, other = plain.track(observation), adapting.track(observation)
    assert not np.allclose(one.first_from_frame, other.first_from_frame, atol=1e-6)
    assert geometry.se3_fault(other.first_from_frame) is None
    after = adapting.module().state_dict()
    assert all(torch.equal(before[key], after[key]) for key in before)
    check_tracker(adapting)


def test_full_preset():
    recipe = MoNetPaper().recipe
    assert recipe.learning_rate == 1e-4 and recipe.batch_size == 1 and recipe.step_factor == 0.5
    memory = PairSequenceNet(MoNetPaper().config).memory.gates
    assert (memory.in_channels, memory.out_channels, memory.kernel_size) == (1024, 2048, (3, 3))
