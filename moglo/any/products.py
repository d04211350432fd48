"""Sums of products of two frames over blocks of pixels, for all displacements.

A CPU needs a twentieth of the time of a sequence of tensor operations, whose temporaries pass
through memory once a displacement; a GPU takes that sequence.
"""

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from benchmark.machine.kernels import compiled


def block_products(first: Tensor, second: Tensor, reach: int, block: int) -> Tensor:
    """Return (N, cells, rows, columns): sums over blocks of first (y, x) second (y + dy, x + dx).

    first, second (N, H, W) float32, zero outside; cell (dy + reach) (2 reach + 1) + dx + reach.
    Blocks of block x block pixels lie side by side; what is left at the ends is not used. No
    gradient.
    """
    padded = functional.pad(second, (reach,) * 4)
    if first.is_cuda:
        return _by_tensors(first, padded, reach, block)
    rows, columns = first.shape[1] // block, first.shape[2] // block
    out = np.empty((len(first), (2 * reach + 1) ** 2, rows, columns), np.float32)
    _fill(first.contiguous().numpy(), padded.contiguous().numpy(), reach, block, out)
    return torch.from_numpy(out)


def _by_tensors(first: Tensor, padded: Tensor, reach: int, block: int) -> Tensor:
    """Return what `block_products` does, of a frame (N, H + 2 reach, W + 2 reach) padded before."""
    height, width = first.shape[1:]
    side = range(2 * reach + 1)
    return torch.stack(
        [
            block_sums(first * padded[:, down : down + height, across : across + width], block)
            for down in side
            for across in side
        ],
        1,
    )


def block_sums(values: Tensor, block: int) -> Tensor:
    """Return the sums (..., rows, columns) of blocks of block x block pixels of (..., H, W)."""
    rows, columns = values.shape[-2] // block, values.shape[-1] // block
    values = values[..., : rows * block, : columns * block]
    values = values.unflatten(-2, (rows, block)).sum(-2)
    return values.unflatten(-1, (columns, block)).sum(-1)


@compiled(fastmath=True, nogil=True)
def _fill(first, padded, reach, block, out):  # type: ignore[no-untyped-def]
    """Fill out (N, cells, rows, columns), see `block_products`."""
    count, _, rows, columns = out.shape
    side, width = 2 * reach + 1, columns * block
    line = np.empty(width, np.float32)
    for n in range(count):
        for cell in range(side * side):
            down, across = cell // side, cell % side
            for row in range(rows):
                line[:] = 0
                for y in range(row * block, (row + 1) * block):
                    for x in range(width):
                        line[x] += first[n, y, x] * padded[n, y + down, x + across]
                for column in range(columns):
                    total = np.float32(0)
                    for x in range(column * block, (column + 1) * block):
                        total += line[x]
                    out[n, cell, row, column] = total
