"""Optical constants of blood and skin: oxygenation of vessels, melanin of the epidermis."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from simulate.vessels.index import VesselIndex
from simulate.vessels.tree import ARTERY

Array = NDArray[np.floating]

OXYGENATION = (0.97, 0.70)  # of arteries and veins
MELANOSOMES = 0.02  # volume fraction in a light epidermis


def oxygenation(owner: NDArray[np.int64], index: VesselIndex) -> Array:
    """Return the oxygenated share (M,) of the blood in vessel segments.

    owner (M,): numbers of segments; -1, no segment, counts as a vein.
    """
    result = np.full(len(owner), OXYGENATION[1])
    if len(index.kind):
        arterial = (owner >= 0) & (index.kind[np.maximum(owner, 0)] == ARTERY)
        result[arterial] = OXYGENATION[0]
    return result
