"""How much oxygen blood carries, and how much melanin the epidermis above it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from simulate.vessels.index import VesselIndex
from simulate.vessels.tree import ARTERY

Array = NDArray[np.floating]

OXYGENATION = (0.97, 0.70)  # of arteries and veins
MELANOSOMES = 0.02  # volume fraction in a light epidermis


def oxygenation(owner: NDArray[np.int64], index: VesselIndex) -> Array:
    """Return the oxygenated share (M,) of the blood of segments (M,), -1 for none, as a vein."""
    result = np.full(len(owner), OXYGENATION[1])
    if len(index.kind):
        arterial = (owner >= 0) & (index.kind[np.maximum(owner, 0)] == ARTERY)
        result[arterial] = OXYGENATION[0]
    return result
