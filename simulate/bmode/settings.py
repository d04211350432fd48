"""The tables `bmode`, `contact` and `screen` of a spec."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmark.errors import UserError

SILENT_DB = -200.0  # at or below this level there is nothing: no noise, no reverberation
SPECKLE_REDUCTIONS = ("none", "median", "bilateral")
STRONG_DB = 20.0  # above the reference tissue: the layer that `reverberation_db` is about
NEVER_MM = 1000.0  # of `contact.indent_mm`: no face hangs so far off the skin
MOST_BLACK = 0.9  # share of a side that may be black


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
    reverberation_db
        Multiples between face and tissue: the first multiple of a flat layer whose echo is
        STRONG_DB above the rms echo of the reference tissue, relative to that echo, both before
        gain compensation and without the attenuation of the second way
        (`simulate.bmode.reverberation`); -200 or less for none, as with the next two.
    clutter_db
        Diffuse clutter from beside each line, relative to the echo of tissue that is alike all
        around (`simulate.bmode.clutter`).
    ring_down_db, ring_down_mm
        Ringing of the face, a fixed pattern, relative to the rms echo of the reference tissue at
        depth 0, and the depth over which its amplitude falls by e.
    persistence
        Share of the frame shown before in each shown frame, 0 for none.
    lateral_blur_px
        Standard deviation of a Gaussian blur of the shown image along its rows; 0 for none.
    gamma
        Exponent of the grey curve, 255 (g / 255)^gamma; above 1 it darkens, 1 changes nothing.
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
    reverberation_db: float = SILENT_DB
    clutter_db: float = SILENT_DB
    ring_down_db: float = SILENT_DB
    ring_down_mm: float = 1.5
    persistence: float = 0.0
    lateral_blur_px: float = 0.0
    gamma: float = 1.0
    store_iq: bool = False

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name != "speckle_reduction" and not math.isfinite(value):
                raise UserError(f"bmode.{field.name}: expected a finite number, got {value!r}")
        for key in ("scatterers_per_cell", "dynamic_range_db", "noise_depth_mm", "ring_down_mm"):
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
        _refuse_outside(self, "bmode", _BMODE_RANGES)

    @property
    def noise_level_db(self) -> float:
        """`noise_db`, or minus infinity where that stands for no noise."""
        return self.noise_db if self.noise_db > SILENT_DB else -math.inf

    @property
    def single_scattering(self) -> BmodeSettings:
        """The settings without reverberation, clutter and ringing."""
        return replace(
            self, reverberation_db=SILENT_DB, clutter_db=SILENT_DB, ring_down_db=SILENT_DB
        )

    def line_times(self, timestamps: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the times (N, lines) s of the lines of frames; `timestamps` (N,) at mid-frame."""
        offset = np.arange(self.lines) - 0.5 * (self.lines - 1)
        return np.asarray(timestamps, np.float64)[:, None] + self.line_time_s * offset


@dataclass(frozen=True)
class ContactSettings:
    """Where the face has no contact with the skin; the `contact` table of a spec.

    Parameters
    ----------
    losses
        Number per sweep of losses that come and go.
    seconds, share
        Longest duration of a loss and its largest share of the image's width; both are drawn
        between half of it and all of it.
    loss_db
        Decibels by which the echoes of such lines are weaker.
    indent_mm
        How far the skin gives way. Lines whose face hangs farther off the skin than this and the
        gel of `motion.gel_mm`, compared with the line that is pressed in deepest, show no tissue;
        NEVER_MM for none.
    """

    losses: int = 0
    seconds: float = 0.8
    share: float = 0.4
    loss_db: float = 30.0
    indent_mm: float = NEVER_MM

    def __post_init__(self) -> None:
        for item in fields(self):
            value = getattr(self, item.name)
            if not 0 <= value < np.inf:
                raise UserError(f"contact.{item.name}: expected at least 0, got {value}")
        if self.share > 1:
            raise UserError(f"contact.share: expected at most 1, got {self.share}")


@dataclass(frozen=True)
class ScreenSettings:
    """What a machine's screen cuts from the image and writes over it; the `screen` table of a spec.

    Parameters
    ----------
    black_left, black_right, black_top, black_bottom
        Shares of the image's width or height that are black.
    sector_deg
        Opening of a sector that is cut from what is left, as wide as that at its bottom; 0 for
        none.
    overlay
        How much is written over the image, 0 (nothing) to 1: a scale of depth, lines of text, a
        logo, a grey bar.
    """

    black_left: float = 0.0
    black_right: float = 0.0
    black_top: float = 0.0
    black_bottom: float = 0.0
    sector_deg: float = 0.0
    overlay: float = 0.0

    def __post_init__(self) -> None:
        _refuse_outside(self, "screen", dict.fromkeys(_BLACK, (0.0, MOST_BLACK)))
        for one, other in (("black_left", "black_right"), ("black_top", "black_bottom")):
            both = getattr(self, one) + getattr(self, other)
            if both > MOST_BLACK:
                raise UserError(
                    f"screen.{other}: expected at most {MOST_BLACK:g} with screen.{one}, got "
                    f"{both:g} together"
                )
        if self.sector_deg != 0.0:
            _refuse_outside(self, "screen", {"sector_deg": (10.0, 170.0)}, "0 or ")
        _refuse_outside(self, "screen", {"overlay": (0.0, 1.0)})


_BLACK = ("black_left", "black_right", "black_top", "black_bottom")
_BMODE_RANGES = {
    "reverberation_db": (-math.inf, 0.0),
    "clutter_db": (-math.inf, 0.0),
    "ring_down_db": (-math.inf, 80.0),
    "persistence": (0.0, 0.95),
    "lateral_blur_px": (0.0, 20.0),
    "gamma": (0.2, 5.0),
}


def _refuse_outside(
    table: Any, name: str, ranges: Mapping[str, tuple[float, float]], besides: str = ""
) -> None:
    """Refuse values of a table outside of [low, high], by key; `besides` says what else may be."""
    for key, (low, high) in ranges.items():
        value = getattr(table, key)
        if not low <= value <= high:
            bound = f"{low:g} to {high:g}" if math.isfinite(low) else f"at most {high:g}"
            raise UserError(f"{name}.{key}: expected {besides}{bound}, got {value!r}")
