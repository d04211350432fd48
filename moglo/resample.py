"""Resampling of frames of any size onto the input grid of the network, by their pixel size."""

import torch
from torch import Tensor


def resampled(frames: Tensor, source_mm: Tensor, size: int, pixel_mm: Tensor) -> Tensor:
    """Return frames (B, W, size, size) on a grid of `pixel_mm` about the same image centre.

    frames (B, W, H, W'); source_mm (B, 2) and pixel_mm (2,): size of a pixel along x and y.
    Interpolation is linear, with the triangle widened to the target pixel where that is larger (no
    aliasing); pixels outside the source are zero. Frames that are on the grid already are returned
    as they are.
    """
    height, width = frames.shape[-2:]
    same_size = (height, width) == (size, size)
    if same_size and torch.allclose(source_mm, pixel_mm.expand_as(source_mm), rtol=1e-4):
        return frames
    across = _weights(width, size, pixel_mm[0] / source_mm[:, 0])
    down = _weights(height, size, pixel_mm[1] / source_mm[:, 1])
    return down[:, None] @ frames @ across[:, None].transpose(-1, -2)


def _weights(count: int, size: int, ratio: Tensor) -> Tensor:
    """Return (B, size, count): the shares of source pixels in each target pixel.

    ratio (B,): target pixel over source pixel.
    """
    target = torch.arange(size, device=ratio.device, dtype=ratio.dtype) - (size - 1) / 2
    place = target * ratio[:, None] + (count - 1) / 2
    source = torch.arange(count, device=ratio.device, dtype=ratio.dtype)
    reach = ratio.clamp_min(1.0)[:, None, None]
    share = (1 - (source - place[..., None]).abs() / reach).clamp_min(0)
    inside = (place >= -0.5) & (place <= count - 0.5)
    return share / share.sum(-1, keepdim=True).clamp_min(1e-6) * inside[..., None]
