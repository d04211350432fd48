"""The frequencies of a pulse whose field stands for the field of the whole pulse.

A pulse holds many frequencies; the simulated beam has one complex weight per place. Speckle of a
pulse correlates as the mean over its spectrum of what the field of each frequency gives, which is,
to second order in the bandwidth, what the field of their mean frequency gives. A weight that keeps
only the sound in time with the pulse (the mean field over the whole spectrum) loses what comes late
from the edges of an aperture and with it part of the decorrelation. The fields here are means over
`NARROWED` of the spectrum's width: enough to smooth the ripples of single frequencies.

The mean frequency of speckle (`benchmark.beam.array_field`) is not that of a point's echo at the
foci: frequencies whose beams are wider, or louder where the apertures are out of focus, count more.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

NARROWED = 0.4
NUMBERS = np.linspace(-2.0, 2.0, 5)  # frequencies, in standard deviations of the narrowed spectrum
Array = NDArray[Any]


def frequencies(wavelength_mm: Array, bandwidth: Array) -> Iterator[tuple[float, Array]]:
    """Yield the shares (sum 1) and wavelengths, mm, of the frequencies whose fields are averaged.

    wavelength_mm: of the mean frequency; bandwidth: standard deviation of the pulse's amplitude
    spectrum over its centre.
    """
    shares = np.exp(-(NUMBERS**2))
    for share, number in zip(shares / shares.sum(), NUMBERS, strict=True):
        yield float(share), wavelength_mm / (1.0 + NARROWED * number * bandwidth)
