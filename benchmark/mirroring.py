"""Samples seen in a mirror: twice the training data where the probe is symmetric."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


def mirrored_half(
    frames: "Tensor", prev_from_frame: "Tensor", mm_from_pixel: "Tensor"
) -> "tuple[Tensor, Tensor]":
    """Return frames and steps of which a random half is mirrored laterally about the image centre.

    frames (B, W, H, W'); prev_from_frame (B, W-1, 4, 4) in image mm; mm_from_pixel (B, 4, 4). A
    mirrored image moves as the mirror image of its motion, M T M with M: x -> 2 x_centre - x.
    """
    import torch

    chosen = torch.rand(len(frames), device=frames.device) < 0.5
    height, width = frames.shape[-2:]
    pixel = mm_from_pixel.new_tensor([(width - 1) / 2, (height - 1) / 2, 0.0, 1.0])
    mirror = torch.eye(4, device=frames.device, dtype=prev_from_frame.dtype)
    mirror = mirror.repeat(len(frames), 1, 1)
    mirror[:, 0, 0], mirror[:, 0, 3] = -1, 2 * (mm_from_pixel @ pixel)[:, 0]
    turned = mirror[:, None] @ prev_from_frame @ mirror[:, None]
    pick = chosen[:, None, None, None]
    return torch.where(pick, frames.flip(-1), frames), torch.where(pick, turned, prev_from_frame)
