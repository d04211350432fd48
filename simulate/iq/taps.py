"""Taps of the filters that give splatted samples the axial and lateral shape of the beam."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import spline_filter1d

from simulate.iq.splat import SPLAT_VARIANCE
from simulate.probe.transducer import TWO_WAY_FACTOR

FIR_CUT = 3.2  # sigmas at which a Gaussian filter is cut off
LOBE_CUT = 16.0  # the same of one with side lobes; the last quarter is faded out
FREQUENCIES = 33  # over ± 3 sigma of the spectrum

Array = NDArray[Any]  # float64


def gaussian_taps(sigma: Array, step: float) -> Array:
    """Return taps (R, 2 L + 1) that after a cubic splat give Gaussians of unit peak.

    sigma (R,), step of the samples: in one unit. The splat is itself a filter of known variance,
    which is taken off that of the taps.
    """
    narrowed = np.sqrt(sigma**2 - SPLAT_VARIANCE * step**2)
    half = math.ceil(FIR_CUT * narrowed.max() / step)
    offset = step * np.arange(-half, half + 1)
    ratio = offset / narrowed[:, None]
    # Half a step wider than the cut: a tap is kept if any part of its step lies within the cut.
    taps = np.exp(-0.5 * ratio**2) * (np.abs(ratio) <= FIR_CUT + 0.5 * step / narrowed[:, None])
    return taps * (sigma * math.sqrt(2.0 * math.pi) / step / taps.sum(axis=1))[:, None]


def lobed_taps(
    sigma: Array, transmit: Array, receive: Array, bandwidth: Array, step: float
) -> Array:
    """Return taps (R, 2 L + 1) that after a cubic splat give the beam of unapodised apertures.

    The beam is the mean over the pulse's spectrum of sinc(f x / w_t) sinc(f x / w_r), with f
    relative to the centre frequency and w the distance from the axis to the first zero. It has
    about the width of the Gaussian beam, and is scaled to its energy. Away from the transmit focus
    the transmit factor is only widened; the ripples of its near field are neglected.

    Parameters
    ----------
    sigma, transmit, receive : (R,) two-way and one-way amplitude sigmas.
    bandwidth : (R,) standard deviation of the spectrum over its centre.
    step : of the samples.
    """
    half = math.ceil(LOBE_CUT * sigma.max() / step)
    offset = step * np.arange(-half, half + 1)
    number = np.linspace(-3.0, 3.0, FREQUENCIES)
    weight = np.exp(-0.5 * number**2)
    taps = np.zeros((len(sigma), len(offset)))
    for share, frequency in zip(
        weight / weight.sum(), 1.0 + np.outer(number, bandwidth), strict=True
    ):
        sent, heard = (
            np.sinc(np.outer(frequency * TWO_WAY_FACTOR / width, offset))
            for width in (transmit, receive)
        )
        taps += share * sent * heard
    outward = np.abs(offset) / (LOBE_CUT * sigma[:, None])
    fade = np.clip(4.0 * (1.0 - outward), 0.0, 1.0)
    taps *= 0.5 - 0.5 * np.cos(math.pi * fade)
    taps *= np.sqrt(math.sqrt(math.pi) * sigma / (step * np.sum(taps**2, axis=1)))[:, None]
    # The splat spreads by cubic B-splines: the taps are the coefficients of that spline.
    coefficients = spline_filter1d(taps, 3, axis=1)
    return np.where(outward < 1.0, coefficients, 0.0)
