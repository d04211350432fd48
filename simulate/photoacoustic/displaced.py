"""A tissue at one instant of its motion, as photoacoustics sees it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from simulate.tissue.answers import Absorber, Acoustics, Chromophores, Displacement

Array = NDArray[np.floating]

ROUNDS = 30  # at most, of the search for the place at rest
NEAR_MM = 1e-3  # change of the place at rest below which the search ends


@dataclass(frozen=True)
class DisplacedTissue:
    """An `Absorber` that answers for a tissue as it is displaced at `time_s`.

    The skin moves as one, as it does at the probe's face. `world_from_image` (4, 4) is the probe's
    pose at that time.
    """

    tissue: Absorber
    displacement: Displacement
    time_s: float
    world_from_image: NDArray[np.float64]

    def at_rest(self, points_mm: Array) -> Array:
        """Return the places at rest (M, 3) of the tissue that lies at world points (M, 3), mm.

        The place at rest is the fixed point of rest = x - u(rest), unique while strains are below
        1. A point whose place is found takes no part in later rounds.
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
        """Return what absorbs light at world points (M, 3), mm, at `time_s`."""
        return self.tissue.chromophores(self.at_rest(points_mm))

    def depth_below_skin_mm(self, points_mm: Array) -> Array:
        """Return the depth (M,) below the skin at world points (M, 3), mm, at `time_s`."""
        return self.tissue.depth_below_skin_mm(np.asarray(points_mm) - self._skin_mm)

    @cached_property
    def _skin_mm(self) -> NDArray[np.float64]:
        """The displacement (1, 3) mm of the skin at the middle of the probe's face."""
        face = self.world_from_image[None, :3, 3]
        return face - self.at_rest(face)

    def acoustics(self, points_mm: Array) -> Acoustics:
        """Return the acoustic properties at world points (M, 3), mm, at `time_s`."""
        return self.tissue.acoustics(self.at_rest(points_mm))
