"""A set of transforms: which pairs, their truth, their agreement, windows that overlap."""

import numpy as np
import pytest
import torch

from baselines.long_context import (
    PUBLISHED,
    LongContext,
    LongContextConfig,
    LongContextPaper,
    back_and_forth,
    frame_pairs,
    published_count,
)
from baselines.parts.motion import true_motion
from benchmark import geometry
from tests.baselines.networks import TINY, batch_of, made

CONFIG = TINY[LongContext]


@pytest.mark.parametrize(("window", "count"), PUBLISHED.items())
def test_as_many_pairs_as_published(window, count):
    assert published_count(window) == count
    pairs = frame_pairs(window, count)
    assert pairs.shape == (count, 2) and len({tuple(p) for p in pairs}) == count
    assert np.array_equal(pairs[: window - 1, 0] + 1, pairs[: window - 1, 1])
    assert (pairs[:, 0] < pairs[:, 1]).all() and pairs.max() == window - 1


def test_short_windows_have_all_their_pairs():
    assert published_count(4) == 6 and len(frame_pairs(4, 6)) == 6
    assert np.array_equal(frame_pairs(2, 1), [[0, 1]])
    assert np.array_equal(frame_pairs(5, 1), [[0, 1], [1, 2], [2, 3], [3, 4]])


def test_joined_steps_are_the_true_motion_over_the_gap(test_sweep):
    tracker = LongContext(CONFIG)
    frames, steps, grid = batch_of(test_sweep, 4)
    joined = tracker._joined(
        geometry.about(geometry.image_centre(grid, frames.shape)[:, None], steps)
    )
    assert len(tracker.pairs) > 1
    for place, (i, j) in enumerate(tracker.pairs):
        wanted = true_motion(test_sweep, j - i)[[i, i + 5, i + 10, i + 15]]
        assert np.abs(joined[:, place].double().numpy() - wanted).max() < 1e-4


def test_fit_takes_the_statistics_of_each_gap(training_sweeps):
    tracker = made(LongContext, CONFIG, training_sweeps)
    assert len(tracker.pairs) > 1
    for (i, j), mean, std in zip(
        tracker.pairs, tracker.module().mean, tracker.module().std, strict=True
    ):
        motion = np.concatenate([true_motion(sweep, int(j - i)) for sweep in training_sweeps])
        assert np.allclose(mean, motion.mean(0), atol=1e-6)
        assert np.allclose(std, motion.std(0), rtol=1e-4)


def test_consistency_is_zero_where_steps_join_to_the_pairs_transform(training_sweeps):
    """The network answers the chained steps plus 0.1 mm, so that only this error remains."""
    config = LongContextConfig(**{**vars(CONFIG), "balance": False})
    tracker = made(LongContext, config, training_sweeps)
    frames, steps, grid = batch_of(training_sweeps[0], 4)
    network = tracker.module()
    motion = tracker._joined(
        geometry.about(geometry.image_centre(grid, frames.shape)[:, None], steps)
    )
    motion[:, :, 2] += 0.1  # each transform 0.1 mm too long: joined ones are longer still

    class Answers(torch.nn.Module):
        mean, std = network.mean, network.std

        def forward(self, _):
            return (motion - network.mean) / network.std

    tracker._module = Answers()
    loss = tracker.loss(frames, steps, grid).item()
    joined = [(0.1 * (j - i - 1)) ** 2 for i, j in tracker.pairs]
    assert loss == pytest.approx(0.01 + config.consistency * np.mean(joined), rel=0.02)


def test_back_and_forth():
    assert back_and_forth(2, 5).tolist() == [0, 1, 0, 1, 0]
    assert back_and_forth(4, 8).tolist() == [0, 1, 2, 3, 2, 1, 0, 1]


def test_full_preset_sees_a_hundred_frames():
    tracker = LongContextPaper()
    assert tracker.window == 100 and tracker.answers == (218, 6)
    # b1's trunk with 100 channels in and 6 * 218 numbers out; see test_efficientnet for the rest.
    trunk = 7_794_184 - 3 * 32 * 9 - 1281 * 1000
    found = sum(p.numel() for p in tracker.module().parameters())
    assert found == trunk + 100 * 32 * 9 + 1281 * 6 * 218
