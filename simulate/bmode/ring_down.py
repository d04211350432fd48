"""Ringing of the probe's face: a bright band below it that stays where it is in every frame.

After a pulse the face and its matching layers ring for some microseconds, and what is received then
is the same for every frame of a sweep. The elements ring alike, so the band is made of lines across
the image; what each has of its own changes over the width of an aperture.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from simulate.bmode.settings import BmodeSettings
from simulate.iq.beam import Beam
from simulate.probe.transducer import Probe

ALIKE = 0.8  # share of the power that all elements have in common
OWN_MM = 2.0  # distance along the face over which their own part changes
LONGER = 2.0  # times as long as the pulse are the waves of the ringing


def ring_down(
    rng: np.random.Generator, probe: Probe, settings: BmodeSettings, beam: Beam
) -> NDArray[np.complex64]:
    """Draw the IQ (rows, columns) of the ringing, on the grid of `beam`.

    Its rms at depth y is `settings.ring_down_db` over the reference tissue, times
    exp(-y / ring_down_mm), the same for all rows of a depth; above the face there is none.
    """
    from scipy.ndimage import gaussian_filter1d

    grid = beam.grid
    depths = grid.depths_mm
    along = LONGER * probe.sigma_axial_mm / grid.row_step
    across = OWN_MM / (grid.column_step * (grid.radius_mm or 1.0))
    common = _unit(gaussian_filter1d(_normal(rng, (len(depths), 1)), along, axis=0, mode="wrap"))
    own = _normal(rng, (len(depths), len(grid.lateral)))
    own = gaussian_filter1d(own, along, axis=0, mode="wrap")
    own = _unit(gaussian_filter1d(own, across, axis=1, mode="wrap"))
    decay = np.where(depths >= 0.0, np.exp(-np.maximum(depths, 0.0) / settings.ring_down_mm), 0.0)
    level = 10.0 ** (settings.ring_down_db / 20.0) * decay
    pattern = np.sqrt(ALIKE) * common + np.sqrt(1.0 - ALIKE) * own
    return (level[:, None] * pattern).astype(np.complex64)


def _normal(rng: np.random.Generator, shape: tuple[int, int]) -> NDArray[np.complex128]:
    return rng.standard_normal(shape) + 1j * rng.standard_normal(shape)


def _unit(pattern: NDArray[np.complex128]) -> NDArray[np.complex128]:
    """Return a pattern with rms 1."""
    return pattern / np.sqrt(np.mean(np.abs(pattern) ** 2))
