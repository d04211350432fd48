"""Bodies (bones, tendons, balls) and septa of an anatomy: plain records and rows of arrays.

The compiled code reads bodies as an array (B, 19) and septa as an array (Q, 9), one row each. The
columns are the fields in their order; `BODY` and `SEPTUM` give the column of each field by name.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Body(NamedTuple):
    """An ellipse about a centreline that runs along z; tapered, or closed to an ellipsoid.

    With `below` the depth below the skin, the centreline at z is

        x(z)     = x + x_slope z + x_wave sin(wave_number z + x_phase)
        below(z) = depth + depth_slope z + depth_wave sin(wave_number z + depth_phase)

    and the semi-axes are `across` and `high` times (1 + taper z), the first turned by `angle` (rad)
    from x towards depth. `half_length` is the semi-axis along z about z = `middle`, infinite for a
    tube. Lengths mm, slopes mm/mm, wave_number rad/mm, phases rad, taper 1/mm. `material` fills it,
    and `shell_material` its outermost `shell` mm. `mirror`: strength of its surface as a reflector.
    """

    x: float
    depth: float
    across: float
    high: float
    material: int
    x_slope: float = 0.0
    x_wave: float = 0.0
    wave_number: float = 0.0
    x_phase: float = 0.0
    depth_slope: float = 0.0
    depth_wave: float = 0.0
    depth_phase: float = 0.0
    half_length: float = math.inf
    middle: float = 0.0
    angle: float = 0.0
    taper: float = 0.0
    shell: float = 0.0
    shell_material: int = 0
    mirror: float = 0.0


class Septum(NamedTuple):
    """A thin sheet that stands in one layer and runs along z.

    At a depth `below` the skin (mm) it lies at

        x = x + tilt (below - depth) + slope z + wave sin(wave_number z + phase)

    with lengths in mm, wave_number in rad/mm and phase in rad. `layer` is the number of the layer
    that it divides.
    """

    layer: int
    x: float
    tilt: float
    depth: float
    slope: float
    wave: float
    wave_number: float
    phase: float
    half_thickness: float


BODY = Body(*range(len(Body._fields)))
SEPTUM = Septum(*range(len(Septum._fields)))


def body_rows(bodies: list[Body]) -> NDArray[np.float64]:
    """Return bodies as the array (B, 19) that the compiled code reads."""
    return np.array(bodies, np.float64).reshape(-1, len(BODY))


def septum_rows(septa: list[Septum]) -> NDArray[np.float64]:
    """Return septa as the array (Q, 9) that the compiled code reads."""
    return np.array(septa, np.float64).reshape(-1, len(SEPTUM))
