"""Augmentation by lateral mirroring, for symmetric probes."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from benchmark.geometry import image_centre

if TYPE_CHECKING:
    from torch import Tensor


def mirrored_half(
    frames: "Tensor", prev_from_frame: "Tensor", mm_from_pixel: "Tensor", *maps: "Tensor"
) -> "tuple[Tensor, ...]":
    """Return frames and steps of which a random half is mirrored laterally about the image centre.

    frames (B, W, H, W'); prev_from_frame (B, W-1, 4, 4) in image mm; mm_from_pixel (B, 4, 4); maps
    (B, C, H, W'): of the same images, returned after frames and steps. A mirrored image moves as
    the mirror image of its motion, M T M with M: x -> 2 x_centre - x.
    """
    import torch

    chosen = torch.rand(len(frames), device=frames.device) < 0.5
    turned = mirrored_steps(prev_from_frame, mm_from_pixel, frames.shape[-2:])
    pick = chosen[:, None, None, None]
    seen, *others = (torch.where(pick, each.flip(-1), each) for each in (frames, *maps))
    return seen, torch.where(pick, turned, prev_from_frame), *others


def mirrored_steps(
    prev_from_frame: "Tensor", mm_from_pixel: "Tensor", shape: "Sequence[int]"
) -> "Tensor":
    """Return the steps (B, T, 4, 4) of sweeps seen in a mirror, image mm.

    mm_from_pixel (B, 4, 4); shape: height and width of the frames in pixels.
    """
    mirror = mm_from_pixel.new_tensor([-1.0, 1.0, 1.0, 1.0]).diag()
    mirror = mirror.repeat(len(mm_from_pixel), 1, 1)
    mirror[:, 0, 3] = 2 * image_centre(mm_from_pixel, shape)[:, 0]
    mirror = mirror.to(prev_from_frame)[:, None]
    return mirror @ prev_from_frame @ mirror
