"""A tissue at one instant of its motion, answering for whatever lies at a point just then."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulate.photoacoustic.source import Tissue, acoustics_of
from simulate.tissue.answers import Acoustics, Chromophores, Displacement

Array = NDArray[np.floating]

ROUNDS = 30  # of the search for the place at rest, at most
NEAR_MM = 1e-3  # how well it is found


@dataclass(frozen=True)
class DisplacedTissue:
    """What `photoacoustic_source.Tissue` asks of a tissue that is displaced at `time_s`.

    The skin under the probe stays where the probe's face holds it; all else moves.
    `world_from_image` (4, 4) is the probe's pose then.
    """

    tissue: Tissue
    displacement: Displacement
    time_s: float
    world_from_image: NDArray[np.float64]

    def at_rest(self, points_mm: Array) -> Array:
        """Return where at rest the tissue was that now lies at world points (M, 3), mm.

        The fixed point of x - u(rest), which is one while strains are below 1. Points that have
        found theirs are not asked again.
        """
        points = np.asarray(points_mm, np.float64)
        rest, open_ = points.copy(), np.arange(len(points))
        for _ in range(ROUNDS):
            moved = self.displacement(rest[open_], self.time_s, self.world_from_image)
            better = points[open_] - moved
            change = np.abs(better - rest[open_]).max(axis=1, initial=0.0)
            rest[open_] = better
            open_ = open_[change > NEAR_MM]
            if not len(open_):
                break
        return rest

    def chromophores(self, points_mm: Array) -> Chromophores:
        """Return what absorbs light there now."""
        return self.tissue.chromophores(self.at_rest(points_mm))

    def depth_below_skin_mm(self, points_mm: Array) -> Array:
        """Return the depth (M,) below the skin, which does not move."""
        return self.tissue.depth_below_skin_mm(points_mm)

    def acoustics(self, points_mm: Array) -> Acoustics:
        """Return the acoustic properties there now."""
        return acoustics_of(self.tissue, self.at_rest(points_mm))
