"""What a data set says about itself: its card, its size, and what it costs to make."""

import json
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmark.dataset import SPLITS, Dataset
from simulate.acquisition import laser_times
from simulate.beam import scatterer_density
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
    subjects = spec.subjects
    sweeps = (subjects.train + subjects.val + subjects.test) * subjects.sweeps
    frames = sweeps * spec.acquisition.frames
    laser = laser_times(
        spec.acquisition, spec.photoacoustic.frames_per_second, spec.showcase.frames
    )
    showcase = len(laser) * spec.showcase.sweeps
    probe, light = spec.probe, image_probe(spec.probe, spec.photoacoustic)
    pixels = frames * probe.width_px * probe.height_px
    pixels += 4 * showcase * light.width_px * light.height_px
    seconds = START_S + _bmode_seconds(spec, sweeps, frames)
    if showcase:
        grid = plan_grid(probe, spec.photoacoustic)
        nodes = float(np.prod(grid.shape)) * grid.steps
        seconds += showcase * nodes * PER_NODE_STEP_S[spec.photoacoustic.engine]
    return Size(sweeps, frames, showcase, pixels / 1e6, seconds)


def _bmode_seconds(spec: Spec, sweeps: int, frames: int) -> float:
    probe = spec.probe
    density = scatterer_density(probe, spec.bmode.scatterers_per_cell)
    area = probe.width_mm * (probe.depth_mm - probe.start_depth_mm)
    beam = 5.5 * float(np.mean(probe.sigma_elevation_mm(probe.row_depths_mm)))
    drawn = density * area * (beam + float(np.mean(spec.motion.path_length_mm)))
    per_frame = PER_FRAME_S + density * area * beam * PER_SLAB_SCATTERER_S
    return frames * per_frame + sweeps * drawn * PER_DRAWN_SCATTERER_S


def describe(spec: Spec) -> str:
    """Return what `show` prints: every field of a spec, its identity, size and cost."""
    lines = [f"{spec.name}: {spec.description}", ""]
    for key, value in spec.to_dict().items():
        if isinstance(value, dict):
            lines.append(f"[{key}]")
            lines += [f"{name} = {_toml(item)}" for name, item in value.items()]
            lines.append("")
        elif key != "description":
            lines.append(f"{key} = {_toml(value)}")
    size = size_of(spec)
    lines += [
        f"hash      {spec.hash}",
        f"size      {size.sweeps} sweeps, {size.frames} B-mode and {size.photoacoustic_frames} "
        f"photoacoustic frames, {size.megabytes:.1f} MB",
        f"speckle   {spec.probe.pixels_per_lateral_fwhm():.1f} pixels per narrowest lateral FWHM",
        f"cost      about {size.seconds:.0f} s of one core",
    ]
    return "\n".join(lines)


def _toml(value: Any) -> str:
    """Return a value as TOML writes it; what is derived (None) is said to be."""
    if value is None:
        return '"derived from the probe"'
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{k} = {_toml(v)}" for k, v in value.items()) + " }"
    return json.dumps(value)


def dataset_card(spec: Spec, dataset: Dataset) -> str:
    """Return the README of a data set (Markdown)."""
    rows = []
    for split in SPLITS:
        chosen = [entry for entry in dataset.entries if entry.split == split]
        subjects = len({entry.subject for entry in chosen})
        frames = sum(entry.frames for entry in chosen)
        lengths = [entry.factors["path_mm"] for entry in chosen] or [0.0]
        rows.append(
            f"| {split} | {subjects} | {len(chosen)} | {frames} | "
            f"{min(lengths):.1f} to {max(lengths):.1f} |"
        )
    probe = spec.probe
    pixel_x, pixel_y = probe.pixel_mm
    ways = {
        "advance": "Every sweep advances along the positive axis of travel.",
        "retreat": "Every sweep retreats along the axis of travel.",
        "both": "Sweeps go either way; the sign of an elevational step is not in two frames.",
    }
    return "\n".join([
        f"# {spec.name}",
        "",
        spec.description,
        "",
        "Simulated freehand ultrasound: the poses are exact, not measured. Made by",
        f"`python -m simulate generate {spec.name}`, which gives the same bytes again with the",
        "library versions in `dataset.json`.",
        "",
        "| split | subjects | sweeps | frames | path of the image centre, mm |",
        "|---|---|---|---|---|",
        *rows,
        "",
        f"- Frames: {probe.height_px} x {probe.width_px} pixels of {pixel_y:.3f} x {pixel_x:.3f}"
        f" mm, {spec.acquisition.frame_rate_hz:g} per second, uint8.",
        f"- Probe: {probe.name}, {probe.centre_frequency_hz / 1e6:g} MHz, elevational beam"
        f" {float(probe.sigma_elevation_mm(np.array(probe.elevation_focus_mm))):.2f} mm (sigma) at"
        f" its focus of {probe.elevation_focus_mm:g} mm.",
        f"- Motion: {', '.join(spec.motion.profiles)}; image plane"
        f" {' and '.join(spec.motion.orientations)} to the path. {ways[spec.motion.direction]}",
        f"- Photoacoustic frames: in {spec.showcase.sweeps} sweeps of the test split, engine"
        f" {spec.photoacoustic.engine}.",
        "- `truth/`: the vessel tree of each subject, world mm.",
        f"- Identity: spec hash `{spec.hash}`, content hash `{dataset.hash}`.",
        "",
    ])  # fmt: skip
