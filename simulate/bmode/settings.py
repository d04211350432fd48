"""The tables `bmode` and `contact` of a spec."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from benchmark.errors import UserError

NO_NOISE_DB = -200.0  # at or below this level there is no noise
SPECKLE_REDUCTIONS = ("none", "median", "bilateral")


@dataclass(frozen=True)
class BmodeSettings:
    """How B-mode frames are made; one table of a spec.

    Parameters
    ----------
    scatterers_per_cell
        Number in a resolution cell (product of the three -6 dB widths) where it is smallest.
    depth_adaptive
        Give larger resolution cells no more scatterers than that; cheaper where the beam is wide.
    dynamic_range_db, white_db, gain_db
        Gray 255 is `white_db - gain_db` above the rms echo of the reference tissue, gray 0
        `dynamic_range_db` below that.
    noise_db, noise_depth_mm
        Electronic noise relative to the rms echo of the reference tissue at that depth; -200 or
        less for none. The depth may lie below the image if there is an echo from it.
    time_gain_compensation
        Undo the mean loss and spreading with depth, which raises the noise with depth.
    shadows
        Attenuation varies in space: shadows behind bone and air, enhancement behind fluid.
    line_time_s, lines
        Time from one scan line to the next, and number of lines in a frame; with a time of 0 a
        frame is taken at one instant.
    speckle_reduction, speckle_reduction_px
        Filter of the compressed image, one of none, median, bilateral, and its width in pixels
        (odd).
    store_iq
        Whether a sweep also keeps its beamformed complex IQ, as a channel of its own.
    """

    scatterers_per_cell: float = 10.0
    depth_adaptive: bool = False
    dynamic_range_db: float = 60.0
    white_db: float = 25.0
    gain_db: float = 0.0
    noise_db: float = -40.0
    noise_depth_mm: float = 20.0
    time_gain_compensation: bool = True
    shadows: bool = False
    line_time_s: float = 0.0
    lines: int = 128
    speckle_reduction: str = "none"
    speckle_reduction_px: int = 5
    store_iq: bool = False

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name != "speckle_reduction" and not math.isfinite(value):
                raise UserError(f"bmode.{field.name}: expected a finite number, got {value!r}")
        for key in ("scatterers_per_cell", "dynamic_range_db", "noise_depth_mm"):
            if getattr(self, key) <= 0:
                raise UserError(f"bmode.{key}: expected more than 0, got {getattr(self, key)!r}")
        if self.line_time_s < 0:
            raise UserError(f"bmode.line_time_s: expected 0 or more, got {self.line_time_s!r}")
        if self.lines < 2:
            raise UserError(f"bmode.lines: expected 2 or more, got {self.lines!r}")
        if self.speckle_reduction not in SPECKLE_REDUCTIONS:
            raise UserError(
                f"bmode.speckle_reduction: expected one of {', '.join(SPECKLE_REDUCTIONS)}, got "
                f"{self.speckle_reduction!r}"
            )
        if self.speckle_reduction_px < 3 or self.speckle_reduction_px % 2 == 0:
            raise UserError(
                "bmode.speckle_reduction_px: expected an odd number of 3 or more, got "
                f"{self.speckle_reduction_px!r}"
            )

    @property
    def noise_level_db(self) -> float:
        """`noise_db`, or minus infinity where that stands for no noise."""
        return self.noise_db if self.noise_db > NO_NOISE_DB else -math.inf

    def line_times(self, timestamps: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the times (N, lines) s of the lines of frames; `timestamps` (N,) at mid-frame."""
        offset = np.arange(self.lines) - 0.5 * (self.lines - 1)
        return np.asarray(timestamps, np.float64)[:, None] + self.line_time_s * offset


@dataclass(frozen=True)
class ContactSettings:
    """How often and how far contact is lost; the `contact` table of a spec.

    Parameters
    ----------
    losses
        Number per sweep.
    seconds, share
        Longest duration of a loss and its largest share of the image's width; both are drawn
        between half of it and all of it.
    loss_db
        Decibels by which the lines below are darker.
    """

    losses: int = 0
    seconds: float = 0.8
    share: float = 0.4
    loss_db: float = 30.0

    def __post_init__(self) -> None:
        for item in fields(self):
            value = getattr(self, item.name)
            if not 0 <= value < np.inf:
                raise UserError(f"contact.{item.name}: expected at least 0, got {value}")
        if self.share > 1:
            raise UserError(f"contact.share: expected at most 1, got {self.share}")
