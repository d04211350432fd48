"""Materials that anatomies are made of: how they echo and how sound travels in them."""

from __future__ import annotations

from typing import NamedTuple

from simulate.shapes.texture import FIBRES, LOBULES, PLAIN

BONE_DB_CM_MHZ = 12.0  # beyond the background: nothing is seen behind a millimetre or two
EPIDERMIS_MM = 0.15  # outermost part of the skin, which holds the melanin


class Material(NamedTuple):
    """Echo amplitude (1 is the reference), texture, and how sound travels in it.

    Sound speed m/s, density kg/m3 and absorption dB/cm/MHz are typical values of F. A. Duck,
    Physical Properties of Tissue (1990). extra_db_cm_mhz: attenuation above the background's;
    slope: of its fibres, dy/dz.
    """

    level: float
    texture: int = PLAIN
    speed: float = 1570.0
    density: float = 1060.0
    absorption: float = 0.5
    extra_db_cm_mhz: float = 0.0
    slope: float = 0.0


# Materials that every anatomy has, by number; an anatomy's own follow.
OUTSIDE, FASCIA, BLOOD, INTIMA, MEDIA, ADVENTITIA = range(6)
COMMON = (
    Material(0.0, speed=1500.0, density=1000.0, absorption=0.002),  # outside: gel
    Material(3.0, speed=1613.0, density=1120.0, absorption=1.2),  # fascia and septa
    Material(0.03, speed=1570.0, density=1060.0, absorption=0.15),  # blood
    Material(2.6),  # intima
    Material(0.25),  # media
    Material(3.0),  # adventitia
)

SKIN = Material(1.6, speed=1610.0, density=1100.0, absorption=1.2)
FAT = Material(0.45, LOBULES, 1450.0, 950.0, 0.5)
MUSCLE = Material(0.8, FIBRES, 1580.0, 1050.0, 0.6)
BONE = Material(0.04, PLAIN, 2800.0, 1800.0, 6.0, BONE_DB_CM_MHZ)
CORTEX = Material(6.0, PLAIN, 2800.0, 1900.0, 6.0, BONE_DB_CM_MHZ)

# Walls of arteries and of veins: thickness (mm) and its increase per mm of radius, then the depths
# at which intima and media end, as shares of the thickness.
WALLS = ((0.12, 0.20, 0.22, 0.60), (0.10, 0.06, 0.40, 0.40))
