"""Patch-wise correlation volume: cosines of patches of one feature map with those of the next.

The released code gathers every candidate patch (66 MB a pair at the published size). Here the same
numbers come from products of single pixels: one small matrix product per template multiplies its
3 x 3 pixels with all pixels of its search window, and nine shifted slices add up to the products
of patches. The largest temporary is the gathered search windows, 19 MB a pair; they are made
again in the backward pass instead of being kept.
"""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional

EPSILON = 1e-6  # added to each norm, as in the released code
CHUNK_VALUES = 8_000_000  # values of search windows gathered at a time (32 MB), on a CPU
CHUNK_VALUES_GPU = 256_000_000


def correlation_volume(
    first: Tensor, second: Tensor, radius: int = 8, stride: int = 4, half: int = 1
) -> Tensor:
    """Return cosines between templates of one map and displaced patches of the next.

    first, second (N, C, H, W): feature maps of neighbouring frames, zero outside; templates are
    the (2 half + 1)^2 patches of `first` centred on every `stride`-th pixel from 0 on; candidates
    are the patches of `second` inside the square window of half-width `radius` around the same
    pixel. Returns (N, templates, cells, cells), cells = 2 (radius - half) + 1; the middle cell is
    no displacement, the last axis is along W. c = <t, q> / ((|t| + e)(|q| + e)), e = 1e-6.
    Computed in single precision at least, also under autocast.
    """
    patch, window = 2 * half + 1, 2 * radius + 1
    with torch.autocast(first.device.type, enabled=False):
        templates = _gathered(_channels_last(first, half), patch, stride)
        searched = _channels_last(second, radius)
        scale = _inverse_norm(templates.square().sum((3, 4, 5), keepdim=True))
        products = _PatchProducts.apply(templates * scale, searched, window, stride)
        volume = products * _candidate_scale(searched, patch, window, stride)
    return volume.flatten(1, 2)


class _PatchProducts(torch.autograd.Function):
    """Products of templates (N, R, K, p, p, C) with all patches of their search windows.

    second (N, H, W, C) padded. Returns (N, R, K, cells, cells).
    """

    @staticmethod
    def forward(ctx: Any, first: Tensor, second: Tensor, window: int, stride: int) -> Tensor:
        ctx.save_for_backward(first, second)
        ctx.window, ctx.stride = window, stride
        parts = []
        for one, other in _chunks(first, second, window):
            searched = _matrices(_gathered(other, window, stride))
            pixels = torch.bmm(_matrices(one), searched.transpose(1, 2))
            total = _shifted_sum(pixels.unflatten(-1, (window, window)), first.shape[3])
            parts.append(total.unflatten(0, one.shape[:3]))
        return torch.cat(parts)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        first, second = ctx.saved_tensors
        window, stride = ctx.window, ctx.stride
        sizes = [len(one) for one, _ in _chunks(first, second, window)]
        of_first, of_second = [], []
        chunks = _chunks(first, second, window)
        for (one, other), part in zip(chunks, gradient.split(sizes), strict=True):
            pixels = _shifted_copies(part.flatten(0, 2), first.shape[3])
            if ctx.needs_input_grad[0]:
                searched = _matrices(_gathered(other, window, stride))
                of_first.append(torch.bmm(pixels, searched).view(one.shape))
            if ctx.needs_input_grad[1]:
                windows = torch.bmm(pixels.transpose(1, 2), _matrices(one))
                windows = windows.view(*one.shape[:3], window, window, -1)
                of_second.append(_scattered(windows, stride, other.shape))
        return (
            torch.cat(of_first) if of_first else None,
            torch.cat(of_second) if of_second else None,
            None,
            None,
        )


def _channels_last(maps: Tensor, margin: int) -> Tensor:
    """Return (N, H + 2 margin, W + 2 margin, C), so that whole pixels are copied when gathered."""
    maps = maps if maps.dtype == torch.double else maps.float()
    return functional.pad(maps.permute(0, 2, 3, 1), (0, 0, margin, margin, margin, margin))


def _gathered(maps: Tensor, side: int, stride: int) -> Tensor:
    """Return all squares of `side` pixels, every `stride`: (N, rows, columns, side, side, C)."""
    squares = maps.unfold(1, side, stride).unfold(2, side, stride)
    return squares.permute(0, 1, 2, 4, 5, 3)


def _scattered(squares: Tensor, stride: int, shape: torch.Size) -> Tensor:
    """Add overlapping squares (N, rows, columns, side, side, C) up in a map; undoes `_gathered`.

    Square by square of `stride` pixels: one addition for all places at once.
    """
    count, rows, columns, side, _, channels = squares.shape
    blocks = -(-side // stride)
    tall, wide = rows + blocks - 1, columns + blocks - 1
    total = squares.new_zeros(count, tall, stride, wide, stride, channels)
    for i in range(blocks):
        for j in range(blocks):
            block = squares[:, :, :, i * stride :, j * stride :][:, :, :, :stride, :stride]
            place = total[:, i : i + rows, : block.shape[3], j : j + columns, : block.shape[4]]
            place += block.transpose(2, 3)
    total = total.view(count, tall * stride, wide * stride, channels)
    return functional.pad(total, (0, 0, 0, shape[2] - wide * stride, 0, shape[1] - tall * stride))


def _chunks(first: Tensor, second: Tensor, window: int) -> list[tuple[Tensor, Tensor]]:
    """Return the pairs some at a time, so that gathered windows stay small."""
    limit = CHUNK_VALUES_GPU if first.is_cuda else CHUNK_VALUES
    places = first.shape[1] * first.shape[2]
    size = max(1, limit // (places * window**2 * first.shape[-1]))
    return list(zip(first.split(size), second.split(size), strict=True))


def _matrices(squares: Tensor) -> Tensor:
    """Return one matrix (pixels, C) per square of (N, rows, columns, side, side, C)."""
    return squares.reshape(-1, squares.shape[3] * squares.shape[4], squares.shape[5])


def _shifted_sum(pixels: Tensor, patch: int) -> Tensor:
    """Add up (M, patch^2, w, w), each slice shifted to where its pixel meets the first one's."""
    cells = pixels.shape[-1] - patch + 1
    total = pixels[:, 0, :cells, :cells].clone()
    for index in range(1, patch * patch):
        row, column = divmod(index, patch)
        total += pixels[:, index, row : row + cells, column : column + cells]
    return total


def _shifted_copies(cells: Tensor, patch: int) -> Tensor:
    """Return (M, patch^2, w^2), the gradient of `_shifted_sum` for that (M, cells, cells)."""
    count, side = len(cells), cells.shape[-1]
    pixels = cells.new_zeros(count, patch * patch, side + patch - 1, side + patch - 1)
    for index in range(patch * patch):
        row, column = divmod(index, patch)
        pixels[:, index, row : row + side, column : column + side] = cells
    return pixels.flatten(2)


def _candidate_scale(second: Tensor, patch: int, window: int, stride: int) -> Tensor:
    """Return 1 / norm of each candidate patch, (N, rows, columns, cells, cells)."""
    pixels = second.square() @ second.new_ones(second.shape[-1])
    squares = functional.avg_pool2d(pixels[:, None], patch, 1, divisor_override=1)[:, 0]
    scale = _inverse_norm(squares)
    cells = window - patch + 1
    return scale.unfold(1, cells, stride).unfold(2, cells, stride)


def _inverse_norm(square: Tensor) -> Tensor:
    """Return 1 / (root + e), with a finite gradient where a patch lies wholly off the map."""
    return 1 / (square.clamp_min(EPSILON**2).sqrt() + EPSILON)
