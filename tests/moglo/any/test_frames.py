"""Frames on one footing: size in units of the speckle, contrast one, mask kept."""

import numpy as np
import pytest
import torch

from moglo.any.condition import condition_of
from moglo.any.config import MoGLoAnyConfig
from moglo.any.frames import CELL_PX, grid_size, seen, standardised
from tests.moglo.any.example import observation, speckle_of

CONFIG = MoGLoAnyConfig()


def noise(*shape, seed=0):
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize(
    ("size", "finest", "wanted"),
    [
        ((96, 128), [0.5, 0.8], (96, 128)),  # coarser than asked for: as they are
        ((96, 128), [1.2, 1.2], (96, 128)),  # nearly as asked for: as they are
        ((200, 400), [4.0, 2.0], (100, 100)),
        ((480, 640), [1.0, 1.0], (192, 192)),
        ((400, 60), [0.5, 0.5], (192, 60)),
        ((10, 300), [8.0, 8.0], (16, 38)),
    ],
)
def test_the_grid_is_as_fine_as_the_speckle_and_no_larger_than_allowed(size, finest, wanted):
    assert grid_size(size, finest, CONFIG) == wanted


def test_local_contrast_is_one_and_gain_is_gone():
    frames, mask = 0.3 + 0.2 * noise(1, 2, 64, 64), torch.ones(1, 1, 64, 64)
    standard, contrast = standardised(frames, mask)
    assert standard.std() == pytest.approx(1, abs=0.1)
    assert abs(standard.mean()) < 0.05
    brighter, more = standardised(2 * frames + 0.1, mask)
    torch.testing.assert_close(brighter, standard, atol=0.05, rtol=0)
    torch.testing.assert_close(more - contrast, torch.full_like(more, np.log(2)), atol=0.1, rtol=0)


def test_what_lies_outside_the_mask_changes_nothing():
    frames, mask = noise(1, 2, 64, 64), torch.ones(1, 1, 64, 64)
    mask[..., :20] = 0
    other = frames.clone()
    other[..., :20] = noise(1, 2, 64, 20, seed=1)
    standard, contrast = standardised(frames, mask)
    assert not standard[..., :20].any() and not contrast[..., :20].any()
    inside = (..., slice(20, None))
    torch.testing.assert_close(standardised(other, mask)[0][inside], standard[inside])
    bare = standardised(frames[inside], mask[inside])[0]
    away = slice(2 * CELL_PX, None)
    torch.testing.assert_close(standard[inside][..., away], bare[..., away], atol=0.2, rtol=0)


def test_resampled_frames_keep_their_extent_and_what_is_known_of_them():
    taken = observation(height=240, width=300, pixel=0.05)
    told = torch.from_numpy(condition_of(taken, speckle_of(taken)))[None]
    frames = torch.from_numpy(taken.bmode.frames).float()[None] / 255
    grid = torch.tensor(taken.bmode.mm_from_pixel).float()[None]
    found = seen(frames, grid, told, CONFIG)
    rows, columns = found.mask.shape[-2:]
    assert (rows, columns) < (240, 300)
    wide, tall = found.pixel_mm[0] * torch.tensor([columns, rows])
    assert wide == pytest.approx(300 * 0.05) and tall == pytest.approx(240 * 0.05)
    half = found.points.abs().amax((0, 2, 3))
    torch.testing.assert_close(half, torch.stack([wide, tall]) / 2 - found.pixel_mm[0] / 2)
    wanted = told[0, 1:].mean((1, 2))
    torch.testing.assert_close(found.lengths[0].mean((1, 2)), wanted, rtol=0.02, atol=0)
