"""The tables `photoacoustic` and `photoacoustic.illumination` of a spec."""

from dataclasses import dataclass, field
from typing import Literal

from benchmark.errors import UserError
from simulate.photoacoustic.absorption import blood_absorption_per_cm


@dataclass(frozen=True)
class Illumination:
    """The laser pulse and the bulk of the tissue; the `photoacoustic.illumination` table of a spec.

    Parameters
    ----------
    kind
        "wide": a beam much wider than the image is deep, whose fluence depends on depth alone;
        "sides": two bars of light beside the probe, parallel to its lateral axis.
    surface_fluence_mj_cm2
        Pulse energy per area that enters the skin. The fluence below it is up to six times as much,
        because light is scattered back and forth.
    bulk_absorption_per_cm
        Absorption on the light's way, the same at all wavelengths, less than the reduced
        scattering.
    scattering_500nm_per_cm, scattering_power
        a and b of the reduced scattering a (wavelength / 500 nm)^-b; by default the mean of soft
        tissue in S. L. Jacques, Phys. Med. Biol. 58 (2013) R37, table 2.
    background_absorption_per_cm
        Absorption of all tissue, which therefore emits sound everywhere.
    grueneisen
        Grüneisen parameter: pressure over absorbed energy per volume.
    bar_offset_mm, bar_length_mm, bar_width_mm
        Distance of each bar of light from the image plane, and its size.
    """

    kind: Literal["wide", "sides"] = "wide"
    surface_fluence_mj_cm2: float = 10.0
    bulk_absorption_per_cm: float = 0.2
    scattering_500nm_per_cm: float = 18.9
    scattering_power: float = 1.286
    background_absorption_per_cm: float = 0.05
    grueneisen: float = 0.2
    bar_offset_mm: float = 6.0
    bar_length_mm: float = 38.0
    bar_width_mm: float = 2.0

    def __post_init__(self) -> None:
        if self.kind not in ("wide", "sides"):
            raise UserError(f"illumination.kind: expected 'wide' or 'sides', got '{self.kind}'")
        for key in ("surface_fluence_mj_cm2", "scattering_500nm_per_cm", "grueneisen"):
            if not getattr(self, key) > 0:
                raise UserError(f"illumination.{key}: expected > 0, got {getattr(self, key)}")
        for key in ("bulk_absorption_per_cm", "background_absorption_per_cm"):
            if not getattr(self, key) >= 0:
                raise UserError(f"illumination.{key}: expected >= 0, got {getattr(self, key)}")
        scattering = self.scattering_500nm_per_cm * 1.8**-self.scattering_power  # at 900 nm
        if self.bulk_absorption_per_cm >= scattering:
            raise UserError(
                "illumination.bulk_absorption_per_cm: expected less than the reduced scattering "
                f"({scattering:.3g} 1/cm at 900 nm), where light diffuses, got "
                f"{self.bulk_absorption_per_cm}"
            )


@dataclass(frozen=True)
class PhotoacousticSettings:
    """How photoacoustic frames are made; the `photoacoustic` table of a spec.

    A value of None is derived from the probe.

    Parameters
    ----------
    engine
        "propagator" (exact, homogeneous) or "kwave".
    dimensions
        Of the acoustic computation, 2 or 3.
    wavelengths_nm
        Of the laser, in turn from frame to frame.
    frames_per_second, pulses_averaged
        Frame rate, and laser pulses averaged in a frame.
    medium
        "homogeneous" (the probe's sound speed), or "heterogeneous" (k-Wave only).
    band_hz
        -6 dB edges of the receiving band; without it the probe's own, one way.
    cells_per_wavelength, spacing_mm
        Of the grid: the former at the upper band edge, ignored where the spacing is given.
    cfl, steps
        Cells that sound travels in a time step, and number of samples.
    grid_width_mm, grid_depth_mm
        Extent of the grid.
    elevation_samples
        Planes over which the source is averaged in elevation (2D).
    illumination
        The laser pulse and the bulk of the tissue.
    noise_pa
        Root mean square noise of an element within its band, of one pulse.
    reconstruction
        "delay-and-sum" or "line" (k-space).
    f_number, apodisation, coherence_factor
        Of delay-and-sum.
    skin_search_mm, skin_reject_mm
        Depth down to which the skin is sought, and depth below the skin down to which the image is
        muted (0: not at all).
    width_px, height_px
        Image grid over the probe's field of view; without them the probe's.
    kwave_backend, kwave_device, kwave_fast_fft
        See `simulate.photoacoustic.kwave.sensor_rows`.
    """

    engine: Literal["kwave", "propagator"] = "propagator"
    dimensions: int = 2
    wavelengths_nm: tuple[int, ...] = (800,)
    frames_per_second: float = 10.0
    pulses_averaged: int = 1
    medium: Literal["homogeneous", "heterogeneous"] = "homogeneous"
    band_hz: tuple[float, float] | None = None
    cells_per_wavelength: float = 4.0
    spacing_mm: float | None = None
    cfl: float | None = None
    steps: int | None = None
    grid_width_mm: float | None = None
    grid_depth_mm: float | None = None
    elevation_samples: int = 9
    illumination: Illumination = field(default_factory=Illumination)
    noise_pa: float = 0.0
    reconstruction: Literal["delay-and-sum", "line"] = "delay-and-sum"
    f_number: float = 1.0
    apodisation: Literal["boxcar", "hann"] = "hann"
    coherence_factor: bool = False
    skin_search_mm: float = 3.0
    skin_reject_mm: float = 0.0
    width_px: int | None = None
    height_px: int | None = None
    kwave_backend: Literal["python", "cpp"] = "python"
    kwave_device: Literal["cpu", "gpu"] = "cpu"
    kwave_fast_fft: bool = True

    def __post_init__(self) -> None:
        choices = {
            "engine": ("kwave", "propagator"),
            "dimensions": (2, 3),
            "medium": ("homogeneous", "heterogeneous"),
            "reconstruction": ("delay-and-sum", "line"),
            "apodisation": ("boxcar", "hann"),
        }
        for key, allowed in choices.items():
            if getattr(self, key) not in allowed:
                raise UserError(
                    f"photoacoustic.{key}: expected one of {allowed}, got {getattr(self, key)!r}"
                )
        if self.medium == "heterogeneous" and self.engine != "kwave":
            raise UserError(
                "photoacoustic.medium: 'heterogeneous' needs engine 'kwave', got 'propagator'"
            )
        if not self.wavelengths_nm:
            raise UserError("photoacoustic.wavelengths_nm: expected at least one wavelength")
        for wavelength in self.wavelengths_nm:
            blood_absorption_per_cm(wavelength)
        for key in ("f_number", "frames_per_second", "pulses_averaged", "elevation_samples",
                    "cells_per_wavelength", "spacing_mm", "cfl", "steps", "grid_width_mm",
                    "grid_depth_mm", "width_px", "height_px"):  # fmt: skip
            value = getattr(self, key)
            if value is not None and not value > 0:
                raise UserError(f"photoacoustic.{key}: expected more than 0, got {value}")
        if self.noise_pa < 0:
            raise UserError(f"photoacoustic.noise_pa: expected >= 0, got {self.noise_pa}")
