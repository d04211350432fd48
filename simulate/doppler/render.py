"""Power and colour Doppler: a slow-time ensemble of blood among moving tissue, filtered.

For each frame the probe fires pulses at a repetition frequency; `simulate.doppler.ensemble` makes
the IQ of tissue and blood at each of them. A wall filter removes the tissue. The lag-one
autocorrelation R_1 of the filtered ensemble gives the velocity (Kasai et al., IEEE TSU 32 (1985)
458): v = c PRF arg(R_1) / (4 pi f), positive towards the probe, f the local frequency.

Not modelled: lines fired one after the other (all pixels see a pulse at once, as with plane waves),
angle correction, and blood that turns round a bend within one ensemble.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from simulate.bmode.scan_conversion import polar_positions
from simulate.bmode.settings import BmodeSettings
from simulate.doppler.ensemble import EnsembleMaker
from simulate.doppler.pulses import pulse_poses, pulse_times
from simulate.doppler.settings import DopplerSettings, check_rate
from simulate.doppler.wall_filter import polynomial_filter, svd_filter
from simulate.iq.beam import Beam
from simulate.iq.echo import Echo
from simulate.probe.transducer import Probe
from simulate.tissue.answers import Displacement, Tissue

Array = NDArray[np.float64]
Complex = NDArray[np.complexfloating]


def render_doppler(
    tissue: Tissue,
    probe: Probe,
    settings: DopplerSettings,
    bmode_settings: BmodeSettings,
    world_from_image: Array,
    timestamps: Array,
    *,
    seed: int,
    displacement: Displacement | None = None,
    beat_phase: float = 0.0,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return power and velocity images of a sweep, on the probe's image grid.

    Parameters
    ----------
    tissue : its blood and everything that echoes.
    bmode_settings : density of scatterers, noise, gain compensation, shadows.
    world_from_image : (N, 4, 4) at mid-ensemble, mm, interpolated by screw motions; or
        (N, pulses, 4, 4), the exact poses at `pulse_times`.
    timestamps : (N,) s, rising.
    seed : of noise and blood.
    displacement : of tissue and blood as in `render_iq`; by default they are at rest.
    beat_phase : of the heart at time 0; 1 is one beat, of `settings.flow.heart_hz`.
    progress : called with (frames done, frames in all).

    Returns
    -------
    power : (N, H, W) float32 after the wall filter, relative to the reference tissue.
    velocity : (N, H, W) float32 m/s, positive towards the probe, 0 below the threshold of power.

    Raises
    ------
    UserError : see `check_rate`.
    """
    check_rate(probe, settings)
    times = np.asarray(timestamps, np.float64)
    poses = pulse_poses(np.asarray(world_from_image, np.float64), times, settings)
    instants = pulse_times(times, settings)
    maker = EnsembleMaker(tissue, probe, settings, bmode_settings, seed, displacement, beat_phase)
    imager = _Imager(probe, settings, bmode_settings, tissue.attenuation_db_cm_mhz, maker.beam)
    power = np.empty((len(times), probe.height_px, probe.width_px), np.float32)
    velocity = np.empty_like(power)
    for first in range(0, len(times), maker.batch):
        part = slice(first, min(first + maker.batch, len(times)))
        tissues = maker.tissue_iq(poses[part], instants[part], first)
        for frame, ensemble in enumerate(tissues, first):
            ensemble += maker.blood_iq(frame, instants[frame], poses[frame])
            power[frame], velocity[frame] = imager(filtered(ensemble, settings))
            if progress is not None:
                progress(frame + 1, len(times))
    return power, velocity


def filtered(ensemble: Complex, settings: DopplerSettings) -> Complex:
    """Return a slow-time ensemble (P, ...) after the wall filter."""
    if settings.wall_filter == "polynomial":
        return polynomial_filter(ensemble, settings.order)
    if settings.wall_filter == "svd":
        return svd_filter(ensemble, settings.order + 1)
    return ensemble


