"""Developed speckle of one brightness below a flat skin, for comparison with theory."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulate.reflectors.reflectors import Reflectors
from simulate.tissue.answers import Acoustics, Chromophores
from simulate.tissue.materials import COMMON, MUSCLE, OUTSIDE, sound
from simulate.tissue.settings import TissueSettings
from simulate.vessels.tree import VesselTree

Array = NDArray[np.floating]


@dataclass(frozen=True)
class UniformTissue:
    """Developed speckle of one brightness below a flat skin at y = 0; no vessels."""

    key: int
    attenuation_db_cm_mhz: float = 0.5
    vessels: VesselTree = VesselTree.empty()  # noqa: RUF009  (immutable)
    extended: Reflectors = Reflectors(0)  # noqa: RUF009  (immutable)
    blood_level: float = 0.0

    def backscatter(self, points_mm: Array) -> NDArray[np.float64]:
        """Return echo amplitudes (M,) at world points (M, 3) mm: one value below the skin, else 0.

        They are those of the independent scatterers, without the share of the fibres.
        """
        return self.extended.diffuse_amplitude(points_mm[:, 1]) * _below(points_mm)

    def reflectors(
        self, low_mm: Array, high_mm: Array, density_per_mm3: float
    ) -> tuple[Array, Array]:
        """Return fibres in a box: points (K, 3) mm and signed amplitudes (K,)."""
        return self.extended.scatterers(
            low_mm,
            high_mm,
            density_per_mm3,
            lambda points, _: _below(points),
            lambda points: points[:, 1] >= 0.0,
        )

    def attenuation_db_per_mm(self, points_mm: Array, frequency_hz: float) -> Array:
        """Return zeros (M,) dB/mm: all of the tissue attenuates alike."""
        return np.zeros(len(points_mm))

    def in_lumen(self, points_mm: Array) -> NDArray[np.bool_]:
        """Return all False (M,): there is no blood."""
        return np.zeros(len(points_mm), bool)

    def depth_below_skin_mm(self, points_mm: Array) -> Array:
        """Return the depth (M,) below the skin, negative outside, of world points (M, 3) mm."""
        return points_mm[:, 1]

    def skin_surface(self, x: Array, z: Array) -> tuple[Array, Array]:
        """Return the skin's y (N,) mm and its inward unit normal (N, 3) at (x, z)."""
        normal = np.zeros((*np.shape(x), 3))
        normal[..., 1] = 1.0
        return np.zeros(np.shape(x)), normal

    def chromophores(self, points_mm: Array) -> Chromophores:
        """Return zeros: nothing absorbs light."""
        nothing = np.zeros(len(points_mm))
        return Chromophores(nothing, nothing, nothing)

    def acoustics(self, points_mm: Array) -> Acoustics:
        """Return muscle below the skin and gel above it, at world points (M, 3) mm."""
        return sound((COMMON[OUTSIDE], MUSCLE), (points_mm[:, 1] >= 0.0).astype(np.int64))

    @property
    def landmarks_mm(self) -> Array:
        """No points (0, 3): there is nothing to recognise."""
        return np.zeros((0, 3))


def _below(points_mm: Array) -> NDArray[np.float64]:
    """Return 1.0 (M,) below the skin and 0.0 above it."""
    return (points_mm[:, 1] >= 0.0).astype(np.float64)


def sample_uniform(rng: np.random.Generator, settings: TissueSettings, key: int) -> UniformTissue:
    """Draw one subject; subjects differ in the key of their scatterers and fibres only."""
    return UniformTissue(
        key, settings.attenuation_db_cm_mhz, extended=Reflectors(key, settings.coherence)
    )
