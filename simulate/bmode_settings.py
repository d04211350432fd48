"""How B-mode frames are made, apart from the engine so that a spec loads without numba."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

from benchmark.errors import UserError

NO_NOISE_DB = -200.0  # at or below this noise level, none is added


@dataclass(frozen=True)
class BmodeSettings:
    """How B-mode frames are made; one table of a spec.

    Parameters
    ----------
    scatterers_per_cell
        Per resolution cell (product of the three -6 dB widths) where that cell is smallest.
    dynamic_range_db, white_db, gain_db
        Gray 255 is `white_db - gain_db` above the rms echo of the reference tissue, gray 0
        `dynamic_range_db` below that.
    noise_db, noise_depth_mm
        Electronic noise relative to the rms echo of the reference tissue at that depth; -200 or
        less for none.
    time_gain_compensation
        Undo the mean loss and spreading with depth, which raises the noise with depth.
    """

    scatterers_per_cell: float = 10.0
    dynamic_range_db: float = 60.0
    white_db: float = 25.0
    gain_db: float = 0.0
    noise_db: float = -40.0
    noise_depth_mm: float = 20.0
    time_gain_compensation: bool = True

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if not math.isfinite(value):
                raise UserError(f"bmode.{field.name}: expected a finite number, got {value!r}")
        for key in ("scatterers_per_cell", "dynamic_range_db", "noise_depth_mm"):
            if getattr(self, key) <= 0:
                raise UserError(f"bmode.{key}: expected more than 0, got {getattr(self, key)!r}")
