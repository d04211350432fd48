"""Correlation of tiles between frames some steps apart.

Speckle that has moved by d across the image plane correlates as exp(-d^2 / 2 s^2), if it is
developed. Noise lowers that from the first step on, tissue that is coherent across the plane leaves
a floor under it, and frames averaged by the machine round its top: pairs at several gaps tell these
apart, where one pair cannot.
"""

from collections.abc import Sequence

from torch import Tensor

from moglo.any.alignment import moved, offsets
from moglo.any.products import block_products, block_sums

SMALLEST_ENERGY = 1e-3  # mean square of standardised pixels; a tile below it has no speckle


def tile_correlation(later: Tensor, earlier: Tensor, reach: int, tile: int, stride: int) -> Tensor:
    """Return correlations (N, cells, rows, columns) of tiles with displaced tiles.

    later, earlier (N, H, W): standardised frames, zero where there is no tissue. Tiles of tile x
    tile pixels lie every `stride` pixels; cell (dy + reach) (2 reach + 1) + dx + reach compares
    (y, x) of `later` with (y + dy, x + dx) of `earlier`, so the best cell is the displacement of
    the tissue that the later frame shows. Local means are taken as zero, which standardised
    frames have.
    """
    energy = tile_means(later.square(), tile, stride) * tile_means(earlier.square(), tile, stride)
    scale = 1 / (energy.sqrt() + SMALLEST_ENERGY)
    products = _tiled(block_products(later, earlier, reach, stride), tile // stride)
    return products * (scale / tile**2)[:, None]


def tile_means(values: Tensor, tile: int, stride: int) -> Tensor:
    """Return the means (..., rows, columns) of tiles of values (..., H, W)."""
    return _tiled(block_sums(values, stride), tile // stride) / tile**2


def weighted_mean(values: Tensor, weight: Tensor, axes: tuple[int, ...]) -> Tensor:
    """Return the weighted mean of values over axes, which are kept; 0 where nothing weighs."""
    total = weight.sum(axes, keepdim=True).clamp_min(1e-3)
    return (values * weight).sum(axes, keepdim=True) / total


def _tiled(blocks: Tensor, count: int) -> Tensor:
    """Return the sums of count x count blocks (..., rows, columns) that begin at each block."""
    rows, columns = blocks.shape[-2] - count + 1, blocks.shape[-1] - count + 1
    down = blocks[..., :rows, :].clone()
    for n in range(1, count):
        down += blocks[..., n : n + rows, :]
    across = down[..., :columns].clone()
    for n in range(1, count):
        across += down[..., n : n + columns]
    return across


def gap_pairs(steps: Sequence[int], frames: int, gap: int) -> tuple[list[int], int]:
    """Return the first frame of the pair that shows each step, and the pairs' gap in frames.

    Step t leads from frame t to t + 1. Its pair lies around it, moved where the sweep of `frames`
    frames begins or ends; a gap longer than the sweep is that of the whole sweep.
    """
    gap = min(gap, frames - 1)
    last = frames - 1 - gap
    return [min(max(step - (gap - 1) // 2, 0), last) for step in steps], gap


def gap_volumes(
    frames: Tensor, shift: Tensor, gap: int, starts: Sequence[int], grid: tuple[int, int, int]
) -> tuple[Tensor, Tensor]:
    """Return correlations (B, T, cells, rows, columns) of frames a and a + gap, a in `starts` (T).

    frames (B, N, H, W); shift (B, N-1, 2), see `moglo.any.alignment.shifts`; grid: reach, tile and
    stride. The second result (B, T, 2) is the offset, down and across in pixels, of the middle
    cell. Each pair is compared once, however often it is asked for.
    """
    unique = sorted(set(starts))
    offset = offsets(shift, unique, gap)
    later = frames[:, [start + gap for start in unique]].flatten(0, 1)
    earlier = moved(frames[:, unique].flatten(0, 1), offset.flatten(0, 1))
    volume = tile_correlation(later, earlier, *grid).unflatten(0, (len(frames), len(unique)))
    places = [unique.index(start) for start in starts]
    return volume[:, places], offset[:, places]
