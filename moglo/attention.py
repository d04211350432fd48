"""Global-local attention: local patches of a frame pair weighted by likeness to the whole pair.

This is not query-key-value attention. The cosine with the global map weights each local patch, and
the weighted patches are mixed over their places. Structure and sizes are as in the released code.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

REDUCTION = 16
SMALLEST_NORM = 1e-6  # of a patch and of the projected global map
MIXTURES = 4  # mixtures of patches, stacked: 4 x 2b = 8b channels, as many as the global map


class ChannelGate(nn.Module):
    """A factor of 0 to 2 for each channel: sigmoid(MLP(mean)) + sigmoid(MLP(maximum))."""

    def __init__(self, channels: int):
        super().__init__()
        hidden = max(1, channels // REDUCTION)
        self.network = nn.Sequential(
            nn.Linear(channels, hidden), nn.SiLU(), nn.Linear(hidden, channels)
        )

    def forward(self, maps: Tensor) -> Tensor:
        """Return the gate (N, C) of maps (N, C, h, w)."""
        flat = maps.flatten(2)
        mean, most = self.network(flat.mean(-1)), self.network(flat.amax(-1))
        return mean.sigmoid() + most.sigmoid()


class SpatialGate(nn.Module):
    """A factor of 0 to 1 for each place: sigmoid(BN(3x3 conv of channel mean and maximum))."""

    def __init__(self) -> None:
        super().__init__()
        self.network = nn.Sequential(nn.Conv2d(2, 1, 3, padding=1, bias=False), nn.BatchNorm2d(1))

    def forward(self, maps: Tensor) -> Tensor:
        """Return the gate (N, 1, h, w) of maps (N, C, h, w)."""
        both = torch.stack([maps.mean(1), maps.amax(1)], 1)
        return self.network(both).sigmoid()


def patches_of(maps: Tensor, side: int) -> Tensor:
    """Return the disjoint squares (N, K, side, side, C) of maps (N, C, H, W), row by row."""
    count, channels, height, width = maps.shape
    cut = maps.permute(0, 2, 3, 1).reshape(
        count, height // side, side, width // side, side, channels
    )
    return cut.transpose(2, 3).reshape(count, -1, side, side, channels)


class GlobalLocalAttention(nn.Module):
    """Weight local patches by their likeness to the global map and mix them over places.

    local (N, C, H, W), global (N, D, p, p) -> mixed (N, 4 C, p, p), the global map (N, D, p, p)
    that goes on, and the score map (N, H/p, W/p) in [0, 1], which is all ones with `score` off.
    gates: a channel gate of the local patches, a channel and a spatial gate of the global map.
    gated_map: the gated global map goes on, as published; else the one given goes on, and the
    score alone sees the gated one.
    """

    def __init__(
        self, local_channels: int, global_channels: int, patch: int, patches: int,
        gates: bool = True, score: bool = True, gated_map: bool = True,
    ):  # fmt: skip
        super().__init__()
        self.patch = patch
        self.gated, self.scored, self.gated_map = gates, score, gated_map
        if gates:
            self.local_gate = ChannelGate(local_channels)
        if gates and (score or gated_map):
            self.global_gate = ChannelGate(global_channels)
            self.spatial_gate = SpatialGate()
        if score:
            self.project = nn.Sequential(
                nn.Conv2d(global_channels, local_channels, 1, bias=False),
                nn.BatchNorm2d(local_channels),
                nn.SiLU(),
            )
        self.mix = nn.Linear(patches, MIXTURES, bias=False)
        self.normalise = nn.BatchNorm1d(MIXTURES)

    def forward(self, local_map: Tensor, global_map: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        count, channels = local_map.shape[:2]
        patches = patches_of(local_map, self.patch)
        gate = self._gate_of(patches)
        patches = patches.flatten(2)  # (N, K, p p C)
        gated = self._gated(global_map)
        score = self._score(patches, gate, gated)
        weights = self.mix.weight[None] * score[:, None]  # (N, M, K)
        mixed = torch.bmm(weights, patches) * gate[:, None]
        mixed = functional.silu(self.normalise(mixed))
        mixed = mixed.unflatten(2, (self.patch, self.patch, channels)).permute(0, 1, 4, 2, 3)
        mixed = mixed.reshape(count, MIXTURES * channels, self.patch, self.patch)
        rows = local_map.shape[2] // self.patch
        goes_on = gated if self.gated_map else global_map
        return mixed, goes_on, score.unflatten(1, (rows, -1))

    def _gate_of(self, patches: Tensor) -> Tensor:
        """Return the gate (N, p p C) of all patches (N, K, p, p, C), that of their mean."""
        places = self.patch**2
        if not self.gated:
            return patches.new_ones(1, places * patches.shape[-1])
        gate = self.local_gate(patches.mean(1).permute(0, 3, 1, 2))
        return gate.repeat(1, places)

    def _gated(self, global_map: Tensor) -> Tensor:
        """Return the global map times its channel gate, then times the spatial gate of that."""
        if not (self.gated and (self.scored or self.gated_map)):
            return global_map
        global_map = global_map * self.global_gate(global_map)[:, :, None, None]
        return global_map * self.spatial_gate(global_map)

    def _score(self, patches: Tensor, gate: Tensor, global_map: Tensor) -> Tensor:
        """Return s_k = (1 + cos(P_k, G')) / 2, (N, K); no softmax, no scaling, one head.

        patches (N, K, p p C), whose gate (N, p p C) weighs the other factor of each product, so
        that no gated patch is made.
        """
        if not self.scored:
            return patches.new_ones(patches.shape[:2])
        projected = self.project(global_map).permute(0, 2, 3, 1).flatten(1)
        both = torch.bmm(patches, (gate * projected)[..., None])[..., 0]
        squares = torch.bmm(patches.square(), gate.square().expand_as(projected)[..., None])[..., 0]
        length = squares.clamp_min(SMALLEST_NORM**2).sqrt()
        cosine = both / (length * projected.norm(dim=1, keepdim=True).clamp_min(SMALLEST_NORM))
        return (1 + cosine) / 2
