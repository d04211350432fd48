"""How large a data set is, what it costs to make, and whether this machine can."""

import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmark.errors import UserError
from simulate.acquisition import laser_times
from simulate.beam import ELEVATION_CUT, scatterer_density
from simulate.design import plan_sweeps
from simulate.factors import at_level
from simulate.photoacoustic_plan import image_probe, plan_grid
from simulate.spec import Spec

# Seconds of one core, measured on a virtual core of a 2.5 GHz server: per B-mode frame and per
# scatterer in its slab, per scatterer drawn, per node and step of a photoacoustic grid, and what
# every run costs to start.
PER_FRAME_S = 5e-4
PER_SLAB_SCATTERER_S = 1.6e-8
PER_DRAWN_SCATTERER_S = 3e-7
PER_NODE_STEP_S = {"kwave": 4e-8, "propagator": 8e-10}
START_S = 6.0

# Bytes of a worker: libraries and kernels; blocks kept for later; per scatterer, with the padding
# of cells and the blocks that a slab only touches.
PROCESS_BYTES = 250e6
KEPT_BYTES = 256e6
PER_SCATTERER_BYTES = 16 * 1.13 * 1.6
MEMORY_INFO = Path("/proc/meminfo")
CONTAINER_LIMIT = Path("/sys/fs/cgroup/memory.max")
GROUP_FRAMES = 16  # whose scatterers are held together


@dataclass(frozen=True)
class Size:
    """How large a data set is: sweeps, frames, MB on disk; about how many seconds of one core."""

    sweeps: int
    frames: int
    photoacoustic_frames: int
    megabytes: float
    seconds: float


def size_of(spec: Spec) -> Size:
    """Return the size of a data set and an estimate of what it costs to make."""
    plans = plan_sweeps(spec)
    variants = Counter((plan.factor, plan.severity) for plan in plans)
    frames, seconds = 0, START_S
    for (factor, severity), sweeps in variants.items():
        local = at_level(spec, factor, severity)
        frames += sweeps * local.acquisition.frames
        seconds += sweeps * _bmode_seconds(local)
    laser = laser_times(
        spec.acquisition, spec.photoacoustic.frames_per_second, spec.showcase.frames
    )
    shown = len(laser) * sum(plan.showcase for plan in plans)
    probe, light = spec.probe, image_probe(spec.probe, spec.photoacoustic)
    pixels = frames * probe.width_px * probe.height_px
    pixels += 4 * shown * light.width_px * light.height_px
    if shown:
        grid = plan_grid(probe, spec.photoacoustic)
        nodes = float(np.prod(grid.shape)) * grid.steps
        seconds += shown * nodes * PER_NODE_STEP_S[spec.photoacoustic.engine]
        seconds += spec.showcase.control_frames * nodes * PER_NODE_STEP_S["kwave"]
    return Size(len(plans), frames, shown, pixels / 1e6, seconds)


def _slab(spec: Spec) -> tuple[float, float, float]:
    """Return scatterers per mm^3, area of the image mm^2, and mean thickness of the beam mm."""
    probe = spec.probe
    density = scatterer_density(probe, spec.bmode.scatterers_per_cell)
    area = probe.width_mm * (probe.depth_mm - probe.start_depth_mm)
    depths = np.maximum(probe.row_depths_mm, 0.0)
    beam = 2.0 * ELEVATION_CUT * float(np.mean(probe.sigma_elevation_mm(depths)))
    return density, area, beam


def _bmode_seconds(spec: Spec) -> float:
    """Return the seconds of one sweep."""
    density, area, beam = _slab(spec)
    drawn = density * area * (beam + float(np.mean(spec.motion.path_length_mm)))
    per_frame = PER_FRAME_S + density * area * beam * PER_SLAB_SCATTERER_S
    return spec.acquisition.frames * per_frame + drawn * PER_DRAWN_SCATTERER_S


def memory_bytes(spec: Spec) -> float:
    """Return about how much memory one process needs for the most demanding sweep."""
    conditions = [(f, s) for f in spec.stress.factors for s in spec.stress.severities]
    return max(_memory(at_level(spec, *chosen)) for chosen in [("", 0), *conditions])


def _memory(spec: Spec) -> float:
    density, area, beam = _slab(spec)
    step = spec.motion.path_length_mm[1] / spec.acquisition.frames
    held = density * area * (beam + GROUP_FRAMES * step) * PER_SCATTERER_BYTES
    images = spec.acquisition.frames * spec.probe.width_px * spec.probe.height_px
    return PROCESS_BYTES + max(KEPT_BYTES, held) + 2.0 * images


def available_bytes() -> float:
    """Return how much memory there is left, on this machine or in this container."""
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

    Raises
    ------
    UserError : with the key that would have to be smaller, and what would fit.
    """
    free = available_bytes() if available is None else available
    needed = memory_bytes(spec)
    if needed * processes <= free:
        return
    fixed = PROCESS_BYTES + 2.0 * spec.acquisition.frames * (
        spec.probe.width_px * spec.probe.height_px
    )
    share = (free / processes - fixed) / max(needed - fixed, 1.0)
    if needed <= free:
        raise UserError(
            f"workers: expected at most {int(free / needed)}, as each needs about "
            f"{needed / 1e9:.2g} GB of the {free / 1e9:.2g} GB there are, got {processes}"
        )
    most = max(0.0, share) * spec.bmode.scatterers_per_cell
    raise UserError(
        f"bmode.scatterers_per_cell: expected at most {most:.2g}, for the {free / 1e9:.2g} GB of "
        f"memory there are, got {spec.bmode.scatterers_per_cell:g}, which needs {needed / 1e9:.2g} "
        "GB in each process"
    )
