"""Frames of other sizes: the same place in mm keeps its grey level, and edges are mirrored."""

import pytest
import torch

from moglo.grid import Placement
from moglo.resample import resampled


def placed(first, step):
    """Where the grid lies on one image: first (column, row) and step, in source pixels."""
    first, step = (torch.tensor([pair], dtype=torch.float) for pair in (first, step))
    return Placement(first, step, torch.zeros(1, 3))


def plane(rows, columns):
    """A frame that is linear in both directions."""
    return (0.5 + 0.004 * torch.arange(columns) - 0.003 * torch.arange(rows)[:, None])[None, None]


def test_frames_on_the_grid_are_left_alone():
    frames = torch.rand(1, 3, 48, 48)
    assert resampled(frames, placed((0, 0), (1, 1)), 48) is frames
    assert resampled(frames, placed((1, 0), (1, 1)), 48) is not frames


def test_finer_coarser_and_shifted_grids_keep_a_plane():
    source = plane(60, 60)
    for first, step in [((7.3, 8.8), (0.5, 0.7)), ((5.5, 6.5), (1, 1)), ((6.0, 7.0), (1.4, 1.4))]:
        found = resampled(source, placed(first, step), 32)[0, 0]
        across = first[0] + step[0] * torch.arange(32)
        down = first[1] + step[1] * torch.arange(32)
        expected = 0.5 + 0.004 * across - 0.003 * down[:, None]
        torch.testing.assert_close(found, expected, atol=2e-4, rtol=0)


@pytest.mark.parametrize("phase", [0.25, 0.5, 0.75])
def test_waves_as_fine_as_speckle_keep_their_size_at_any_phase(phase):
    """Linear interpolation halfway between pixels takes 0.29 off a wave of four pixels."""
    angle = 2 * torch.pi / 4
    source = torch.sin(angle * torch.arange(96.0)).expand(1, 1, 96, 96)
    found = resampled(source, placed((16 + phase, 16), (1, 1)), 64)[0, 0, 0]
    expected = torch.sin(angle * (16 + phase + torch.arange(64.0)))
    torch.testing.assert_close(found, expected, atol=0.04, rtol=0)


def test_beyond_an_edge_its_outermost_pixels_go_on_to_and_fro():
    frames = torch.rand(1, 2, 10, 12)
    found = resampled(frames, placed((-4, 2), (1, 1)), 18)
    rows = [2, 3, 4, 5, 6, 7, 8, 9, 9, 8, 7, 7, 8, 9, 9, 8, 7, 7]
    columns = [2, 2, 1, 0, *range(12), 11, 10]
    torch.testing.assert_close(found, frames[:, :, rows][..., columns])


def test_the_fringe_has_as_many_pixels_of_the_grid_whatever_those_of_the_image():
    fine = torch.rand(1, 1, 96, 96)
    found = resampled(fine, placed((-7.5, -7.5), (2, 2)), 56)  # four pixels of the grid beyond
    torch.testing.assert_close(found[..., [0, 1, 2, 3], :], found[..., [6, 6, 5, 4], :])
    assert (found[..., 7, :] - found[..., 0, :]).abs().max() > 0.1


def test_an_image_much_smaller_than_the_grid_fills_it():
    frames = torch.rand(1, 1, 2, 2)
    found = resampled(frames, placed((-3, -3), (1, 1)), 8)[0, 0]
    order = [1, 1, 0, 0, 1, 1, 0, 0]
    torch.testing.assert_close(found, frames[0, 0][order][:, order])


def test_coarser_pixels_average_the_finer_ones():
    stripes = (torch.arange(64) % 2).float().expand(1, 1, 64, 64)
    found = resampled(stripes, placed((5.5, 5.5), (4, 4)), 12)[0, 0]
    torch.testing.assert_close(found, torch.full((12, 12), 0.5), atol=0.02, rtol=0)


def test_each_sample_of_a_batch_has_its_own_place():
    frames = torch.rand(2, 3, 40, 40)
    first, step = torch.tensor([[2.2, 3.0], [0.5, 1.5]]), torch.tensor([[1.1, 0.9], [1.5, 1.3]])
    both = resampled(frames, Placement(first, step, torch.zeros(2, 3)), 24)
    for index in range(2):
        one = placed(first[index].tolist(), step[index].tolist())
        torch.testing.assert_close(
            both[index], resampled(frames[index : index + 1], one, 24)[0], atol=1e-6, rtol=0
        )
