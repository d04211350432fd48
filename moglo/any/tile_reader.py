"""The reader of tiles: what they are told -> their displacements, and a description of the step."""

import torch
from torch import Tensor, nn

from moglo.any.config import MoGLoAnyConfig
from moglo.any.told import IN_PLANE, channels
from moglo.any.volumes import weighted_mean

FIRST = 0.5  # of the distance that neighbours' correlation stands for is out of the plane


class TileReader(nn.Module):
    """What tiles are told (N, C, rows, columns) -> displacements of tiles, and a description.

    Every tile is described by itself, then told the means of its row (speckle of one depth) and of
    the image, then its neighbours. Means are over tissue alone.
    """

    def __init__(self, config: MoGLoAnyConfig):
        super().__init__()
        width = config.width
        self.context = config.context
        self.describe = nn.Sequential(
            nn.Conv2d(channels(config), width, 1), nn.SiLU(), nn.Conv2d(width, width, 1), nn.SiLU()
        )
        self.place = nn.Sequential(
            nn.Conv2d((3 if config.context else 1) * width, width, 1), nn.SiLU()
        )
        self.join = nn.Sequential(nn.Conv2d(width, width, 3, padding=1), nn.SiLU())
        self.answer = nn.Conv2d(width, 6, 1)
        self.gaps = config.gaps
        self.across = nn.Parameter(torch.tensor([FIRST] + [0.0] * (config.gaps - 1)))
        nn.init.zeros_(self.answer.weight)
        nn.init.zeros_(self.answer.bias)

    def forward(self, given: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
        """Return answers (N, 6, rows, columns) and descriptions (N, width), weights (N, 1, ...).

        Answers begin as what physics says: shift in the plane, and distance out of it.
        """
        across = torch.einsum("g,ngyx->nyx", self.across, given[:, : self.gaps])[:, None]
        first = torch.cat([given[:, self.gaps : self.gaps + IN_PLANE], across], 1)
        found = self.describe(given)
        if self.context:
            row, image = weighted_mean(found, weight, (3,)), weighted_mean(found, weight, (2, 3))
            found = torch.cat([found, row.expand_as(found), image.expand_as(found)], 1)
        found = self.place(found)
        found = found + self.join(found * weight)
        answer = self.answer(found)
        answer = torch.cat([answer[:, :3] + first, answer[:, 3:]], 1)
        return answer, weighted_mean(found, weight, (2, 3)).flatten(1)
