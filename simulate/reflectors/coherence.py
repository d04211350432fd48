"""How much of the speckle lasts when the image plane moves on: the coherent fraction.

A share of the backscattered power comes from fibres: bright lines along the limb, in pieces of
`length_mm` of one sign each, whose echo stays while the plane moves along them. For a beam whose
autocorrelation is exp(-d² / (4 s²)), s being `Probe.sigma_speckle_mm` (the width of a Gaussian
beam; less where the wavefront is curved), and a shift d,

    developed speckle   R(d) = exp(-d² / (4 s²))
    fibres              T(d) = ∫ (1 - |u| / L)+ exp(-(u - d)² / (4 s²)) du
    coherence           γ(d) = (1 - q) R(d) + q T(d) / T(0),   intensity: γ²

(a fibre piece of length L at a random place is a signal of triangular autocorrelation, and the
beam's own autocorrelation is R). The echo of a line grows as s, that of speckle as sqrt(s), so the
share q of the fibres rises where the beam is wide:

    q(s) = c t(s) / (c t(s) + (1 - c) t(s_0)),   t(s) = T(0) at s

and is the coherent fraction c itself at s = s_0, `BEAM_MM`.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.floating]

BEAM_MM = 0.5  # elevational sigma at which the coherent fraction is a share of the power
FIBRES_PER_MM2 = 20.0  # about three in a resolution cell at 5 MHz
BEAD_MM = 0.4  # a fibre is a row of scatterers, one in each such step


def _twice_integrated(x: Array, width: float) -> Array:
    """Second antiderivative of exp(-x² / width²)."""
    erf = np.vectorize(math.erf, otypes=[float])
    linear = 0.5 * width * math.sqrt(math.pi) * x * erf(x / width)
    return linear + 0.5 * width**2 * np.exp(-((x / width) ** 2))


def fibre_overlap_mm(shift_mm: ArrayLike, beam_mm: float, length_mm: float) -> Array:
    """T(d), mm: what two beams of sigma `beam_mm` a shift apart have in common on the fibres."""
    d = np.asarray(shift_mm, np.float64)
    width = 2.0 * beam_mm
    ends = _twice_integrated(d + length_mm, width) + _twice_integrated(d - length_mm, width)
    return (ends - 2.0 * _twice_integrated(d, width)) / length_mm


def coherent_share(fraction: float, beam_mm: float, length_mm: float) -> float:
    """q(s): the share of the power that comes from fibres under a beam of this sigma."""
    here = fraction * float(fibre_overlap_mm(0.0, beam_mm, length_mm))
    there = (1.0 - fraction) * float(fibre_overlap_mm(0.0, BEAM_MM, length_mm))
    return here / (here + there)


def coherence(shift_mm: ArrayLike, beam_mm: float, fraction: float, length_mm: float) -> Array:
    """γ(d): correlation of complex IQ after a shift along the fibres; its square, of intensity.

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


def bead_amplitude(fraction: float, length_mm: float, density_per_mm3: float) -> float:
    """Amplitude of a fibre's scatterers among unit ones of a density, for a coherent fraction."""
    overlap = float(fibre_overlap_mm(0.0, BEAM_MM, length_mm))
    return math.sqrt(fraction * density_per_mm3 * BEAD_MM**2 / (FIBRES_PER_MM2 * overlap))
