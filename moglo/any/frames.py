"""Frames of any probe on one footing: pixels in units of the speckle, local contrast one."""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from moglo.any.condition import AXIAL, LATERAL, LENGTHS, MASK
from moglo.any.config import MoGLoAnyConfig

CELL_PX = 8  # local means are over cells of this size, a few speckles
SMALLEST_VARIANCE = 1e-4  # of frames in [0, 1]: below it a region is black, not speckle
LARGEST = 3.0  # of a standardised pixel: bright reflectors count no more than bright speckle
SAME_SIZE = 1.25  # frames are resampled where their pixels are finer than asked for by this factor


class Seen(NamedTuple):
    """Frames as the network sees them, on a grid of h x w pixels over the same extent.

    frames (B, N, h, w), standardised, 0 outside the mask; contrast (B, N, h, w): the logarithm of
    the standard deviation that was divided out; mask (B, 1, h, w); lengths (B, 3, h, w): lateral,
    axial and elevational correlation lengths, mm; points (B, 2, h, w): lateral and axial place from
    the image centre, mm; pixel_mm (B, 2): across and down.
    """

    frames: Tensor
    contrast: Tensor
    mask: Tensor
    lengths: Tensor
    points: Tensor
    pixel_mm: Tensor


def seen(frames: Tensor, mm_from_pixel: Tensor, condition: Tensor, config: MoGLoAnyConfig) -> Seen:
    """Return frames (B, N, H, W) in [0, 1] on the network's grid, with what is known of them.

    mm_from_pixel (B, 4, 4); condition (B, 4, H, W), see `moglo.any.condition`. One grid for the
    batch, by its mean lengths.
    """
    pixel_mm = mm_from_pixel[:, :3, :2].norm(dim=1)
    told = condition[:, [LATERAL, AXIAL]].mean((2, 3)) / pixel_mm
    finest = told.mean(0) * told.new_tensor([config.lateral, config.axial])
    size = frames.shape[-2:]
    new = grid_size((size[0], size[1]), finest.tolist(), config)
    mask = condition[:, MASK : MASK + 1]
    if new != tuple(size):
        frames = functional.interpolate(frames * mask, new, mode="bilinear", antialias=True)
        mask = functional.interpolate(mask, new, mode="area")
        frames = frames / mask.clamp_min(0.5)
        mask = (mask > 0.5).to(frames)
    lengths = functional.interpolate(condition[:, LENGTHS], new, mode="bilinear")
    pixel_mm = pixel_mm * pixel_mm.new_tensor([size[1] / new[1], size[0] / new[0]])
    standard, contrast = standardised(frames, mask)
    return Seen(standard, contrast, mask, lengths, _places(new, pixel_mm), pixel_mm)


def grid_size(
    size: tuple[int, int], finest_px: list[float], config: MoGLoAnyConfig
) -> tuple[int, int]:
    """Return height and width of the network's grid for frames of some height and width.

    finest_px: least distance of its pixels across and down, in pixels of the frames. The grid is
    never finer than the frames, never larger than `largest`, and never smaller than a tile.
    """
    wanted = []
    for count, least in zip(size, reversed(finest_px), strict=True):
        factor = max(1.0 if least < SAME_SIZE else least, count / config.largest)
        wanted.append(max(config.tile, round(count / factor)))
    return wanted[0], wanted[1]


def standardised(frames: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """Return frames less their local mean over their local deviation, and the log of the latter.

    frames (B, N, H, W), mask (B, 1, H, W) in {0, 1}. Means are over the masked pixels of cells
    that overlap by half, interpolated in between.
    """
    size, half = frames.shape[-2:], CELL_PX // 2

    def cells(values: Tensor) -> Tensor:
        return functional.avg_pool2d(values, CELL_PX, half, half, count_include_pad=False)

    share = cells(mask).clamp_min(1e-3)

    def local_mean(values: Tensor) -> Tensor:
        means = cells(values * mask) / share
        return functional.interpolate(means, size=size, mode="bilinear", align_corners=True)

    deviation = frames - local_mean(frames)
    spread = (local_mean(deviation.square()) + SMALLEST_VARIANCE).sqrt()
    standard = (deviation / spread).clamp(-LARGEST, LARGEST) * mask
    return standard, spread.log() * mask


def _places(size: tuple[int, int], pixel_mm: Tensor) -> Tensor:
    """Return lateral and axial places (B, 2, h, w) of pixels from the centre of the image, mm."""
    down, across = (torch.arange(count, device=pixel_mm.device) - (count - 1) / 2 for count in size)
    places = torch.stack([across.expand(size), down[:, None].expand(size)])
    return places.to(pixel_mm) * pixel_mm[:, :, None, None]
