"""The `probe` table of a spec: array, beam and image grid in one frozen record."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmark.beam.array import FWHM, ArrayBeam
from benchmark.errors import UserError

GEOMETRIES = ("linear", "curvilinear")
WIDEST_ARC = 2.4  # rad from end to end of a curvilinear face: `simulate.compiled.arctan` ends there

Array = NDArray[Any]  # float64


@dataclass(frozen=True)
class Probe(ArrayBeam):
    """An ultrasound probe and the grid of its images; the `probe` table of a spec.

    Image frame, mm: origin at the centre of the probe face, x along the array, y depth, z = x × y
    (elevation). The numbers of the array and its beam are those of `ArrayBeam`.

    Parameters
    ----------
    name
        Of the probe, for people.
    geometry
        "linear", or "curvilinear" for a convex face.
    width_px, height_px, width_mm, start_depth_mm, depth_mm
        Image grid. Pixel centres span `width_mm` in x, centred on the face, and
        `start_depth_mm` (first row) to `depth_mm` (last row) in y. The image of a curvilinear
        probe may start above its apex (negative), where the ends of its face are; it reaches to a
        range of `depth_mm` in every direction.
    """

    name: str = "linear-5MHz"
    geometry: str = "linear"
    width_px: int = 256
    height_px: int = 256
    width_mm: float = 38.0
    start_depth_mm: float = 0.0

    def __post_init__(self) -> None:
        self._refuse_unphysical_numbers()
        self._refuse_impossible_geometry()

    def _refuse_unphysical_numbers(self) -> None:
        may_be_zero = ("radius_mm", "start_depth_mm")
        below_zero = self.radius_mm if self.geometry == "curvilinear" else 0.0
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name in ("name", "geometry", "diffraction"):
                continue
            if isinstance(value, bool) or not isinstance(value, (int, float)):
                raise UserError(f"probe.{field.name}: expected a number, got {value!r}")
            smallest_fits = value >= 0 if field.name in may_be_zero else value > 0
            if field.name == "start_depth_mm" and value > -below_zero:
                smallest_fits = True
            if not (math.isfinite(value) and smallest_fits):
                bound = "0 or more" if field.name in may_be_zero else "more than 0"
                raise UserError(f"probe.{field.name}: expected {bound}, got {value!r}")
        if not isinstance(self.diffraction, bool):
            raise UserError(f"probe.diffraction: expected true or false, got {self.diffraction!r}")
        for key in ("elements", "width_px", "height_px"):
            value = getattr(self, key)
            if not isinstance(value, int) or value < 2:
                raise UserError(f"probe.{key}: expected an integer of 2 or more, got {value!r}")
        if self.fractional_bandwidth >= 2.0:
            raise UserError(
                "probe.fractional_bandwidth: expected less than 2 (the spectrum would reach "
                f"0 Hz), got {self.fractional_bandwidth}"
            )

    def _refuse_impossible_geometry(self) -> None:
        if self.geometry not in GEOMETRIES:
            raise UserError(
                f"probe.geometry: expected one of {', '.join(GEOMETRIES)}, got {self.geometry!r}"
            )
        if self.start_depth_mm >= self.depth_mm:
            raise UserError(
                f"probe.depth_mm: expected more than start_depth_mm = {self.start_depth_mm}, "
                f"got {self.depth_mm}"
            )
        lowest_hz = 1e3 * self.sound_speed_m_s / self.depth_mm
        if self.centre_frequency_hz < lowest_hz:
            raise UserError(
                f"probe.centre_frequency_hz: expected at least {lowest_hz:.3g} Hz, whose wave is "
                f"as long as depth_mm = {self.depth_mm:g}, got {self.centre_frequency_hz:g}"
            )
        if self.geometry == "linear":
            if self.radius_mm != 0.0:
                raise UserError(f"probe.radius_mm: expected 0 for linear, got {self.radius_mm}")
            if self.aperture_mm < self.width_mm:
                raise UserError(
                    f"probe.width_mm: expected at most the aperture, elements * pitch_mm = "
                    f"{self.aperture_mm:g}, got {self.width_mm:g}"
                )
        elif self.aperture_mm > WIDEST_ARC * self.radius_mm:
            raise UserError(
                f"probe.radius_mm: expected at least elements * pitch_mm / {WIDEST_ARC} = "
                f"{self.aperture_mm / WIDEST_ARC:g} for curvilinear (69 degrees to either side), "
                f"got {self.radius_mm:g}"
            )

    # ---- image grid

    @property
    def pixel_mm(self) -> tuple[float, float]:
        """Pixel spacing (x, y), mm."""
        return (
            self.width_mm / (self.width_px - 1),
            (self.depth_mm - self.start_depth_mm) / (self.height_px - 1),
        )

    @property
    def mm_from_pixel(self) -> Array:
        """(4, 4) float64: (column, row, 0, 1), first pixel's centre (0, 0), to image mm."""
        spacing_x, spacing_y = self.pixel_mm
        matrix = np.diag([spacing_x, spacing_y, 1.0, 1.0])
        matrix[0, 3] = -0.5 * self.width_mm
        matrix[1, 3] = self.start_depth_mm
        return matrix

    @property
    def row_depths_mm(self) -> Array:
        """(height_px,) depth of each image row, mm."""
        return np.linspace(self.start_depth_mm, self.depth_mm, self.height_px)

    def pixels_per_lateral_fwhm(self) -> float:
        """Return the number of columns per narrowest two-way lateral FWHM.

        Below 2 the image undersamples speckle.
        """
        return float(FWHM * self.sigma_lateral_mm(self.row_depths_mm).min() / self.pixel_mm[0])
