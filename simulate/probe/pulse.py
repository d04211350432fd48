"""The frequencies of a pulse whose field stands for the field of the whole pulse.

A pulse holds many frequencies; the simulated beam has one complex weight per place. Speckle of a
pulse correlates as the mean over its spectrum of what the field of each frequency gives, which is,
to second order in the bandwidth, what the field of their mean frequency gives. A weight that keeps
only the sound in time with the pulse (the mean field over the whole spectrum) loses what comes late
from the edges of an aperture and with it part of the decorrelation. The fields here are means over
`NARROWED` of the spectrum's width: enough to smooth the ripples of single frequencies.

The mean frequency of speckle lies below that of a point's echo at the foci: lower frequencies have
wider beams, so more scatterers answer them. The energy of a two-way beam falls with frequency on
either axis as 1 / f at a focus and as 1 / f² out of it, where also the sound on the axis falls.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

NARROWED = 0.4
NUMBERS = np.linspace(-2.0, 2.0, 5)  # frequencies, in standard deviations of the narrowed spectrum
WHOLE = np.linspace(-3.0, 3.0, 41)  # frequencies, in standard deviations of the pulse
LOWEST = 0.1  # lowest of these frequencies, over the centre frequency

Array = NDArray[Any]


def out_of_focus(fresnel_number: Array, half_way: float) -> Array:
    """Return 0 at a focus, 1 far from it: by how much faster than 1 / f a beam's energy falls.

    fresnel_number: aperture² (1 / depth - 1 / focus) / wavelength; half_way: at which it is 1/2.
    The law is fitted to ∫ |U|⁴ of a strip, and to ∫ |U_T U_R|² of one that transmits.
    """
    ratio = np.abs(fresnel_number / half_way) ** 3
    return ratio / (1.0 + ratio)


def speckle_frequency(bandwidth: Array, power: Array) -> Array:
    """Return the mean frequency of speckle over the pulse's centre; shapes broadcast.

    bandwidth: standard deviation of the pulse's amplitude spectrum over its centre; the energy of
    the beam falls with frequency as f^-power.
    """
    frequency = 1.0 + np.asarray(bandwidth)[..., None] * WHOLE
    weight = np.exp(-np.square(WHOLE)) * np.maximum(frequency, LOWEST) ** -power[..., None]
    weight = np.where(frequency < LOWEST, 0.0, weight)
    return np.sum(weight * frequency, axis=-1) / np.sum(weight, axis=-1)


def frequencies(wavelength_mm: Array, bandwidth: Array) -> Iterator[tuple[float, Array]]:
    """Yield the shares (sum 1) and wavelengths, mm, of the frequencies whose fields are averaged.

    wavelength_mm: of the mean frequency; bandwidth: standard deviation of the pulse's amplitude
    spectrum over its centre.
    """
    shares = np.exp(-(NUMBERS**2))
    for share, number in zip(shares / shares.sum(), NUMBERS, strict=True):
        yield float(share), wavelength_mm / (1.0 + NARROWED * number * bandwidth)
