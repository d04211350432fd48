"""Settings of photoacoustic frames, and the computing grid that follows from them."""

from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from benchmark.errors import UserError
from simulate import acoustics, optics, receiver
from simulate.acoustics import AcousticGrid
from simulate.optics import Illumination
from simulate.probe.transducer import Probe
from simulate.receiver import ReceiveBand

Array = NDArray[np.floating]

# Just below k-Wave's stability limits; the propagator has none, but is sampled alike, so that
# frames of both engines differ by the engines alone.
_CFL = {2: 0.44, 3: 0.36}
SIDE_CELLS = 12  # nodes beyond image and array, over which the source falls to zero
FRONT_CELLS = 8  # nodes before the probe face: room for the source's Gaussian


@dataclass(frozen=True)
class PhotoacousticSettings:
    """How photoacoustic frames are made; every None is derived from the probe.

    Parameters
    ----------
    engine : "propagator" (exact, homogeneous) or "kwave".
    dimensions : 2 or 3 of the acoustic computation.
    wavelengths_nm : of the laser, in turn from frame to frame.
    frames_per_second, pulses_averaged : the laser's frame rate, and pulses per frame.
    medium : "homogeneous" (the probe's sound speed), or "heterogeneous" (k-Wave only).
    band_hz : -6 dB edges of the receiving band; None: the probe's own, one way.
    cells_per_wavelength, spacing_mm : of the grid, at the upper band edge; spacing_mm wins.
    cfl, steps : time step as cells of travel, and number of samples.
    grid_width_mm, grid_depth_mm : extent of the grid.
    elevation_samples : planes of the elevational mean (2D).
    noise_pa : rms noise of an element within its band, Pa, of one pulse.
    reconstruction : "delay-and-sum" or "line" (k-space).
    f_number, apodisation, coherence_factor : of delay-and-sum.
    skin_search_mm, skin_reject_mm : where the skin is sought, and how far below it is muted (0: not
        at all).
    width_px, height_px : image grid over the probe's field of view; None: the probe's.
    kwave_backend, kwave_device, kwave_fast_fft : see `simulate.kwave.sensor_rows`.
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
            optics.blood_absorption_per_cm(wavelength)
        for key in ("f_number", "frames_per_second", "pulses_averaged", "elevation_samples",
                    "cells_per_wavelength", "spacing_mm", "cfl", "steps", "grid_width_mm",
                    "grid_depth_mm", "width_px", "height_px"):  # fmt: skip
            value = getattr(self, key)
            if value is not None and not value > 0:
                raise UserError(f"photoacoustic.{key}: expected more than 0, got {value}")
        if self.noise_pa < 0:
            raise UserError(f"photoacoustic.noise_pa: expected >= 0, got {self.noise_pa}")


def image_probe(probe: Probe, settings: PhotoacousticSettings) -> Probe:
    """Return the probe with the pixel grid of its photoacoustic image."""
    return replace(
        probe,
        width_px=settings.width_px or probe.width_px,
        height_px=settings.height_px or probe.height_px,
    )


def photoacoustic_mm_from_pixel(probe: Probe, settings: PhotoacousticSettings) -> Array:
    """Return (4, 4): (column, row, 0, 1) of a photoacoustic image to image mm."""
    return image_probe(probe, settings).mm_from_pixel


def receive_band(probe: Probe, settings: PhotoacousticSettings) -> ReceiveBand:
    """Return the band of the settings, or else of the probe."""
    if settings.band_hz is None:
        return receiver.photoacoustic_band(probe)
    return ReceiveBand(*settings.band_hz)


def plan_grid(
    probe: Probe,
    settings: PhotoacousticSettings,
    *,
    slowest_m_s: float | None = None,
    fastest_m_s: float | None = None,
) -> AcousticGrid:
    """Return the smallest grid that carries the band and holds array, image and travel time.

    `slowest_m_s`, `fastest_m_s` bound a heterogeneous medium; None: the probe's speed. UserError
    where the settings ask for too coarse, too small, unstable or too short.
    """
    slowest = slowest_m_s or probe.sound_speed_m_s
    fastest = fastest_m_s or probe.sound_speed_m_s
    band = receive_band(probe, settings)
    spacing = settings.spacing_mm
    if spacing is None:
        spacing = 1e3 * slowest / (settings.cells_per_wavelength * band.high_hz)
    name = f"probe '{probe.name}', band {band.low_hz / 1e6:.3g} to {band.high_hz / 1e6:.3g} MHz"
    acoustics.check_band(name, spacing, band.high_hz, slowest)
    half = 0.5 * max(probe.width_mm, probe.elements * probe.pitch_mm)
    side = SIDE_CELLS * spacing
    shape, first = _extent(probe, settings, band, spacing, half + side)
    cfl = settings.cfl or _CFL[settings.dimensions]
    time_step = cfl * spacing * 1e-3 / fastest
    pulse = 3 / (2 * np.pi * band.sigma_hz)
    needed = 1e-3 * _longest_path_mm(probe, settings) / slowest + pulse
    steps = settings.steps or int(np.ceil(needed / time_step)) + 1
    grid = AcousticGrid(spacing, shape, first, FRONT_CELLS, time_step, steps)
    lower, upper = (0.0, -half), (probe.depth_mm, half)
    acoustics.check_inside(
        replace(grid, shape=shape[:2], first_mm=first[:2]), "array and image", lower, upper
    )
    acoustics.check_duration(grid, needed)
    if settings.engine == "kwave":
        acoustics.check_time_step(grid, fastest)
    else:
        acoustics.check_sampling(grid, band.high_hz, fastest)
    return grid


def _extent(
    probe: Probe,
    settings: PhotoacousticSettings,
    band: ReceiveBand,
    spacing: float,
    half_width: float,
) -> tuple[tuple[int, ...], tuple[float, ...]]:
    """Return node counts (even) and first coordinates, axial, lateral and in 3D elevation."""
    width = settings.grid_width_mm or 2 * half_width
    depth = settings.grid_depth_mm or probe.depth_mm + SIDE_CELLS * spacing
    axial = acoustics.friendly_size(int(np.ceil(depth / spacing)) + 1 + FRONT_CELLS)
    lateral = acoustics.friendly_size(int(np.ceil(width / spacing)) + 1)
    shape: tuple[int, ...] = (axial, lateral)
    if settings.grid_depth_mm or settings.grid_width_mm:  # asked for: exactly so
        shape = (int(depth / spacing) + 1 + FRONT_CELLS, int(width / spacing) + 1)
        shape = tuple(n + n % 2 for n in shape)
    first: tuple[float, ...] = (-FRONT_CELLS * spacing, -0.5 * (shape[1] - 1) * spacing)
    if settings.dimensions == 3:
        rows = np.linspace(max(probe.start_depth_mm, 1.0), probe.depth_mm, 16)
        sigma = probe.sigma_elevation_oneway_mm(rows, band.centre_hz, band.sigma_hz)
        beam = 2.5 * float(np.max(sigma))
        reach = max(beam, 0.5 * probe.element_height_mm) + SIDE_CELLS * spacing
        nodes = acoustics.friendly_size(int(np.ceil(2 * reach / spacing)) + 1)
        shape, first = (*shape, nodes), (*first, -0.5 * (nodes - 1) * spacing)
    return shape, first


def _longest_path_mm(probe: Probe, settings: PhotoacousticSettings) -> float:
    """Return the longest way from a pixel to an element that listens to it."""
    across = 0.5 * (probe.width_mm + probe.elements * probe.pitch_mm)
    if settings.reconstruction == "delay-and-sum":
        across = min(across, 0.5 * probe.depth_mm / settings.f_number)
    return float(np.hypot(probe.depth_mm, across))
