"""Materials that tissue is made of: how they echo and how sound travels in them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simulate.shapes.texture import FIBRILS, HONEYCOMB, LOBULES, PLAIN, STRANDS, SWIRLS, Term
from simulate.tissue.answers import Acoustics

BONE_DB_CM_MHZ = 12.0  # beyond the background: nothing is seen behind a millimetre or two
EPIDERMIS_MM = 0.15  # outermost part of the skin, which holds the melanin


class Material(NamedTuple):
    """Echo amplitude (1 is the reference, muscle), texture, and how sound travels in it.

    Sound speed m/s, density kg/m3 and absorption dB/cm/MHz are typical values of F. A. Duck,
    Physical Properties of Tissue (1990). extra_db_cm_mhz: attenuation above the background's;
    slope: of its fibres, dy/dz.
    """

    level: float
    texture: tuple[Term, ...] = PLAIN
    speed: float = 1570.0
    density: float = 1060.0
    absorption: float = 0.5
    extra_db_cm_mhz: float = 0.0
    slope: float = 0.0


# Materials that every tissue has, by number; a kind's own follow.
OUTSIDE, FASCIA, BLOOD, INTIMA, MEDIA, ADVENTITIA = range(6)
COMMON = (
    Material(0.0, speed=1500.0, density=1000.0, absorption=0.002),  # outside: gel
    Material(3.2, speed=1613.0, density=1120.0, absorption=1.2),  # fascia and septa
    Material(0.035, SWIRLS, speed=1570.0, density=1060.0, absorption=0.15),  # blood, -29 dB
    Material(2.6),  # intima
    Material(0.25),  # media
    Material(3.0),  # adventitia
)

SKIN = Material(2.2, speed=1610.0, density=1100.0, absorption=1.2)
FAT = Material(0.33, LOBULES, 1450.0, 950.0, 0.5)
MUSCLE = Material(1.0, STRANDS, 1580.0, 1050.0, 0.6)
TENDON = Material(2.4, FIBRILS, 1650.0, 1100.0, 1.0)
NERVE = Material(1.5, HONEYCOMB, 1630.0, 1070.0, 0.9)
BONE = Material(0.04, PLAIN, 2800.0, 1800.0, 6.0, BONE_DB_CM_MHZ)
CORTEX = Material(4.5, PLAIN, 2800.0, 1900.0, 6.0, BONE_DB_CM_MHZ)

# Walls of arteries and of veins: thickness (mm) and its increase per mm of radius, then the depths
# at which intima and media end, as shares of the thickness.
WALLS = ((0.12, 0.20, 0.22, 0.60), (0.10, 0.06, 0.40, 0.40))


def sound(materials: tuple[Material, ...], numbers: NDArray[np.int64]) -> Acoustics:
    """Return how sound travels at points (M,) of given materials, by their numbers."""
    table = np.array([(m.speed, m.density, m.absorption) for m in materials])
    return Acoustics(*table[numbers].T)
