"""Clips: their means and how these are spread again, attention, ranking, reduction of time."""

import numpy as np
import pytest
import torch

from baselines.dcl import (
    ClipNet,
    Dc2Net,
    DclConfig,
    DclNet,
    DclNetPaper,
    DclPaperConfig,
    NonLocal,
    clip_means,
    cropped,
    margin_ranking,
    spread_over_steps,
)
from tests.baselines.networks import TINY, batch_of, made

CONFIG = TINY[DclNet]


def test_clip_means_and_their_spread():
    motion = np.arange(5.0)[:, None] * np.ones(6)
    means = clip_means(motion, 3)
    assert np.array_equal(means[:, 0], [1, 2, 3])
    spread = spread_over_steps(means, 3)
    assert np.allclose(spread[:, 0], [1, 1.5, 2, 2.5, 3])
    assert np.array_equal(clip_means(motion[:2], 4), motion[:2].mean(0)[None])
    even = np.tile([1.0, 2, 3, 4, 5, 6], (7, 1))
    assert np.allclose(spread_over_steps(clip_means(even, 4), 4), even)


def test_central_crop():
    frames = torch.arange(6 * 8).reshape(1, 6, 8)
    assert torch.equal(cropped(frames, 4), frames[:, 1:5, 2:6])
    assert torch.equal(cropped(frames, 0), frames) and torch.equal(cropped(frames, 9), frames)


def test_margin_ranking_by_hand():
    """Three clips on a line; for each the nearer of the other two by motion is known."""
    motion = torch.tensor([[0.0], [1.0], [3.0]]).expand(3, 6)
    apart = margin_ranking(torch.tensor([[0.0], [1.0], [3.0]]), motion, 0.1)
    assert apart.item() == 0
    # Embeddings 0, 3, 1: a=0: |0-3| - |0-1| + .1 = 2.1; a=1 (0 nearer than 2): 3 - 2 + .1 = 1.1;
    # a=2 (1 nearer than 0): 2 - 1 + .1 = 1.1.
    found = margin_ranking(torch.tensor([[0.0], [3.0], [1.0]]), motion, 0.1)
    assert found.item() == pytest.approx((2.1 + 1.1 + 1.1) / 3, abs=1e-6)
    assert margin_ranking(torch.ones(2, 3, requires_grad=True), motion[:2], 0.1).item() == 0


def test_attention_starts_as_identity_and_is_a_softmax_over_places():
    torch.manual_seed(0)
    block, features = NonLocal(4), torch.randn(2, 4, 2, 3, 3)
    assert torch.equal(block(features), features)
    torch.nn.init.normal_(block.out.weight)
    rows = [layer(features).flatten(2) for layer in (block.query, block.key, block.value)]
    weight = torch.softmax(torch.einsum("bcp,bcq->bpq", rows[0], rows[1]) / 2**0.5, -1)
    seen = torch.einsum("bpq,bcq->bcp", weight, rows[2]).reshape(2, 2, 2, 3, 3)
    assert torch.allclose(block(features), features + block.out(seen), atol=1e-5)


def test_space_is_reduced_before_time():
    net = ClipNet(DclConfig(width=8, blocks="111", groups=4)).eval()
    features = net.stem(torch.zeros(1, 1, 5, 96, 96))
    sizes = [features.shape[2:]]
    for stage in net.stages:
        features = stage(features)
        sizes.append(features.shape[2:])
    assert [tuple(size) for size in sizes] == [(5, 48, 48), (5, 48, 48), (5, 24, 24), (3, 12, 12)]


def test_full_preset_is_a_3d_resnext_50():
    """Counted layer by layer from the published table, with squeeze and excitation in each block.

    A stage of planes p: 1x1x1 into 2p, 3x3x3 in 32 groups, 1x1x1 into 4p, norms of two each,
    excitation 4p -> 4p/16 -> 4p with biases.
    """
    total, channels = 3 * 7 * 7 * 64 + 2 * 64, 64
    for planes, blocks in zip((64, 128, 256, 512), (3, 4, 6, 3), strict=True):
        inner, out = 2 * planes, 4 * planes
        total += channels * out + 2 * out  # projection
        for _ in range(blocks):
            total += channels * inner + inner * (inner // 32) * 27 + inner * out
            total += 2 * (inner + inner + out)
            total += 2 * out * (out // 16) + out // 16 + out
            channels = out
    trunk = ClipNet(DclPaperConfig())
    found = sum(p.numel() for part in (trunk.stem, trunk.stages) for p in part.parameters())
    assert found == total
    assert DclNetPaper().recipe.learning_rate == 5e-6 and DclNetPaper().recipe.batch_size == 28


def test_loss_of_answering_the_mean_is_variance_and_no_trend(training_sweeps):
    """Answering the mean: the mean square of the standardised clip means, plus one."""
    plain = DclNet(DclConfig(**{**vars(CONFIG), "ranking": 0.0}))
    plain.fit(training_sweeps)
    torch.nn.init.zeros_(plain.module().last.weight)
    torch.nn.init.zeros_(plain.module().last.bias)
    labels = np.concatenate([plain.labels(sweep) for sweep in training_sweeps])
    target = plain.labels(training_sweeps[0])[[0, 5, 10, 15]] - labels.mean(0)
    wanted = ((target / labels.std(0)) ** 2).mean() + 1
    loss = plain.loss(*batch_of(training_sweeps[0], CONFIG.window)).item()
    assert loss == pytest.approx(wanted, rel=1e-3)


def test_dc2_adds_the_ranking(training_sweeps):
    batch = batch_of(training_sweeps[0], CONFIG.window)
    with_ranking = made(DclNet, CONFIG, training_sweeps)
    without = made(DclNet, DclConfig(**{**vars(CONFIG), "ranking": 0.0}), training_sweeps)
    assert Dc2Net().config.ranking == 1 and DclNet().config.ranking == 0
    assert with_ranking.loss(*batch).item() > without.loss(*batch).item()
