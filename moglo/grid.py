"""Where the input grid of the network lies on the images that it is given.

The grid has the pixel size and the depths of the training images. Images are laid on it by their
depth, which `mm_from_pixel` tells, and by their lateral centre.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

SAME_PX = 0.01  # a grid whose pixels are nearer to the image's than this is the image's own
LEAST_OVERLAP = 0.5  # of the shorter of two depth ranges, if both count depth from one origin
LEAST_AXIAL = 0.5  # cosine between image rows' direction and depth, if depth is known at all


class Placement(NamedTuple):
    """The input grid on B source images.

    first (B, 2): column and row of the source at the grid's first pixel; step (B, 2): source pixels
    per grid pixel; centre_mm (B, 3): the centre of the grid, image mm.
    """

    first: Tensor
    step: Tensor
    centre_mm: Tensor


def placement(
    mm_from_pixel: Tensor, shape: Sequence[int], size: int, pixel_mm: Tensor, top_mm: Tensor
) -> Placement:
    """Return where a grid of size x size pixels lies on images, by depth and lateral centre.

    mm_from_pixel (B, 4, 4) and shape (H, W) of the images; pixel_mm (2,), top_mm (): size of a grid
    pixel and depth of the grid's first row. Where the images' depth range and the grid's share less
    than half of the shorter one, the images' depths have another origin, and the centres of both
    are laid on each other.
    """
    source_mm = mm_from_pixel[:, :3, :2].norm(dim=1)
    step = pixel_mm.to(source_mm) / source_mm
    count = step.new_tensor([shape[-1], shape[-2]])
    first = ((count - 1) - (size - 1) * step) / 2
    down = mm_from_pixel[:, :3, 1] / source_mm[:, 1:]
    start_mm = (mm_from_pixel[:, :3, 3] * down).sum(1)
    by_depth = (top_mm.to(start_mm) - start_mm) / source_mm[:, 1]
    begin, end = by_depth - step[:, 1] / 2, by_depth + (size - 0.5) * step[:, 1]
    shared = end.clamp_max(shape[-2] - 0.5) - begin.clamp_min(-0.5)
    known = shared >= LEAST_OVERLAP * (size * step[:, 1]).clamp_max(shape[-2])
    known &= down[:, 1] > LEAST_AXIAL
    first[:, 1] = torch.where(known, by_depth, first[:, 1])
    first, step = _own(first, step, count, size)
    middle = first + (size - 1) / 2 * step
    centre = mm_from_pixel[:, :3, :2] @ middle[..., None] + mm_from_pixel[:, :3, 3:]
    return Placement(first, step, centre[..., 0])


def own_grid(mm_from_pixel: Tensor, shape: Sequence[int], size: int) -> tuple[Tensor, Tensor]:
    """Return pixel_mm (2,) and top_mm () of the grid with the mean extent and depth of images.

    mm_from_pixel (B, 4, 4) and shape (H, W) of the images. The outer edges of both coincide.
    """
    source_mm = mm_from_pixel[:, :3, :2].norm(dim=1).mean(0)
    pixel_mm = source_mm * source_mm.new_tensor([shape[-1], shape[-2]]) / size
    down = mm_from_pixel[:, :3, 1].mean(0) / source_mm[1]
    start_mm = mm_from_pixel[:, :3, 3].mean(0) @ down
    return pixel_mm, start_mm + (pixel_mm[1] - source_mm[1]) / 2


def _own(first: Tensor, step: Tensor, count: Tensor, size: int) -> tuple[Tensor, Tensor]:
    """Return first and step, exactly those of the image itself where they nearly are."""
    last = first + (size - 1) * step
    near = (first.abs() < SAME_PX) & ((last - (size - 1)).abs() < SAME_PX) & (count == size)
    return torch.where(near, 0.0, first), torch.where(near, 1.0, step)
