"""The answers of a tissue about points: the one contract between engines and tissue."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from simulate.vessels.tree import VesselTree

Array = NDArray[np.floating]

# How tissue moves: points (M, 3) world mm at rest, a time s and world_from_image (4, 4) of the
# frame to the mm (M, 3) by which they have moved.
Displacement = Callable[[NDArray[np.float64], float, NDArray[np.float64]], NDArray[np.float64]]


class Chromophores(NamedTuple):
    """What absorbs light at M points; each field is (M,) float.

    `blood_fraction` is the volume fraction of whole blood (1 inside a vessel), `oxygenation` the
    oxygenated share of its haemoglobin (0..1), `melanin_fraction` the volume fraction of
    melanosomes (0..1, some hundredths in a light epidermis).
    """

    blood_fraction: Array
    oxygenation: Array
    melanin_fraction: Array


class Acoustics(NamedTuple):
    """Acoustic properties at M points (or on a grid); each field has one value per point.

    `absorption_db_cm_mhz` is the coefficient a of a f^1.1 with f in MHz, dB/cm.
    """

    sound_speed_m_s: Array
    density_kg_m3: Array
    absorption_db_cm_mhz: Array


class Absorber(Protocol):
    """The part of a tissue that photoacoustics asks for, at world points (M, 3) mm at rest.

    `acoustics` is asked for only where the medium is heterogeneous.
    """

    def chromophores(self, points_mm: Array) -> Chromophores:
        """Return what absorbs light."""

    def depth_below_skin_mm(self, points_mm: Array) -> Array:
        """Return the depth (M,) below the skin along y, negative outside."""

    def acoustics(self, points_mm: Array) -> Acoustics:
        """Return sound speed, density and absorption."""


class Tissue(Protocol):
    """All that a tissue answers about world points (M, 3) mm at rest.

    key: 64 bits, from which its scatterers are drawn; attenuation_db_cm_mhz: of the background;
    vessels: the true tree.
    """

    @property
    def key(self) -> int: ...
    @property
    def attenuation_db_cm_mhz(self) -> float: ...
    @property
    def vessels(self) -> VesselTree: ...
    @property
    def blood_level(self) -> float:
        """Echo amplitude of blood; 1 is the reference tissue."""

    def backscatter(self, points_mm: Array) -> NDArray[np.float64]:
        """Return echo amplitudes (M,) >= 0 of independent scatterers; 1 is the reference tissue."""

    def reflectors(
        self, low_mm: Array, high_mm: Array, density_per_mm3: float
    ) -> tuple[Array, Array]:
        """Return extended reflectors in a box [low, high): points (K, 3) mm, amplitudes (K,).

        Amplitudes are signed. density_per_mm3: of the unit scatterers that have the reference
        brightness. Every box gives the same reflectors where it overlaps another, in one order.
        """

    def attenuation_db_per_mm(self, points_mm: Array, frequency_hz: float) -> Array:
        """Return the attenuation beyond the background, (M,) dB/mm one way; negative in fluid."""

    def in_lumen(self, points_mm: Array) -> NDArray[np.bool_]:
        """Return whether points lie in blood, (M,)."""

    def depth_below_skin_mm(self, points_mm: Array) -> Array:
        """Return the depth (M,) below the skin along y, negative outside."""

    def skin_surface(self, x: Array, z: Array) -> tuple[Array, Array]:
        """Return the skin's y (N,) mm and its inward unit normal (N, 3) at (x, z)."""

    def chromophores(self, points_mm: Array) -> Chromophores:
        """Return what absorbs light at points."""

    def acoustics(self, points_mm: Array) -> Acoustics:
        """Return sound speed, density and absorption at points."""

    @property
    def landmarks_mm(self) -> Array:
        """World points (L, 3) mm that one can find again in an image."""


class Echoer(Protocol):
    """The part of `Tissue` that echoes: all that the IQ and the B-mode engine ask a tissue.

    Members as in `Tissue`.
    """

    @property
    def key(self) -> int: ...
    @property
    def attenuation_db_cm_mhz(self) -> float: ...

    def backscatter(self, points_mm: Array) -> NDArray[np.float64]: ...
    def reflectors(
        self, low_mm: Array, high_mm: Array, density_per_mm3: float
    ) -> tuple[Array, Array]: ...
    def attenuation_db_per_mm(self, points_mm: Array, frequency_hz: float) -> Array: ...
