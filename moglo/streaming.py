"""Streaming: motion of a growing sequence, with every frame and every pair encoded once.

Reading a window of W frames anew at every step costs W-1 pairs per frame; streaming costs one. It
keeps the map of the last frame and the vectors of the last W-2 pairs.
"""

import torch
from torch import Tensor

from moglo.inference import evaluating
from moglo.model import MoGLoNet


class MotionStream:
    """Scaled motions of frames that arrive one after another, or some at a time.

    The first window is filled by repeating the first frame; the pair of that frame with itself is
    computed once. The network answers in evaluation mode, whatever mode it is in.
    """

    def __init__(self, net: MoGLoNet):
        self.net = net
        self.steps = net.config.window - 1
        self.last_map: Tensor | None = None
        self.history: list[Tensor] = []  # local and global vectors, each (steps - 1, 8b)

    def push(self, frames: Tensor) -> Tensor:
        """Return the scaled motion (M, 6) into each of the new frames (N, S, S) in [0, 1].

        M = N, or N - 1 at the beginning, since no motion leads into the first frame.
        """
        if len(frames) == 0:
            return frames.new_zeros(0, 6)
        with evaluating(self.net):
            return self._motions(frames)

    def _motions(self, frames: Tensor) -> Tensor:
        """Return what `push` does, of one frame or more."""
        maps = self.net.encode_frames(frames)
        if self.last_map is None:
            pair = self.net.encode_pairs(maps[:1], maps[:1])
            vectors = (pair.local_vector, pair.global_vector)
            self.history = [vector.expand(self.steps - 1, -1) for vector in vectors]
        else:
            maps = torch.cat([self.last_map, maps])
        self.last_map = maps[-1:]
        if len(maps) == 1:
            return frames.new_zeros(0, 6)
        pairs = self.net.encode_pairs(maps[:-1], maps[1:])
        return self._estimate([pairs.local_vector, pairs.global_vector])

    def _estimate(self, new: list[Tensor]) -> Tensor:
        """Return the mean of the branches at the last step of each window of pair vectors."""
        known = [torch.cat([old, fresh]) for old, fresh in zip(self.history, new, strict=True)]
        windows = [values.unfold(0, self.steps, 1).transpose(1, 2) for values in known]
        self.history = [values[len(values) - self.steps + 1 :] for values in known]
        branches = self.net.estimate(*windows)
        return torch.stack([branch[:, -1] for branch in branches]).mean(0)
