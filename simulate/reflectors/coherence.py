"""Correlation of the speckle along fibres: the coherent fraction of the backscattered power.

A share of the power comes from fibres: bright lines along the limb, in pieces of `length_mm` with
one sign each. Their echo stays the same while the image plane moves along them. For a shift d, and
a beam whose autocorrelation is exp(-d² / (4 s²)), where s is `Probe.sigma_speckle_mm` (the width of
a Gaussian beam; less where the wavefront is curved),

    developed speckle   R(d) = exp(-d² / (4 s²))
    fibres              T(d) = ∫ (1 - |u| / L)+ exp(-(u - d)² / (4 s²)) du
    coherence           γ(d) = (1 - q) R(d) + q T(d) / T(0),   intensity: γ²

(x+ is max(x, 0): pieces of length L at random places are a signal of triangular autocorrelation,
and the beam's own autocorrelation is R). The echo of a line grows as s, that of speckle as sqrt(s),
so the share q of the fibres rises where the beam is wide:

    q(s) = c t(s) / (c t(s) + (1 - c) t(s_0)),   t(s) = T(0) at s

At s = s_0, `BEAM_MM`, it is the coherent fraction c itself, which may fall with depth.

Some of the fibres lie side by side in plates with a common sign and depth, as the sheets of
connective tissue do. A plate of width W counts as if each of its fibres were weaker by the root of

    T_x / FIBRE_MM,   T_x: T(0) of pieces of length W under the lateral beam of sigma `LATERAL_MM`

so that plates and single fibres have the same power.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.floating]

BEAM_MM = 0.5  # s_0: elevational sigma for which the coherent fraction is stated
FIBRES_PER_MM2 = 16.0  # about two in a resolution cell at 5 MHz
BEAD_MM = 0.3  # length of a fibre that holds one scatterer
FIBRE_MM = FIBRES_PER_MM2**-0.5  # side of the square across the limb that holds one fibre
LATERAL_MM = 0.25  # lateral sigma for which the power of a plate is that of its fibres
PLATE_FIBRES = 10  # side by side in a plate, 2.5 mm


class Coherence(NamedTuple):
    """What of the echo is coherent out of the plane.

    fraction: share (0 to 1) of the power that comes from fibres, at the skin; length_mm: of their
    pieces; depth_mm: D of the fraction's fall with depth, exp(-(depth / D)²), inf for the same at
    all depths; plates: share (0 to 1) of the fibres that lie in plates.
    """

    fraction: float = 0.0
    length_mm: float = 4.0
    depth_mm: float = math.inf
    plates: float = 0.0

    def fraction_at(self, depth_mm: ArrayLike) -> Array:
        """Return the coherent fraction at depths (mm) below the skin, any shape."""
        if self.depth_mm == math.inf:
            return np.full(np.shape(depth_mm), self.fraction)
        return self.fraction * np.exp(-np.square(np.maximum(depth_mm, 0.0) / self.depth_mm))


def _twice_integrated(x: Array, width: float) -> Array:
    """Return the second antiderivative of exp(-x² / width²)."""
    erf = np.vectorize(math.erf, otypes=[float])
    linear = 0.5 * width * math.sqrt(math.pi) * x * erf(x / width)
    return linear + 0.5 * width**2 * np.exp(-((x / width) ** 2))


def fibre_overlap_mm(shift_mm: ArrayLike, beam_mm: float, length_mm: float) -> Array:
    """Return T(d), mm: the fibres' correlation for beams of sigma `beam_mm` a shift apart."""
    d = np.asarray(shift_mm, np.float64)
    width = 2.0 * beam_mm
    ends = _twice_integrated(d + length_mm, width) + _twice_integrated(d - length_mm, width)
    return (ends - 2.0 * _twice_integrated(d, width)) / length_mm


def coherent_share(fraction: float, beam_mm: float, length_mm: float) -> float:
    """Return q(s): the share of the power that comes from fibres for a beam of this sigma."""
    here = fraction * float(fibre_overlap_mm(0.0, beam_mm, length_mm))
    there = (1.0 - fraction) * float(fibre_overlap_mm(0.0, BEAM_MM, length_mm))
    return here / (here + there)


def coherence(shift_mm: ArrayLike, beam_mm: float, fraction: float, length_mm: float) -> Array:
    """Return γ(d), the correlation of complex IQ after a shift along the fibres.

    That of intensity is its square.

    Parameters
    ----------
    shift_mm : along the elevational axis, any shape.
    beam_mm : `Probe.sigma_speckle_mm`.
    fraction, length_mm : the tissue's `coherent_fraction` and `coherent_length_mm`.
    """
    d = np.asarray(shift_mm, np.float64)
    share = coherent_share(fraction, beam_mm, length_mm)
    developed = np.exp(-(d**2) / (4.0 * beam_mm**2))
    lasting = fibre_overlap_mm(d, beam_mm, length_mm) / fibre_overlap_mm(0.0, beam_mm, length_mm)
    return (1.0 - share) * developed + share * lasting


@lru_cache(maxsize=1)
def plate_amplitude() -> float:
    """Return the amplitude of a plate's scatterers beside that of single fibres."""
    overlap = float(fibre_overlap_mm(0.0, LATERAL_MM, PLATE_FIBRES * FIBRE_MM))
    return math.sqrt(FIBRE_MM / overlap)


@lru_cache(maxsize=64)  # asked once per block of scatterers
def bead_amplitude(fraction: float, length_mm: float, density_per_mm3: float) -> float:
    """Return the amplitude of a fibre's scatterers that gives a coherent fraction of the power.

    density_per_mm3: of the unit scatterers that by themselves have the reference brightness.
    """
    overlap = float(fibre_overlap_mm(0.0, BEAM_MM, length_mm))
    return math.sqrt(fraction * density_per_mm3 * BEAD_MM**2 / (FIBRES_PER_MM2 * overlap))
