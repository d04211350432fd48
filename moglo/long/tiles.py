"""Normalised cross-correlation of the tiles of two frames at full resolution.

A map at a quarter of the resolution hardly shows an in-plane step of a fraction of a pixel, and a
step across the image plane shows only in the height of the peak. The correlation of the frames
themselves, tile by tile for displacements of a few pixels, shows both.
"""

import torch
from torch import Tensor
from torch.nn import functional

SMALLEST_VARIANCE = 1e-3  # of standardised frames; a tile below it has no speckle


def tile_correlation(
    first: Tensor, second: Tensor, reach: int = 3, tile: int = 16, stride: int = 8
) -> Tensor:
    """Return the correlation coefficients of tiles with displaced tiles of the other frame.

    first, second (N, H, W): frames, H and W multiples of `stride`, `tile` too; zero outside.
    Tiles of tile x tile pixels lie every `stride` pixels, wholly inside. Returns (N, cells, rows,
    columns), cells = (2 reach + 1)^2: cell (dy + reach) (2 reach + 1) + dx + reach compares the
    pixels (y, x) of `first` with (y + dy, x + dx) of `second`; in [-1, 1], near zero where a tile
    has no speckle. No gradient. Shifts are made one by one, so that temporaries stay small.
    """
    with torch.no_grad(), torch.autocast(first.device.type, enabled=False):
        first, second = first.float(), second.float()
        padded = functional.pad(second, (reach,) * 4)
        mean_first = _tile_means(first, tile, stride)
        variance_first = _tile_means(first.square(), tile, stride) - mean_first.square()
        means, squares = _box_means(padded, tile), _box_means(padded.square(), tile)
        height, width = first.shape[-2:]
        side = 2 * reach + 1
        volume = first.new_empty(len(first), side * side, *mean_first.shape[1:])
        for cell in range(side * side):
            down, across = divmod(cell, side)
            shifted = padded[:, down : down + height, across : across + width]
            product = _tile_means(first * shifted, tile, stride)
            mean = means[:, down::stride, across::stride][:, : product.shape[1], : product.shape[2]]
            square = squares[:, down::stride, across::stride]
            square = square[:, : product.shape[1], : product.shape[2]]
            variance = variance_first.clamp_min(0) * (square - mean.square()).clamp_min(0)
            covariance = product - mean_first * mean
            volume[:, cell] = covariance / (variance.sqrt() + SMALLEST_VARIANCE)
    return volume


def _tile_means(values: Tensor, tile: int, stride: int) -> Tensor:
    """Return the means (N, rows, columns) of tiles of (N, H, W), from means of stride^2 blocks."""
    blocks = functional.avg_pool2d(values[:, None], stride)
    return functional.avg_pool2d(blocks, tile // stride, 1)[:, 0]


def _box_means(values: Tensor, tile: int) -> Tensor:
    """Return the mean of the tile that begins at each pixel, (N, H - tile + 1, W - tile + 1)."""
    columns = functional.avg_pool2d(values[:, None], (tile, 1), 1)
    return functional.avg_pool2d(columns, (1, tile), 1)[:, 0]
