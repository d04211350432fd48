"""The four views of one sweep: as it is, mirrored, backwards, and both.

A network trained on all of them makes other errors in each; the mean of its answers has smaller
errors.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from benchmark import geometry
from benchmark.learning.mirroring import mirrored_steps
from benchmark.sweep import Images


class View(NamedTuple):
    """Whether a sweep is mirrored laterally, and whether it is shown backwards."""

    mirrored: bool
    backward: bool


VIEWS = (View(False, False), View(True, False), View(False, True), View(True, True))


def reversed_steps(prev_from_frame: Tensor) -> Tensor:
    """Return the steps (B, T, 4, 4) of a window shown backwards, the tissue mirrored in z.

    Shown backwards, the probe retreats. With a beam symmetric about the image plane, the same
    images come from an advance through tissue mirrored in that plane.
    """
    mirror = prev_from_frame.new_tensor([1.0, 1.0, -1.0, 1.0]).diag()
    return mirror @ geometry.inverse(prev_from_frame).flip(1) @ mirror


def reversed_half(frames: Tensor, prev_from_frame: Tensor) -> tuple[Tensor, Tensor]:
    """Return frames (B, W, H, W') and steps (B, W-1, 4, 4), a random half of them backwards."""
    pick = (torch.rand(len(frames), device=frames.device) < 0.5)[:, None, None, None]
    return (
        torch.where(pick, frames.flip(1), frames),
        torch.where(pick, reversed_steps(prev_from_frame), prev_from_frame),
    )


def seen_images(images: Images, view: View) -> Images:
    """Return the images of a sweep as a view shows them; frames on disk stay there until read."""
    frames: Any = _Seen(images.frames, view) if any(view) else images.frames
    return Images(frames, images.timestamps, images.mm_from_pixel)


class _Seen:
    """Frames (N, H, W), perhaps on disk, that are mirrored or reversed when a slice is read."""

    def __init__(self, frames: Any, view: View):
        self._frames, self._view, self.shape = frames, view, frames.shape

    def __len__(self) -> int:
        return len(self._frames)

    def __getitem__(self, stretch: slice) -> np.ndarray:
        first, last, _ = stretch.indices(len(self))
        if self._view.backward:
            first, last = len(self) - last, len(self) - first
        levels = np.asarray(self._frames[first:last])
        levels = levels[::-1] if self._view.backward else levels
        return np.ascontiguousarray(levels[..., ::-1] if self._view.mirrored else levels)


def seen_steps(
    prev_from_frame: Tensor, mm_from_pixel: Tensor, shape: Sequence[int], view: View
) -> Tensor:
    """Return the steps (B, T, 4, 4), image mm, that a view shows; applied twice it changes nothing.

    mm_from_pixel (B, 4, 4); shape: height and width of the frames in pixels.
    """
    steps = prev_from_frame
    steps = mirrored_steps(steps, mm_from_pixel, shape) if view.mirrored else steps
    return reversed_steps(steps) if view.backward else steps
