"""The published network as a plain loop over pairs, patches, shifts and steps.

Written from the published facts alone: sizes, order of layers, where gates act, which axis of the
volume is which. Nothing of `moglo` is used but the numbers of a network, by the names of its
layers. Slow; for small widths.
"""

import torch
from torch import Tensor
from torch.nn import functional

PATCH, STEP, RADIUS = 3, 4, 8  # of the volume on a map of 64 pixels
SMALL = 1e-6
FRAME = RADIUS + 1  # zeros around a map, as far as any patch reaches
GATED = 4  # side of a patch of the attention, and of the global map
MIXTURES = 4


class LiteralNetwork:
    """The published network over the weights of another one, in training or evaluation.

    weights: by name, as `state_dict` has them; training: statistics of the batch are used.
    """

    def __init__(self, weights: dict[str, Tensor], training: bool, size: int):
        self.weights, self.training = weights, training
        self.radius = RADIUS * size // 256

    def __call__(self, frames: Tensor) -> tuple[list[Tensor], Tensor]:
        """Return motions (B, W-1, 6) of both branches and the last embedding, (B, values)."""
        batch, window = frames.shape[:2]
        pairs = [(b, t) for b in range(batch) for t in range(window - 1)]
        passes = [frames[b, t] for b, t in pairs] + [frames[b, t + 1] for b, t in pairs]
        maps = self.frame_maps(torch.stack(passes)[:, None])
        first, second = maps[: len(pairs)], maps[len(pairs) :]
        local = torch.cat([first, second], 1)
        for index in range(4):
            local = self.block(f"stage2.{index}", local)
        pair = local
        for index in range(6):
            pair = self.block(f"stage3.{index}", pair, 2 if index in (0, 5) else 1)
        volumes = [self.volume(a, b) for a, b in zip(first, second, strict=True)]
        pair = torch.cat([pair, torch.stack(volumes)], 1)
        for index in range(3):
            pair = self.block(f"stage4.{index}", pair, 2 if index == 2 else 1)
        side = pair.shape[-1] // GATED
        whole = functional.avg_pool2d(pair, side)
        mixed, whole = self.attention(local, whole)
        embedding = torch.cat([mixed, whole], 1)
        answers = []
        for name, maps in (("local_estimator", mixed), ("global_estimator", whole)):
            vectors = maps.mean((2, 3)).reshape(batch, window - 1, -1)
            answers.append(torch.stack([self.estimate(name, one) for one in vectors]))
        last = [embedding[b * (window - 1) + window - 2].flatten() for b in range(batch)]
        return answers, torch.stack(last)

    def frame_maps(self, images: Tensor) -> Tensor:
        maps = self.convolve("stem.0", images, stride=2, padding=3)
        maps = functional.relu(self.normalise("stem.1", maps))
        for index in range(3):
            maps = self.block(f"stage1.{index}", maps, 2 if index == 2 else 1)
        return maps

    def block(self, name: str, maps: Tensor, stride: int = 1) -> Tensor:
        """Two convolutions; the shortcut is convolved where channels change, then pooled."""
        body = self.convolve(f"{name}.body.0", maps, stride, 1)
        body = silu(self.normalise(f"{name}.body.1", body))
        body = self.normalise(f"{name}.body.4", self.convolve(f"{name}.body.3", body, 1, 1))
        if f"{name}.shortcut.0.weight" in self.weights:
            maps = self.convolve(f"{name}.shortcut.0", maps)
        if stride == 2:
            maps = functional.max_pool2d(maps, 2)
        return silu(body + maps)

    def volume(self, first: Tensor, second: Tensor) -> Tensor:
        """One template and one shift at a time; the last axis is the shift across rows."""
        side, half = first.shape[-1], PATCH // 2
        first, second = (functional.pad(maps.detach(), [FRAME] * 4) for maps in (first, second))
        reach = self.radius - half
        templates = []
        for row in range(0, side, STEP):
            for column in range(0, side, STEP):
                template = patch_at(first, row, column, half)
                cells = torch.zeros(2 * reach + 1, 2 * reach + 1, dtype=first.dtype)
                for down in range(-reach, reach + 1):
                    for right in range(-reach, reach + 1):
                        found = patch_at(second, row + down, column + right, half)
                        norms = (template.norm() + SMALL) * (found.norm() + SMALL)
                        cells[right + reach, down + reach] = (template * found).sum() / norms
                templates.append(cells)
        size = [side // 4] * 2
        return functional.interpolate(
            torch.stack(templates)[None], size, mode="bilinear", align_corners=True
        )[0]

    def attention(self, local: Tensor, whole: Tensor) -> tuple[Tensor, Tensor]:
        """Return mixed patches, and the gated global map that everything later is made of."""
        gate = self.channel_gate("attention.global_gate", whole)
        whole = whole * gate[:, :, None, None]
        ends = torch.stack([whole.mean(1), whole.amax(1)], 1)
        place = self.convolve("attention.spatial_gate.network.0", ends, 1, 1)
        whole = whole * self.normalise("attention.spatial_gate.network.1", place).sigmoid()
        projected = self.convolve("attention.project.0", whole)
        projected = silu(self.normalise("attention.project.1", projected))
        count = local.shape[-1] // GATED
        patches = [
            local[:, :, GATED * i : GATED * (i + 1), GATED * j : GATED * (j + 1)]
            for i in range(count)
            for j in range(count)
        ]
        gate = self.channel_gate("attention.local_gate", torch.stack(patches).mean(0))
        mixed = [torch.zeros_like(patches[0]) for _ in range(MIXTURES)]
        for k, patch in enumerate(patches):
            patch = patch * gate[:, :, None, None]
            both = (patch * projected).sum((1, 2, 3))
            lengths = patch.flatten(1).norm(dim=1) * projected.flatten(1).norm(dim=1)
            score = (1 + both / lengths) / 2
            for m in range(MIXTURES):
                weight = self.weights["attention.mix.weight"][m, k]
                mixed[m] = mixed[m] + weight * score[:, None, None, None] * patch
        stacked = torch.stack(mixed, 1).flatten(2)
        stacked = silu(self.normalise("attention.normalise", stacked))
        return stacked.reshape(len(local), -1, GATED, GATED), whole

    def channel_gate(self, name: str, maps: Tensor) -> Tensor:
        gate = torch.zeros(maps.shape[:2], dtype=maps.dtype)
        for seen in (maps.mean((2, 3)), maps.amax((2, 3))):
            hidden = silu(self.linear(f"{name}.network.0", seen))
            gate = gate + self.linear(f"{name}.network.2", hidden).sigmoid()
        return gate

    def estimate(self, name: str, vectors: Tensor) -> Tensor:
        """Return (T, 6) of the pairs (T, C) of one window: a recurrent cell, step by step."""
        cell = f"{name}.recurrent"
        hidden = torch.zeros_like(vectors[0])
        memory = torch.zeros_like(vectors[0])
        answers = []
        for vector in vectors:
            sums = self.weights[f"{cell}.weight_ih_l0"] @ vector
            sums = sums + self.weights[f"{cell}.bias_ih_l0"]
            sums = sums + self.weights[f"{cell}.weight_hh_l0"] @ hidden
            sums = sums + self.weights[f"{cell}.bias_hh_l0"]
            enter, forget, candidate, leave = sums.chunk(4)
            memory = forget.sigmoid() * memory + enter.sigmoid() * candidate.tanh()
            hidden = leave.sigmoid() * memory.tanh()
            answers.append(self.linear(f"{name}.head", hidden))
        return torch.stack(answers)

    def convolve(self, name: str, maps: Tensor, stride: int = 1, padding: int = 0) -> Tensor:
        bias = self.weights.get(f"{name}.bias")
        return functional.conv2d(maps, self.weights[f"{name}.weight"], bias, stride, padding)

    def linear(self, name: str, vectors: Tensor) -> Tensor:
        return vectors @ self.weights[f"{name}.weight"].T + self.weights[f"{name}.bias"]

    def normalise(self, name: str, maps: Tensor) -> Tensor:
        """Batch normalisation over all but the second axis."""
        axes = [axis for axis in range(maps.dim()) if axis != 1]
        shape = [1, -1] + [1] * (maps.dim() - 2)
        if self.training:
            mean = maps.mean(axes)
            variance = (maps - mean.view(shape)).square().mean(axes)
        else:
            mean = self.weights[f"{name}.running_mean"]
            variance = self.weights[f"{name}.running_var"]
        scaled = (maps - mean.view(shape)) / (variance.view(shape) + 1e-5).sqrt()
        gain, offset = self.weights[f"{name}.weight"], self.weights[f"{name}.bias"]
        return scaled * gain.view(shape) + offset.view(shape)


def patch_at(maps: Tensor, row: int, column: int, half: int) -> Tensor:
    """Return the patch (C, 2 half + 1, 2 half + 1) about a pixel of a map padded by FRAME."""
    top, left = row + FRAME - half, column + FRAME - half
    return maps[:, top : top + 2 * half + 1, left : left + 2 * half + 1]


def silu(values: Tensor) -> Tensor:
    return values * torch.sigmoid(values)
