"""Tile correlation against a plain loop in double precision, and what shifts do to it."""

import numpy as np
import pytest
import torch

from moglo.long.tiles import SMALLEST_VARIANCE, tile_correlation


def speckle(count=2, size=32, seed=0):
    values = np.random.default_rng(seed).normal(size=(count, size, size))
    return torch.from_numpy(values).float()


def by_loops(first, second, reach, tile, stride):
    """The definition, pixel by pixel, in double precision."""
    first, second = first.double().numpy(), second.double().numpy()
    count, height, width = first.shape
    padded = np.pad(second, ((0, 0), (reach, reach), (reach, reach)))
    rows, columns = (height - tile) // stride + 1, (width - tile) // stride + 1
    side = 2 * reach + 1
    volume = np.zeros((count, side * side, rows, columns))
    for n in range(count):
        for cell in range(side * side):
            for i in range(rows):
                for j in range(columns):
                    y, x = i * stride, j * stride
                    one = first[n, y : y + tile, x : x + tile]
                    down, across = y + cell // side, x + cell % side
                    other = padded[n, down : down + tile, across : across + tile]
                    covariance = np.mean(one * other) - one.mean() * other.mean()
                    volume[n, cell, i, j] = covariance / (
                        one.std() * other.std() + SMALLEST_VARIANCE
                    )
    return volume


@pytest.mark.parametrize(("reach", "tile", "stride"), [(3, 16, 8), (2, 8, 8), (1, 16, 4)], ids=str)
def test_equals_a_plain_loop(reach, tile, stride):
    first, second = speckle(seed=1), speckle(seed=2) + 0.5 * speckle(seed=1)
    found = tile_correlation(first, second, reach, tile, stride)
    expected = by_loops(first, second, reach, tile, stride)
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_frames_may_be_wider_than_tall():
    first, second = speckle(1, 48, 3)[:, :24], speckle(1, 48, 4)[:, :24]
    found = tile_correlation(first, second)
    assert found.shape == (1, 49, 2, 5)
    np.testing.assert_allclose(found, by_loops(first, second, 3, 16, 8), atol=1e-5)


def test_a_frame_is_most_like_itself_where_it_is():
    frames = speckle(3, 48)
    volume = tile_correlation(frames, frames)
    assert (volume.argmax(1) == 24).all()
    torch.testing.assert_close(volume[:, 24], torch.ones_like(volume[:, 24]), atol=2e-3, rtol=0)
    assert volume.abs().max() <= 1


@pytest.mark.parametrize(("down", "across"), [(1, 0), (0, -2), (-3, 3)])
def test_a_shift_moves_the_peak_by_as_many_cells(down, across):
    frames = speckle(2, 48)
    moved = frames.roll((down, across), (1, 2))  # moved(y + down, x + across) = frames(y, x)
    inner = tile_correlation(frames, moved)[:, :, 1:-1, 1:-1]
    assert (inner.argmax(1) == (down + 3) * 7 + across + 3).all()


def test_exchanging_the_frames_of_a_pair_reverses_the_cells():
    first, second = speckle(1, 48, 5), speckle(1, 48, 6)
    here = tile_correlation(first, second, reach=0)
    torch.testing.assert_close(here, tile_correlation(second, first, reach=0))
    moved = first.roll((1, 1), (1, 2))
    forward = tile_correlation(first, moved)[..., 1:-1, 1:-1].mean((2, 3))
    backward = tile_correlation(moved, first)[..., 1:-1, 1:-1].mean((2, 3))
    assert forward.argmax() == 48 - backward.argmax()


def test_the_height_of_the_peak_is_the_share_that_two_frames_have_in_common():
    common, own, other = (speckle(1, 512, seed) for seed in (7, 8, 9))
    share = 0.6
    first = share**0.5 * common + (1 - share) ** 0.5 * own
    second = share**0.5 * common + (1 - share) ** 0.5 * other
    assert tile_correlation(first, second)[:, 24].mean() == pytest.approx(share, abs=0.01)


def test_what_shows_nothing_correlates_with_nothing_and_no_gradient_passes():
    frames = speckle(1, 32).requires_grad_()
    black = torch.zeros(1, 32, 32)
    assert not tile_correlation(frames, frames).requires_grad
    for pair in ((black, black), (black, frames), (frames, black + 0.7)):
        volume = tile_correlation(*pair)
        assert volume.isfinite().all()
        assert volume[:, 24].abs().max() < 1e-3
