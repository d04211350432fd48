"""Estimates of a data set's size and of the time that it takes."""

from collections import Counter
from dataclasses import dataclass

import numpy as np

from simulate.iq.beam import ELEVATION_CUT, sampled_beam, scatterer_density
from simulate.photoacoustic.grid import image_probe, plan_grid
from simulate.probe.acquisition import laser_times
from simulate.spec import Spec
from simulate.spec.factors import at_level
from simulate.spec.plan import plan_sweeps

# Seconds of one core, measured on a virtual core of a 2.5 GHz server: per B-mode frame, per
# scatterer in its slab and per pixel with shadows, per scatterer drawn, per node and step of a
# photoacoustic grid, and per run, to start. Fibres about double the number of scatterers, both
# drawn and rendered.
PER_FRAME_S = 5e-4
PER_SLAB_SCATTERER_S = 1.6e-8
PER_SHADED_PIXEL_S = 8e-8
PER_DRAWN_SCATTERER_S = 5e-7
WITH_FIBRES = 2.0
PER_NODE_STEP_S = {"kwave": 4e-8, "propagator": 8e-10}
START_S = 6.0

IQ_BYTES = 8  # of a complex sample
DOPPLER_BYTES = 8  # of a pixel of power and of velocity
DOPPLER_SLAB = 4.0 / 3.0  # times as thick as that of a B-mode frame


@dataclass(frozen=True)
class Size:
    """The size of a data set, and an estimate of the seconds of one core that it takes.

    frames : of B-mode; doppler_frames : pairs of power and velocity; megabytes : on disk, of all
        frames and of the IQ where that is stored.
    """

    sweeps: int
    frames: int
    photoacoustic_frames: int
    doppler_frames: int
    megabytes: float
    seconds: float


def size_of(spec: Spec) -> Size:
    """Return the size of a data set and an estimate of what it costs to make."""
    plans = plan_sweeps(spec)
    variants = Counter((plan.factor, plan.severity) for plan in plans)
    frames, stored, seconds = 0, 0, START_S
    for (factor, severity), sweeps in variants.items():
        local = at_level(spec, factor, severity)
        frames += sweeps * local.acquisition.frames
        stored += sweeps * iq_bytes(local)
        seconds += sweeps * _bmode_seconds(local)
    laser = laser_times(
        spec.acquisition, spec.photoacoustic.frames_per_second, spec.showcase.frames
    )
    showcases = sum(plan.showcase for plan in plans)
    shown, flow = len(laser) * showcases, doppler_frame_count(spec) * showcases
    probe, light = spec.probe, image_probe(spec.probe, spec.photoacoustic)
    stored += (frames + DOPPLER_BYTES * flow) * probe.width_px * probe.height_px
    stored += 4 * shown * light.width_px * light.height_px
    seconds += flow * _doppler_seconds(spec)
    if shown:
        grid = plan_grid(probe, spec.photoacoustic)
        nodes = float(np.prod(grid.shape)) * grid.steps
        seconds += shown * nodes * PER_NODE_STEP_S[spec.photoacoustic.engine]
        seconds += spec.showcase.control_frames * nodes * PER_NODE_STEP_S["kwave"]
    return Size(len(plans), frames, shown, flow, stored / 1e6, seconds)


def doppler_frame_count(spec: Spec) -> int:
    """Return how many Doppler frames a showcase sweep has."""
    if not spec.showcase.doppler:
        return 0
    rate = spec.doppler.frames_per_second
    return len(laser_times(spec.acquisition, rate, spec.showcase.frames))


def iq_samples(spec: Spec) -> int:
    """Return the number of IQ samples of one frame."""
    beam = sampled_beam(
        spec.probe, spec.tissue.attenuation_db_cm_mhz, 1.0, side_lobes=spec.bmode.side_lobes
    )
    return len(beam.grid.depths_mm) * len(beam.grid.lateral)


def iq_bytes(spec: Spec) -> int:
    """Return the bytes of the IQ that one sweep stores."""
    return IQ_BYTES * spec.acquisition.frames * iq_samples(spec) if spec.bmode.store_iq else 0


def slab_of(spec: Spec) -> tuple[float, float, float]:
    """Return scatterers per mm^3, fibres included, area of the image mm^2, and mean beam mm."""
    probe = spec.probe
    density = scatterer_density(probe, spec.bmode.scatterers_per_cell)
    density *= WITH_FIBRES if spec.tissue.coherent_fraction > 0.0 else 1.0
    area = probe.width_mm * (probe.depth_mm - probe.start_depth_mm)
    depths = np.maximum(probe.row_depths_mm, 0.0)
    beam = 2.0 * ELEVATION_CUT * float(np.mean(probe.sigma_elevation_mm(depths)))
    return density, area, beam


def _bmode_seconds(spec: Spec) -> float:
    """Return the seconds of the B-mode frames of one sweep."""
    density, area, beam = slab_of(spec)
    drawn = density * area * (beam + float(np.mean(spec.motion.path_length_mm)))
    per_frame = PER_FRAME_S + density * area * beam * PER_SLAB_SCATTERER_S
    if spec.bmode.shadows:
        per_frame += PER_SHADED_PIXEL_S * spec.probe.width_px * spec.probe.height_px
    return spec.acquisition.frames * per_frame + drawn * PER_DRAWN_SCATTERER_S


def _doppler_seconds(spec: Spec) -> float:
    """Return the seconds of one Doppler frame: a B-mode frame per pulse, of a thicker slab."""
    density, area, beam = slab_of(spec)
    slab = density * area * beam * DOPPLER_SLAB
    return spec.doppler.pulses * (PER_FRAME_S + slab * PER_SLAB_SCATTERER_S)
