"""Estimates of a data set's size, time and memory, and a check against this machine's memory."""

import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmark.errors import UserError
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

# Bytes of a worker: libraries and kernels; blocks kept for later frames; per scatterer, with the
# padding of cells and of blocks and with the blocks that a slab only touches. The last two are
# doubled because an array is copied when it grows.
PROCESS_BYTES = 250e6
KEPT_BYTES = 2 * 256e6
PER_SCATTERER_BYTES = 2 * 16 * 1.3 * 1.6
MEMORY_INFO = Path("/proc/meminfo")
CONTAINER_LIMIT = Path("/sys/fs/cgroup/memory.max")
GROUP_FRAMES = 16  # whose scatterers are held together
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
        stored += sweeps * _iq_bytes(local)
        seconds += sweeps * _bmode_seconds(local)
    laser = laser_times(
        spec.acquisition, spec.photoacoustic.frames_per_second, spec.showcase.frames
    )
    showcases = sum(plan.showcase for plan in plans)
    shown, flow = len(laser) * showcases, _doppler_frames(spec) * showcases
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


def _doppler_frames(spec: Spec) -> int:
    """Return how many Doppler frames a showcase sweep has."""
    if not spec.showcase.doppler:
        return 0
    rate = spec.doppler.frames_per_second
    return len(laser_times(spec.acquisition, rate, spec.showcase.frames))


def _iq_samples(spec: Spec) -> int:
    """Return the number of IQ samples of one frame."""
    beam = sampled_beam(
        spec.probe, spec.tissue.attenuation_db_cm_mhz, 1.0, side_lobes=spec.bmode.side_lobes
    )
    return len(beam.grid.depths_mm) * len(beam.grid.lateral)


def _iq_bytes(spec: Spec) -> int:
    """Return the bytes of the IQ that one sweep stores."""
    return IQ_BYTES * spec.acquisition.frames * _iq_samples(spec) if spec.bmode.store_iq else 0


def _slab(spec: Spec) -> tuple[float, float, float]:
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
    density, area, beam = _slab(spec)
    drawn = density * area * (beam + float(np.mean(spec.motion.path_length_mm)))
    per_frame = PER_FRAME_S + density * area * beam * PER_SLAB_SCATTERER_S
    if spec.bmode.shadows:
        per_frame += PER_SHADED_PIXEL_S * spec.probe.width_px * spec.probe.height_px
    return spec.acquisition.frames * per_frame + drawn * PER_DRAWN_SCATTERER_S


def _doppler_seconds(spec: Spec) -> float:
    """Return the seconds of one Doppler frame: a B-mode frame per pulse, of a thicker slab."""
    density, area, beam = _slab(spec)
    slab = density * area * beam * DOPPLER_SLAB
    return spec.doppler.pulses * (PER_FRAME_S + slab * PER_SLAB_SCATTERER_S)


def memory_bytes(spec: Spec) -> float:
    """Return an estimate of the memory that one process needs for the most demanding sweep."""
    conditions = [(f, s) for f in spec.stress.factors for s in spec.stress.severities]
    return max(_memory(at_level(spec, *chosen)) for chosen in [("", 0), *conditions])


def _memory(spec: Spec) -> float:
    density, area, beam = _slab(spec)
    step = spec.motion.path_length_mm[1] / spec.acquisition.frames
    held = density * area * (beam + GROUP_FRAMES * step) * PER_SCATTERER_BYTES
    return PROCESS_BYTES + max(KEPT_BYTES, held) + _channel_bytes(spec)


def _channel_bytes(spec: Spec) -> float:
    """Return the bytes of a sweep's images, IQ and Doppler frames: all but its scatterers."""
    image = spec.probe.width_px * spec.probe.height_px
    total = 2.0 * spec.acquisition.frames * image + _iq_bytes(spec)
    if spec.showcase.sweeps and spec.showcase.doppler:
        from simulate.doppler.ensemble import MEMORY_BYTES

        ensemble = IQ_BYTES * spec.doppler.pulses * _iq_samples(spec)
        total += max(MEMORY_BYTES, ensemble) + DOPPLER_BYTES * _doppler_frames(spec) * image
    return total


def available_bytes() -> float:
    """Return the free memory of this machine or, if less, of this container."""
    free = float(os.sysconf("SC_PHYS_PAGES")) * os.sysconf("SC_PAGE_SIZE")
    for path, word in ((MEMORY_INFO, "MemAvailable:"), (CONTAINER_LIMIT, "")):
        try:
            lines = path.read_text().splitlines()
        except OSError:  # not Linux, or no container
            continue
        fields = next((line.split() for line in lines if line.startswith(word)), ["", ""])
        if word and fields[1].isdecimal():
            free = min(free, 1024.0 * int(fields[1]))
        elif fields[0].isdecimal():
            free = min(free, float(fields[0]))
    return free


def check_memory(spec: Spec, processes: int, available: float | None = None) -> None:
    """Refuse a spec whose frames need more memory than there is.

    available: bytes; by default `available_bytes()`.

    Raises
    ------
    UserError : not enough memory; names the key to lower and an estimate of a value that fits.
    """
    free = available_bytes() if available is None else available
    needed = memory_bytes(spec)
    if needed * processes <= free:
        return
    channels = _channel_bytes(spec)
    fixed = PROCESS_BYTES + channels
    share = (free / processes - fixed) / max(needed - fixed, 1.0)
    if needed <= free:
        raise UserError(
            f"workers: expected at most {int(free / needed)}, as each needs about "
            f"{needed / 1e9:.2g} GB of the {free / 1e9:.2g} GB there are, got {processes}"
        )
    if fixed + KEPT_BYTES > free:
        room = max(0.0, free - PROCESS_BYTES - KEPT_BYTES)
        raise UserError(
            f"acquisition.frames: expected at most {int(spec.acquisition.frames * room / channels)}"
            f", for the {free / 1e9:.2g} GB of memory there are, got {spec.acquisition.frames}, "
            f"which need {needed / 1e9:.2g} GB in each process"
        )
    most = max(0.0, share) * spec.bmode.scatterers_per_cell
    raise UserError(
        f"bmode.scatterers_per_cell: expected at most {most:.2g}, for the {free / 1e9:.2g} GB of "
        f"memory there are, got {spec.bmode.scatterers_per_cell:g}, which needs {needed / 1e9:.2g} "
        "GB in each process"
    )
