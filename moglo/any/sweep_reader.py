"""The reader of sweeps: descriptions of all steps -> corrections of their motions."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from benchmark import geometry
from moglo.any.sigma import Sigma

SIX = 6
LARGEST_LOG_SCALE = 1.0  # of the scale that a whole sweep tells
ELEVATIONAL = 2  # place of the elevational translation among the six


class Motions(NamedTuple):
    """Motions of the steps of sweeps, in units of the speckle.

    six (B, T, 6): translation of the image centre and rotation vector, over `units` (B, 6), mm and
    rad; log_frame (B, T): logarithm of the sigma of each step by itself, in elevational lengths;
    log_slow (B, T): of the share of a step that is wrong in all steps alike.
    """

    six: Tensor
    units: Tensor
    log_frame: Tensor
    log_slow: Tensor

    def steps(self) -> Tensor:
        """Return the steps (B, T, 4, 4) about the image centre, mm."""
        return geometry.from_degrees_of_freedom(self.six * self.units[:, None])

    def sigma(self) -> Sigma:
        """Return both parts of sigma (B, T), mm, not calibrated."""
        moved = (self.six * self.units[:, None])[..., :3].detach().norm(dim=-1)
        length = self.units[:, None, ELEVATIONAL]
        return Sigma(self.log_frame.exp() * length, self.log_slow.exp() * moved)


class SweepReader(nn.Module):
    """Motions and descriptions of all steps (B, T, inputs) -> corrections.

    A recurrent part reads both ways in time. The mean over the sweep tells the scale: what is the
    same in all frames (coherent tissue, the machine's filters) shows there best.
    """

    def __init__(self, inputs: int, hidden: int):
        super().__init__()
        self.read = nn.Sequential(nn.Linear(inputs, hidden), nn.SiLU())
        self.recurrent = nn.GRU(hidden, hidden, batch_first=True, bidirectional=True)
        self.scale = nn.Sequential(nn.Linear(hidden, hidden), nn.SiLU(), nn.Linear(hidden, 1))
        self.features = 4 * hidden
        self.answer = nn.Linear(self.features, SIX)
        for layer in (self.answer, self.scale[-1]):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, given: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return corrections (B, T, 6), the logarithm of a scale (B, 1), features (B, T, ...)."""
        read = self.read(given)
        past = self.recurrent(read)[0]
        sweep = read.mean(1)
        features = torch.cat([read, past, sweep[:, None].expand_as(read)], -1)
        scale = self.scale(sweep).clamp(-LARGEST_LOG_SCALE, LARGEST_LOG_SCALE)
        return self.answer(features), scale, features
