"""Global-local attention: local patches of a frame pair weighted by likeness to the whole pair.

This is not query-key-value attention. The cosine with the global map weights each local patch, and
the weighted patches are mixed over their places. Structure and sizes are as in the released code.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

REDUCTION = 16
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
    """Return the disjoint squares (N, K, C, side, side) of maps (N, C, H, W), row by row."""
    squares = maps.unfold(2, side, side).unfold(3, side, side)
    return squares.permute(0, 2, 3, 1, 4, 5).flatten(1, 2)


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
                nn.SiLU(inplace=True),
            )
        self.mix = nn.Linear(patches, MIXTURES, bias=False)
        self.normalise = nn.BatchNorm1d(MIXTURES)

    def forward(self, local_map: Tensor, global_map: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        patches = patches_of(local_map, self.patch)
        if self.gated:
            gate = self.local_gate(patches.mean(1))
            patches = patches * gate[:, None, :, None, None]
        gated = self._gated(global_map)
        score = self._score(patches, gated)
        weights = self.mix.weight[None] * score[:, None]  # (N, M, K)
        mixed = torch.bmm(weights, patches.flatten(2))
        mixed = functional.silu(self.normalise(mixed))
        channels = local_map.shape[1]
        mixed = mixed.reshape(-1, MIXTURES * channels, self.patch, self.patch)
        rows = local_map.shape[2] // self.patch
        goes_on = gated if self.gated_map else global_map
        return mixed, goes_on, score.unflatten(1, (rows, -1))

    def _gated(self, global_map: Tensor) -> Tensor:
        """Return the global map times its channel gate, then times the spatial gate of that."""
        if not (self.gated and (self.scored or self.gated_map)):
            return global_map
        global_map = global_map * self.global_gate(global_map)[:, :, None, None]
        return global_map * self.spatial_gate(global_map)

    def _score(self, patches: Tensor, global_map: Tensor) -> Tensor:
        """Return s_k = (1 + cos(P_k, G')) / 2, (N, K); no softmax, no scaling, one head."""
        if not self.scored:
            return patches.new_ones(patches.shape[:2])
        projected = self.project(global_map)
        cosine = functional.cosine_similarity(
            patches.flatten(2), projected.flatten(1)[:, None], dim=-1, eps=1e-6
        )
        return (1 + cosine) / 2
