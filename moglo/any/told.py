"""What tiles are told: how alike the frames of a step are there, and what the tissue looks like."""

from collections.abc import Sequence

import torch
from torch import Tensor

from moglo.any.alignment import shifts
from moglo.any.config import MoGLoAnyConfig
from moglo.any.frames import Seen
from moglo.any.volumes import (
    gap_pairs,
    gap_volumes,
    tile_correlation,
    tile_means,
    weighted_mean,
)

ROOT = (0.02, 0.9999)  # correlations whose distance in correlation lengths is told
SHARPNESS = 40.0  # of the weights of correlations that tell the shift in the plane
NEIGHBOURS = (5, 6, 7, 8)  # cells of a frame with itself: those to the right and below
LOOK = len(NEIGHBOURS) + 6  # channels of `look_of`
LEVELS = 2  # channels of the contrast of a frame
IN_PLANE = 2
SOME = 6  # frames from which the look of the tissue is told


def channels(config: MoGLoAnyConfig) -> int:
    """Return the number of channels that a tile is told."""
    return config.gaps * ((2 * config.reach + 1) ** 2 + 3) + IN_PLANE + LOOK + LEVELS


def told(seen: Seen, look: Tensor, steps: Sequence[int], config: MoGLoAnyConfig) -> Tensor:
    """Return what tiles are told of each of some steps, (B, T, C, rows, columns); no gradient.

    look: of the tissue, see `look_of`. First what physics says: for each gap the distance over the
    gap by the correlation of the row, and the shift in the plane. Then for each gap all
    correlations, the distance by the highest, and the gap; the look; the contrast of the frame.
    """
    grid = (config.reach, config.tile, config.tile_stride)
    with torch.no_grad(), torch.autocast(seen.frames.device.type, enabled=False):
        across, volumes, shifted = [], [], shifts(seen.frames)
        mask = tile_means(seen.mask, *grid[1:])[:, None]
        for wanted in config.gap_frames:
            starts, gap = gap_pairs(steps, seen.frames.shape[1], wanted)
            volume, offset = gap_volumes(seen.frames, shifted, gap, starts, grid)
            if wanted == 1:
                in_plane = shift(volume, offset, mask, seen, config)
            root = distance(volume)
            across.append((distance(weighted_mean(volume, mask, (4,))) / gap).expand_as(root))
            volumes += [volume, root, torch.full_like(root, gap).log2()]
        contrast = tile_means(seen.contrast, *grid[1:])[:, [step + 1 for step in steps], None]
        changed = contrast - look[:, None, -1:]
        tissue = look[:, None].expand(-1, len(steps), -1, -1, -1)
        return torch.cat([*across, in_plane, *volumes, tissue, contrast, changed], 2)


def look_of(seen: Seen, config: MoGLoAnyConfig) -> Tensor:
    """Return what the tissue looks like in all frames, (B, LOOK, rows, columns); no gradient.

    Correlations of pixels with their neighbours, which machines change; the mask; lateral and axial
    lengths in pixels, logarithmic; skewness and spread of the grey levels; contrast.
    """
    tile = (config.tile, config.tile_stride)
    with torch.no_grad(), torch.autocast(seen.frames.device.type, enabled=False):
        frames = seen.frames[:, some_of(seen.frames.shape[1])]
        flat = frames.flatten(0, 1)
        cells = tile_correlation(flat, flat, 1, *tile)[:, NEIGHBOURS]
        neighbours = cells.unflatten(0, frames.shape[:2]).mean(1)
        pixels = (seen.lengths[:, :2] / seen.pixel_mm[:, :, None, None]).log()
        skewed = (frames * frames.square()).mean(1, keepdim=True)
        spread = frames.abs().mean(1, keepdim=True)
        contrast = seen.contrast[:, some_of(seen.frames.shape[1])].mean(1, keepdim=True)
        rest = torch.cat([seen.mask, pixels, skewed, spread, contrast], 1)
        return torch.cat([neighbours, tile_means(rest, *tile)], 1)


def some_of(count: int) -> list[int]:
    """Return the indices of at most `SOME` of `count` frames, evenly over all."""
    some = min(count, SOME)
    return [(2 * n + 1) * count // (2 * some) for n in range(some)]


def distance(volume: Tensor) -> Tensor:
    """Return the distance (B, T, 1, ...) at which developed speckle correlates as the best cell.

    volume (B, T, cells, ...); in elevational correlation lengths, sqrt(-2 ln correlation).
    """
    return (-2 * volume.amax(2, keepdim=True).clamp(*ROOT).log()).sqrt()


def shift(
    volume: Tensor, offset: Tensor, mask: Tensor, seen: Seen, config: MoGLoAnyConfig
) -> Tensor:
    """Return the displacement (B, T, 2, rows, columns) in the plane at which tiles agree best.

    volume (B, T, cells, rows, columns), offset (B, T, 2), see `gap_volumes`; lateral and axial, in
    correlation lengths: the mean over cells, weighted by an exponential function of correlation.
    Correlations are means over rows for the lateral one and over columns for the axial one, along
    which a rigid motion in the plane does not change it.
    """
    side = torch.arange(-config.reach, config.reach + 1.0, device=volume.device)
    cells = (side.repeat(len(side)), side.repeat_interleave(len(side)))
    found = []
    for axis, place in zip((4, 3), cells, strict=True):
        weight = (SHARPNESS * weighted_mean(volume, mask, (axis,))).softmax(2)
        found.append((weight * place[:, None, None]).sum(2).expand_as(volume[:, :, 0]))
    pixels = torch.stack(found, 2) + offset.flip(2)[..., None, None]
    length = tile_means(seen.lengths[:, :2], config.tile, config.tile_stride)
    return pixels * (seen.pixel_mm[:, :, None, None] / length)[:, None]
