"""TODO."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    pass


class Body(NamedTuple):
    """An ellipse about a centreline that runs along z; see `anatomy_texture.body_reach`.

    Lengths mm, z along the limb, depth below the skin. `half_length` closes it to an ellipsoid
    about z = `middle`. `mirror`: strength of its surface as a reflector.
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

    def row(self) -> list[float]:
        """Return the numbers that the compiled code reads."""
        return [
            self.x, self.x_slope, self.x_wave, self.wave_number, self.x_phase,
            self.depth, self.depth_slope, self.depth_wave, self.depth_phase,
            self.across, self.high, self.half_length, self.middle, self.angle, self.taper,
            self.material, self.shell, self.shell_material, self.mirror,
        ]  # fmt: skip


class Septum(NamedTuple):
    """A thin sheet across one layer; see `anatomy_texture.septum_x`."""

    layer: int
    x: float
    tilt: float
    depth: float
    slope: float
    wave: float
    wave_number: float
    phase: float
    half_thickness: float
