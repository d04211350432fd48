"""Frames of other sizes: the same place in mm keeps its grey level."""

import torch

from moglo.resample import resampled


def ramp(height, width, pixel_x, pixel_y):
    """Frames that are linear in mm from their centre: 0.5 + 0.02 x - 0.01 y."""
    x = (torch.arange(width) - (width - 1) / 2) * pixel_x
    y = (torch.arange(height) - (height - 1) / 2) * pixel_y
    return (0.5 + 0.02 * x - 0.01 * y[:, None])[None, None]


def test_a_grid_of_its_own_is_left_alone():
    frames = torch.rand(2, 3, 48, 48)
    source = torch.tensor([[0.25, 0.2]]).repeat(2, 1)
    assert resampled(frames, source, 48, source[0]) is frames


def test_finer_coarser_and_oblong_frames_agree_in_mm():
    target = torch.tensor([0.25, 0.25])
    expected = ramp(32, 32, 0.25, 0.25)[0, 0]
    for height, width, x, y in [(80, 80, 0.125, 0.125), (90, 40, 0.3, 0.1), (32, 32, 0.3, 0.3)]:
        found = resampled(ramp(height, width, x, y), torch.tensor([[x, y]]), 32, target)[0, 0]
        # At the rim of a field of view the widened triangle is cut off on one side.
        torch.testing.assert_close(found[2:-2, 2:-2], expected[2:-2, 2:-2], atol=1e-3, rtol=0)


def test_outside_the_field_of_view_is_zero():
    frames = torch.ones(1, 1, 20, 40)
    found = resampled(frames, torch.tensor([[0.5, 0.5]]), 32, torch.tensor([0.5, 0.5]))[0, 0]
    torch.testing.assert_close(found[6:26], torch.ones(20, 32))
    assert (found[:6] == 0).all()
    assert (found[26:] == 0).all()


def test_coarser_pixels_average_the_finer_ones():
    stripes = (torch.arange(64) % 2).float().expand(1, 1, 64, 64)
    found = resampled(stripes, torch.tensor([[0.1, 0.1]]), 16, torch.tensor([0.4, 0.4]))[0, 0]
    torch.testing.assert_close(found, torch.full((16, 16), 0.5), atol=0.08, rtol=0)


def test_each_sample_of_a_batch_has_its_own_pixel_size():
    sources = torch.tensor([[0.25, 0.25], [0.4, 0.3]])
    frames = torch.cat([ramp(40, 40, 0.25, 0.25), ramp(40, 40, 0.4, 0.3)])
    found = resampled(frames, sources, 24, torch.tensor([0.3, 0.3]))
    torch.testing.assert_close(found[0], found[1], atol=2e-3, rtol=0)
