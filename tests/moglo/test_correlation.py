"""The correlation volume against a plain loop, and what it must show of known displacements."""

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from moglo.config import MoGLoConfig, MoGLoPaperConfig
from moglo.correlation import correlation_volume


def plain_volume(first, second, radius, stride, half):
    """The definition, one template and one displacement at a time."""
    count, _, height, width = first.shape
    reach = radius - half
    margin = radius + half

    def patch(maps, n, row, column):
        padded = torch.nn.functional.pad(maps[n], (margin, margin, margin, margin))
        row, column = row + margin, column + margin
        return padded[:, row - half : row + half + 1, column - half : column + half + 1]

    centres = [(r, c) for r in range(0, height, stride) for c in range(0, width, stride)]
    volume = torch.zeros(count, len(centres), 2 * reach + 1, 2 * reach + 1, dtype=first.dtype)
    for n in range(count):
        for k, (row, column) in enumerate(centres):
            template = patch(first, n, row, column)
            for i in range(2 * reach + 1):
                for j in range(2 * reach + 1):
                    found = patch(second, n, row + i - reach, column + j - reach)
                    norms = (template.norm() + 1e-6) * (found.norm() + 1e-6)
                    volume[n, k, i, j] = (template * found).sum() / norms
    return volume


@pytest.mark.parametrize(
    ("shape", "radius", "stride", "half"),
    [((2, 3, 12, 8), 3, 4, 1), ((1, 2, 9, 10), 4, 4, 1), ((1, 2, 12, 12), 4, 3, 2)],
)
def test_volume_equals_a_plain_loop(shape, radius, stride, half):
    torch.manual_seed(0)
    first, second = torch.randn(shape), torch.randn(shape)
    expected = plain_volume(first, second, radius, stride, half)
    found = correlation_volume(first, second, radius, stride, half)
    assert found.shape == expected.shape
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)


def test_gradient_equals_that_of_the_plain_loop():
    torch.manual_seed(1)
    maps = [torch.randn(1, 2, 8, 8, dtype=torch.double, requires_grad=True) for _ in range(2)]
    weight = torch.randn(1, 4, 5, 5, dtype=torch.double)
    expected = torch.autograd.grad((plain_volume(*maps, 3, 4, 1) * weight).sum(), maps)
    found = torch.autograd.grad((correlation_volume(*maps, 3, 4, 1) * weight).sum(), maps)
    torch.testing.assert_close(found, expected, atol=1e-9, rtol=1e-7)


def test_gradient_is_finite_where_a_map_is_zero():
    first = torch.zeros(1, 2, 8, 8, requires_grad=True)
    correlation_volume(first, torch.ones(1, 2, 8, 8), 3).sum().backward()
    assert torch.isfinite(first.grad).all()


def test_identical_maps_peak_at_the_centre_with_score_one():
    maps = torch.randn(1, 64, 64, 64, generator=torch.Generator().manual_seed(2))
    volume = correlation_volume(maps, maps)
    assert volume.shape == (1, 256, 15, 15)
    assert (volume.flatten(2).argmax(-1) == 7 * 15 + 7).all()
    torch.testing.assert_close(volume[:, :, 7, 7], torch.ones(1, 256), atol=1e-5, rtol=0)


@pytest.mark.parametrize(("down", "right"), [(0, 1), (1, 0), (-1, 2)])
def test_a_shift_by_pixels_moves_the_peak_by_cells(down, right):
    maps = torch.randn(1, 8, 64, 64, generator=torch.Generator().manual_seed(3))
    shifted = maps.roll((down, right), (2, 3))
    peaks = correlation_volume(maps, shifted).flatten(2).argmax(-1).reshape(16, 16)
    # Templates at the border reach beyond the map, where the roll brings in the other side.
    assert (peaks[1:-1, 1:-1] == (7 + down) * 15 + 7 + right).all()


def test_radius_follows_the_size_of_the_map():
    assert MoGLoPaperConfig().radius == 8
    assert MoGLoPaperConfig(frame_size=128).radius == 4
    assert MoGLoConfig(frame_size=192, stem_stride=2, stage_stride=2, search_radius=8).radius == 6


class LargestTensor(TorchDispatchMode):
    """Remember the bytes of the largest storage that any operation touched."""

    bytes = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        for leaf in tree_leaves(result):
            if isinstance(leaf, torch.Tensor):
                self.bytes = max(self.bytes, leaf.untyped_storage().nbytes())
        return result


@pytest.mark.parametrize("gradient", [False, True])
def test_no_temporary_over_32_megabytes_a_pair_at_the_published_size(gradient):
    first, second = (torch.rand(1, 64, 64, 64, requires_grad=gradient) for _ in range(2))
    with LargestTensor() as seen:
        volume = correlation_volume(first, second)
        if gradient:
            volume.sum().backward()
    assert 15e6 < seen.bytes < 32e6
