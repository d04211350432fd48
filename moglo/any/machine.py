"""What machines do to images, done at random to training frames, on any sample.

Grey curve and gain, noise, blur, averaging of frames, black borders. Motion stays as it is.
"""

import torch
from torch import Tensor
from torch.nn import functional

from moglo.any.condition import MASK

GAMMA = 0.7  # largest logarithm of the exponent of a grey curve
GAIN = 0.3  # largest logarithm of the gain
NOISE = 0.08  # largest standard deviation of the noise of a pixel in [0, 1]
BLUR = 0.6  # largest share of a pixel that comes from its two neighbours
PERSISTENCE = 0.6  # largest weight of the image before
BORDER = 0.3  # largest share of a side that is black
LEFT = 0.25  # least share of the tissue that a border leaves


def disturbed(frames: Tensor, condition: Tensor, share: float) -> tuple[Tensor, Tensor]:
    """Return frames (B, N, H, W) in [0, 1] and their condition, each disturbance in some samples.

    share: of the samples that have a disturbance; each is drawn by itself, with its strength.
    """
    changes = (_averaged, _blurred_across, _blurred_down, _graded, _noisy)
    for change in changes:
        chosen = torch.rand(len(frames)) < share
        if chosen.any():
            frames = frames.clone()
            frames[chosen] = change(frames[chosen])
    chosen = (torch.rand(len(frames)) < share).to(frames.device)
    inside, mask = _inside(frames), condition[:, MASK : MASK + 1]
    left = (mask * inside).mean((1, 2, 3)) > LEFT * mask.mean((1, 2, 3))
    inside = torch.where((chosen & left)[:, None, None, None], inside, 1.0)
    mask = mask * inside
    return frames * inside, torch.cat([mask, condition[:, MASK + 1 :]], 1)


def _strengths(frames: Tensor, low: float, high: float) -> Tensor:
    """Return a number (B, 1, 1, 1) for each sample, uniform from low to high."""
    return low + (high - low) * torch.rand(len(frames), 1, 1, 1, device=frames.device)


def _averaged(frames: Tensor) -> Tensor:
    """Return frames of which each is averaged with the one shown before it."""
    weight = _strengths(frames, 0.0, PERSISTENCE)
    shown = [frames[:, :1]]
    for frame in frames[:, 1:].split(1, 1):
        shown.append(torch.lerp(frame, shown[-1], weight))
    return torch.cat(shown, 1)


def _blurred_across(frames: Tensor) -> Tensor:
    """Return frames each pixel of which takes a share from its two neighbours in its row."""
    wide = functional.pad(frames, (1, 1, 0, 0), mode="replicate")
    around = (wide[..., :-2] + wide[..., 2:]) / 2
    return torch.lerp(frames, around, _strengths(frames, 0.0, BLUR))


def _blurred_down(frames: Tensor) -> Tensor:
    """Return frames each pixel of which takes a share from its two neighbours in its column."""
    wide = functional.pad(frames, (0, 0, 1, 1), mode="replicate")
    around = (wide[..., :-2, :] + wide[..., 2:, :]) / 2
    return torch.lerp(frames, around, _strengths(frames, 0.0, BLUR))


def _graded(frames: Tensor) -> Tensor:
    """Return frames with another gain and another grey curve."""
    bright = (frames * _strengths(frames, -GAIN, GAIN).exp()).clamp(1e-3, 1)
    return bright.pow(_strengths(frames, -GAMMA, GAMMA).exp())


def _noisy(frames: Tensor) -> Tensor:
    """Return frames with noise of each pixel, in each frame anew."""
    noise = _strengths(frames, 0.0, NOISE) * torch.randn_like(frames)
    return (frames + noise).clamp(0, 1)


def _inside(frames: Tensor) -> Tensor:
    """Return 1 (B, 1, H, W) in the part of each image that is left when its sides are cut."""
    inside = torch.ones_like(frames[:, :1])
    for axis in (2, 3):
        count = frames.shape[axis]
        place = (torch.arange(count, device=frames.device) + 0.5) / count
        place = place.view([-1 if n == axis else 1 for n in range(4)])
        low, high = (_strengths(frames, -BORDER, BORDER).clamp_min(0) for _ in range(2))
        inside = inside * ((place >= low) & (1 - place >= high))
    return inside
