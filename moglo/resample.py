"""Resampling of frames of any size onto the input grid of the network."""

import math

import torch
from torch import Tensor

from moglo.grid import Placement

SUPPORT = 3  # pixels that the kernel reaches to each side
FRINGE = 3  # grid pixels at an edge that go on beyond it: speckle depends on depth


def resampled(frames: Tensor, placed: Placement, size: int) -> Tensor:
    """Return frames (B, W, size, size) on the grid of a placement, of frames (B, W, H, W').

    Interpolation is Lanczos's, with the kernel widened to the target pixel where that is larger (no
    aliasing); shorter kernels blur speckle by a share of a pixel, which its correlation shows.
    Beyond an edge an image goes on as its outermost `FRINGE` grid pixels, mirrored to and fro:
    speckle that moves and decorrelates as that at the edge. Frames that are on the grid already
    are returned as they are.
    """
    height, width = frames.shape[-2:]
    if (
        (height, width) == (size, size)
        and not placed.first.any()
        and bool((placed.step == 1).all())
    ):
        return frames
    first, step = placed.first.to(frames), placed.step.to(frames)
    across = _weights(width, size, first[:, 0], step[:, 0])
    down = _weights(height, size, first[:, 1], step[:, 1])
    return down[:, None] @ frames @ across[:, None].transpose(-1, -2)


def _weights(count: int, size: int, first: Tensor, step: Tensor) -> Tensor:
    """Return (B, size, count): the shares of source pixels in each target pixel.

    first, step (B,): place of the first target pixel, and distance of targets, in source pixels.
    """
    place = first[:, None] + step[:, None] * torch.arange(size).to(first)
    place = _inside(place, count, (FRINGE * step[:, None]).clamp_max(count))
    reach = step.clamp_min(1.0)[:, None, None]
    margin = math.ceil(SUPPORT * float(reach.max()))
    source = torch.arange(-margin, count + margin, device=first.device)
    share = _lanczos((source - place[..., None]) / reach)
    share = share / share.sum(-1, keepdim=True)
    weights = share.new_zeros(*share.shape[:2], count)
    return weights.index_add_(2, _mirrored(source, count), share)


def _inside(place: Tensor, count: int, fringe: Tensor) -> Tensor:
    """Return places in an image of `count` pixels, those beyond an edge mirrored into its fringe.

    fringe: its width in pixels, at most `count`.
    """
    beyond = torch.maximum(-0.5 - place, place - (count - 0.5))
    turn = beyond % (2 * fringe)
    depth = torch.minimum(turn, 2 * fringe - turn) - 0.5
    found = torch.where(place < 0, depth, count - 1 - depth)
    return torch.where(beyond > 0, found, place)


def _lanczos(distance: Tensor) -> Tensor:
    """Return the sine cardinal at distances in pixels, windowed by its own main lobe (Duchon 1979).

    J. Appl. Meteorol. 18, 1016.
    """
    shape = torch.sinc(distance) * torch.sinc(distance / SUPPORT)
    return torch.where(distance.abs() < SUPPORT, shape, 0.0)


def _mirrored(index: Tensor, count: int) -> Tensor:
    """Return the pixels of an image that its mirror images show at indices beyond its edges."""
    turn = index % (2 * count)
    return torch.where(turn < count, turn, 2 * count - 1 - turn)
