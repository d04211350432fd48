"""Local and global encoders: no temporal reduction, positions, chunks."""

from itertools import pairwise

import numpy as np
import pytest
import torch

from baselines.dual import (
    DualConfig,
    DualNet,
    DualPaperConfig,
    DualTrack,
    GlobalEncoder,
    LocalEncoder,
    chunk_starts,
    sine_code,
)
from tests.baselines.networks import TINY, made

CONFIG = TINY[DualTrack]


@pytest.mark.parametrize(("count", "length"), [(2, 2), (9, 4), (10, 10), (108, 16), (17, 16)])
def test_chunks_cover_all_frames_and_overlap(count, length):
    starts = chunk_starts(count, length)
    assert starts[0] == 0 and starts[-1] == count - length
    assert starts == sorted(set(starts))
    assert all(b - a <= max(1, length // 2) for a, b in pairwise(starts))


def test_every_frame_has_a_token():
    encoder = LocalEncoder(CONFIG).eval()
    assert encoder(torch.zeros(2, 7, 96, 96)).shape == (2, 7, CONFIG.model)
    maps = encoder.stages(encoder.stem(torch.zeros(1, 1, 7, 96, 96)))
    assert maps.shape == (1, 8 * CONFIG.local_width, 7, 6, 6)


def test_a_far_frame_is_read_by_the_global_encoder_alone():
    """Beyond the reach of the 3D layers, a change is seen through attention, not by them."""
    torch.manual_seed(0)
    encoder = LocalEncoder(DualConfig(local_width=2, model=8)).eval()
    frames = torch.rand(1, 40, 32, 32)
    changed = frames.clone()
    changed[:, 39] = 0
    difference = (encoder(frames) - encoder(changed)).abs().amax((0, 2))
    reach = 1 + 8  # one first layer of 3, eight layers of 3
    assert (difference[: 39 - reach] == 0).all() and difference[38] > 0
    net = DualNet(CONFIG).eval()
    local, sparse = torch.rand(1, 12, 96, 96), torch.rand(1, 3, 48, 48)
    other = sparse.clone()
    other[:, 2] = 0
    assert (net(local, sparse) - net(local, other)).abs().amax() > 0


def test_positions_are_told_apart():
    code = sine_code(torch.arange(64), 16)
    assert code.shape == (64, 16)
    assert torch.cdist(code, code).fill_diagonal_(9).min() > 0.5
    assert torch.allclose(code[:, 0], torch.arange(64).sin())


def test_sparse_frames_are_the_windows_and_of_the_asked_size():
    tracker, seen = DualTrack(CONFIG), []
    tracker.module().forward = lambda local, sparse: seen.append((local.shape, sparse.shape))
    tracker.answer(torch.zeros(2, 9, 96, 80))
    assert seen == [((2, 9, 96, 80), (2, 3, 48, 48))]


def test_chunks_of_one_sweep_are_joined_at_their_middles(training_sweeps, test_sweep):
    tracker = made(DualTrack, CONFIG, training_sweeps)
    count, length = len(test_sweep), CONFIG.window
    starts = chunk_starts(count, length)
    places = iter(starts)

    def numbered(frames):
        return torch.full((1, frames.shape[1] - 1, 6), float(next(places)))

    tracker.answer = numbered
    tracker.module().mean.zero_()
    tracker.module().std.fill_(1)
    motion = tracker.motion(test_sweep.bmode, torch.device("cpu"))[:, 0]
    assert (np.diff(motion) >= 0).all() and set(motion) == set(starts)
    for start in starts:
        where = np.flatnonzero(motion == start)
        assert where.min() >= start and where.max() < start + length - 1


def test_full_preset_has_resnet_18_and_its_widths():
    config = DualPaperConfig()
    encoder = GlobalEncoder(config)
    # ResNet-18 of one channel: 11 689 512 less the last layer and two of three channels.
    trunk = sum(p.numel() for p in encoder.trunk.parameters())
    assert trunk == 11_689_512 - 513_000 - 2 * 64 * 49
    first = LocalEncoder(config).stem
    assert (first[0].out_channels, first[3].out_channels) == (45, 64)
    assert len(encoder.layers.layers) == 8 and encoder.project.out_features == 512
