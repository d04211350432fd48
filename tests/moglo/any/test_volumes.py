"""Products of blocks, correlations of tiles, and which frames are compared."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from moglo.any.products import _by_tensors, block_products
from moglo.any.volumes import gap_pairs, gap_volumes, tile_correlation, tile_means

GRID = (2, 16, 8)  # reach, tile, stride


def noise(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def test_products_are_those_of_a_plain_loop_and_of_tensors():
    first, second = noise(2, 3, 21, 27)
    found = block_products(first, second, 1, 5)
    padded = np.pad(second.numpy(), ((0, 0), (1, 1), (1, 1)))
    plain = np.zeros((3, 9, 4, 5))
    for n, cell, row, column in np.ndindex(plain.shape):
        down, across = divmod(cell, 3)
        rows, columns = slice(5 * row, 5 * row + 5), slice(5 * column, 5 * column + 5)
        other = padded[n, down : down + 21, across : across + 27]
        plain[n, cell, row, column] = (first[n].numpy() * other)[rows, columns].sum()
    np.testing.assert_allclose(found, plain, atol=1e-5)
    by_tensors = _by_tensors(first, functional.pad(second, (1,) * 4), 1, 5)
    torch.testing.assert_close(found, by_tensors, atol=1e-5, rtol=1e-5)


def test_tile_means_are_those_of_each_tile():
    values = noise(2, 40, 33)
    found = tile_means(values, 16, 8)
    wanted = functional.avg_pool2d(values[:, None], 16, 8)[:, 0]
    torch.testing.assert_close(found, wanted)


def test_a_frame_correlates_with_itself_where_it_lies():
    frame = noise(1, 64, 64)
    volume = tile_correlation(frame, frame.roll((1, -2), (1, 2)), *GRID)
    inner = volume[0, :, 1:-1, 1:-1]
    best = (1 + 2) * 5 + (-2 + 2)  # the earlier frame shows it one row below, two columns left
    assert (inner.argmax(0) == best).all()
    assert inner[best].mean() == pytest.approx(0.999, abs=0.002)


def test_two_mixed_frames_correlate_by_the_share_they_have_in_common():
    one, two = noise(2, 1, 256, 256)
    volume = tile_correlation(one, 0.6 * one + 0.8 * two, *GRID)
    assert volume[:, 12].mean() == pytest.approx(0.6, abs=0.01)


def test_a_black_tile_correlates_with_nothing():
    frame = noise(1, 64, 64)
    frame[:, :, :24] = 0
    volume = tile_correlation(frame, frame, *GRID)
    assert not volume[..., :2].any() and volume.isfinite().all()


@pytest.mark.parametrize("gap", [1, 2, 4, 8])
def test_the_pair_of_a_step_lies_around_it_and_within_the_sweep(gap):
    frames = 12
    starts, found = gap_pairs(range(frames - 1), frames, gap)
    assert found == gap
    for step, start in enumerate(starts):
        assert 0 <= start <= step < step + 1 <= start + gap < frames


def test_a_gap_longer_than_the_sweep_is_the_sweep():
    assert gap_pairs(range(2), 3, 8) == ([0, 0], 2)


def test_volumes_of_a_gap_compare_the_frames_they_name():
    frames, shift = noise(2, 6, 32, 32), torch.zeros(2, 5, 2)
    volume, offset = gap_volumes(frames, shift, 2, [0, 0, 3], GRID)
    assert volume.shape == (2, 3, 25, 3, 3) and not offset.any()
    for place, start in enumerate([0, 0, 3]):
        wanted = tile_correlation(frames[:, start + 2], frames[:, start], *GRID)
        torch.testing.assert_close(volume[:, place], wanted)