def autocorrelation(ensemble: Complex) -> tuple[Array, Complex]:
    """Return the mean power R_0 and the lag-one autocorrelation R_1 of an ensemble (P, ...)."""
    return (
        (np.abs(ensemble) ** 2).mean(0),
        (ensemble[1:] * ensemble[:-1].conj()).mean(0),
    )


class _Imager:
    """Makes power and velocity on the image grid from a filtered ensemble on the IQ grid."""

    def __init__(
        self,
        probe: Probe,
        settings: DopplerSettings,
        bmode: BmodeSettings,
        attenuation_db_cm_mhz: float,
        beam: Beam,
    ) -> None:
        self.probe, self.settings, self.bmode, self.beam = probe, settings, bmode, beam
        self.positions = self._pixel_positions()
        self.floor = self._noise_power(self.positions[3], attenuation_db_cm_mhz)

    def __call__(self, ensemble: Complex) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return power and velocity (H, W) of a filtered ensemble (P, rows, columns)."""
        from scipy.ndimage import gaussian_filter, map_coordinates

        sigma = self._smoothing()
        planes = []
        power, lag = autocorrelation(ensemble)
        for plane in (power, lag.real, lag.imag):
            smooth = gaussian_filter(plane.astype(np.float64), sigma, mode="nearest")
            planes.append(map_coordinates(smooth, self.positions[:2], order=1, mode="nearest"))
        seen = self.positions[2].astype(bool)
        power = np.where(seen, planes[0], 0.0)
        linear, bend = self.beam.carrier
        cycles_per_mm = linear + 2.0 * bend * self.positions[3]
        velocity = np.arctan2(planes[2], planes[1]) * self.settings.prf_hz
        velocity *= 1e-3 / (2.0 * np.pi * cycles_per_mm)
        shown = seen & (power > self.floor * 10.0 ** (self.settings.threshold_db / 10.0))
        return power.astype(np.float32), np.where(shown, velocity, 0.0).astype(np.float32)

    def _noise_power(self, depth_mm: Array, attenuation_db_cm_mhz: float) -> Array:
        """Return the electronic noise's power at depths after the wall filter, any shape."""
        bmode, settings = self.bmode, self.settings
        if bmode.noise_level_db == -math.inf:
            return np.zeros_like(depth_mm)
        power = np.full_like(depth_mm, 10.0 ** (bmode.noise_level_db / 10.0))
        if bmode.time_gain_compensation:
            echo = Echo(self.probe, attenuation_db_cm_mhz)
            here = echo.level(np.maximum(depth_mm, 0.0))
            power *= (echo.level(np.array(bmode.noise_depth_mm)) / here) ** 2
        if settings.wall_filter == "none":
            return power
        return power * (1.0 - (settings.order + 1) / settings.pulses)

    def _smoothing(self) -> tuple[float, float]:
        """Return the smoothing sigmas in rows and columns of the IQ grid."""
        grid = self.beam.grid
        column = grid.column_step
        if grid.radius_mm > 0.0:
            column *= grid.radius_mm + 0.5 * self.probe.depth_mm
        return self.settings.smooth_mm / grid.row_step, self.settings.smooth_mm / column

    def _pixel_positions(self) -> Array:
        """Return (4, H, W): IQ row and column of each pixel, whether it is seen, its depth (mm)."""
        grid, probe = self.beam.grid, self.probe
        first_row, first_column = grid.reduce_rows - 1, grid.reduce_columns - 1
        if probe.geometry == "curvilinear":
            row, column = polar_positions(probe, grid)
            seen = row >= 0.0
            row, column = np.maximum(row, 0.0) + first_row, np.maximum(column, 0.0) + first_column
            return np.stack([row, column, seen, grid.depths_mm[0] + grid.row_step * row])
        depth, x = np.meshgrid(
            probe.row_depths_mm, np.linspace(-0.5, 0.5, probe.width_px) * probe.width_mm,
            indexing="ij",
        )  # fmt: skip
        row = (depth - grid.depths_mm[0]) / grid.row_step
        column = (x - grid.lateral[0]) / grid.column_step
        return np.stack([row, column, np.ones_like(row), depth])
