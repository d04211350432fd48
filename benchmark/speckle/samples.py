"""Patches of registered pairs of frames in one row: how they correlate, how far apart they lie."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmark import geometry
from benchmark.speckle.registration import Pairs
from benchmark.sweep import Images

Array = NDArray[np.float64]


def motion_between(images: Images, world_from_image: Array, gap: int) -> Array:
    """Return the motion (N-gap, 6) between frames `gap` apart: image centre mm, rotation vector."""
    steps = geometry.inverse(world_from_image[:-gap]) @ world_from_image[gap:]
    return geometry.degrees_of_freedom(geometry.about(images.centre_mm, steps))


@dataclass(frozen=True)
class Samples:
    """Patches (S,) of pairs of frames whose true motion is known.

    depth: mm below the face; rho: correlation; distance: elevational, mm; phase: 2 k^2 tilt^2,
    1/mm^2; structure: see `Pairs`; sigma: elevational correlation length by the probe's map, mm,
    or 1; gap: index of the pair's gap; first: number of the earlier frame; column: place across,
    mm.
    """

    depth: Array
    rho: Array
    distance: Array
    phase: Array
    structure: Array
    sigma: Array
    gap: Array
    first: Array
    column: Array

    def among(self, index: NDArray[Any]) -> "Samples":
        """Return those at an index or where a mask is set."""
        return Samples(*(getattr(self, item.name)[index] for item in fields(self)))

    def __len__(self) -> int:
        return len(self.rho)

    @classmethod
    def joined(cls, parts: Sequence["Samples"]) -> "Samples":
        """Return the samples of several groups as one."""
        return cls(
            *(np.concatenate([getattr(p, item.name) for p in parts]) for item in fields(cls))
        )


def samples_of(
    pairs: Pairs, motion: Array, depth_mm: Array, sigma_mm: Array, rate: float, gap_index: int
) -> Samples:
    """Return the patches of pairs whose correlation is known.

    Parameters
    ----------
    motion : (P, 6) true centre motion.
    depth_mm, sigma_mm : (n,) of the patches.
    rate : 2 k^2, 1/mm^2.
    """
    x, y = pairs.centre_mm.T
    elevation, tilt, yaw = motion[:, 2:5, None].swapaxes(0, 1)
    shape = pairs.correlation.shape
    rows = (
        depth_mm,
        pairs.correlation,
        elevation + tilt * y - yaw * x,
        rate * tilt**2,
        pairs.structure,
        sigma_mm,
        float(gap_index),
        np.arange(shape[0], dtype=float)[:, None],
        x,
    )
    joined = np.stack([np.broadcast_to(row, shape).reshape(-1) for row in rows])
    return Samples(*joined[:, np.isfinite(joined).all(0)])
