"""One sweep of a data set as a pure function of (spec, index)."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from benchmark.geometry import apply
from benchmark.sweep import Channel, Sweep
from simulate.acquisition import frame_times, laser_times, visible_landmarks
from simulate.motion import poses, sample_motion
from simulate.phantom import Tissue, sample_tissue
from simulate.spec import Spec, plain
from simulate.trajectory import Trajectory

SUBJECT_STREAM = 2**31  # spawn keys of subjects stand apart from those of sweeps


@dataclass(frozen=True)
class SweepPlan:
    """What is settled about a sweep before anything is drawn."""

    index: int
    name: str
    split: str
    subject: str
    subject_index: int
    profile: str
    orientation: str
    showcase: bool


def plan_sweeps(spec: Spec) -> tuple[SweepPlan, ...]:
    """Return the plan of every sweep of a data set, in order.

    Within a split, profiles change from sweep to sweep and orientations from round to round, so
    that each split has as many of each as can be.
    """
    plans: list[SweepPlan] = []
    subject_index = 0
    profiles, orientations = spec.motion.profiles, spec.motion.orientations
    for split in ("train", "val", "test"):
        for number in range(getattr(spec.subjects, split)):
            subject = f"{split}-{number:03d}"
            for repeat in range(spec.subjects.sweeps):
                place = number * spec.subjects.sweeps + repeat
                profile = profiles[place % len(profiles)]
                orientation = orientations[place // len(profiles) % len(orientations)]
                name = f"{subject}-{repeat}-{profile}-{orientation}"
                showcase = split == "test" and place < spec.showcase.sweeps
                choices = (subject, subject_index, profile, orientation, showcase)
                plans.append(SweepPlan(len(plans), name, split, *choices))
            subject_index += 1
    return tuple(plans)


def subject_tissue(spec: Spec, subject_index: int) -> Tissue:
    """Return the tissue of a subject: the same for all of its sweeps."""
    sequence = np.random.SeedSequence(spec.seed, spawn_key=(SUBJECT_STREAM, subject_index))
    return sample_tissue(np.random.default_rng(sequence), spec.tissue)


def make_sweep(spec: Spec, index: int) -> Sweep:
    """Return sweep `index` of a data set: the same whatever else is made, and wherever."""
    from simulate.bmode import render_bmode

    plan = plan_sweeps(spec)[index]
    tissue = subject_tissue(spec, plan.subject_index)
    sequence = np.random.SeedSequence(spec.seed, spawn_key=(index,))
    hand, clock, noise, laser = (np.random.default_rng(child) for child in sequence.spawn(4))
    motion = sample_motion(
        plan.profile, hand, spec.motion, plan.orientation, spec.acquisition.duration_s
    )
    times = frame_times(clock, spec.acquisition)
    trajectory = poses(plan.profile, times, motion, tissue.skin_surface)
    frames = render_bmode(
        tissue, spec.probe, spec.bmode, trajectory, seed=int(noise.integers(2**63)), threads=1
    )
    mm_from_pixel = spec.probe.mm_from_pixel
    channels = {"bmode": Channel(frames, times, mm_from_pixel, world_from_image=trajectory)}
    if plan.showcase:
        channels["pa"] = _photoacoustic_channel(spec, plan, tissue, motion, laser)
    return Sweep(
        name=plan.name,
        channels=channels,
        landmarks=visible_landmarks(
            tissue.landmarks_mm, trajectory, mm_from_pixel, frames.shape[1:]
        ),
        probe=plain(asdict(spec.probe)),
        factors=_factors(spec, plan, motion, trajectory),
    )


def _photoacoustic_channel(
    spec: Spec,
    plan: SweepPlan,
    tissue: Tissue,
    motion: Trajectory,
    rng: np.random.Generator,
) -> Channel:
    """Return the photoacoustic frames of a sweep, at the laser's times and their own poses."""
    from simulate.photoacoustic import photoacoustic_mm_from_pixel, render_photoacoustic

    settings = spec.photoacoustic
    times = laser_times(spec.acquisition, settings.frames_per_second, spec.showcase.frames)
    wavelength = np.resize(np.asarray(settings.wavelengths_nm, float), len(times))
    pulses = settings.pulses_averaged
    offsets = ((np.arange(pulses) + 0.5) / pulses - 0.5) / settings.frames_per_second
    instants = np.clip((times[:, None] + offsets).ravel(), 0.0, spec.acquisition.duration_s)
    pulse_poses = poses(plan.profile, instants, motion, tissue.skin_surface)
    frames = render_photoacoustic(
        tissue, spec.probe, settings, pulse_poses.reshape(len(times), pulses, 4, 4), wavelength,
        seed=int(rng.integers(2**63)),
    )  # fmt: skip
    return Channel(
        frames,
        times,
        photoacoustic_mm_from_pixel(spec.probe, settings),
        wavelength,
        world_from_image=poses(plan.profile, times, motion, tissue.skin_surface),
    )


def _factors(
    spec: Spec, plan: SweepPlan, motion: Trajectory, trajectory: np.ndarray
) -> dict[str, Any]:
    """Return what a result may be broken down by; lengths of the image centre's path in mm."""
    centre = apply(
        trajectory @ spec.probe.mm_from_pixel,
        np.array([[(spec.probe.width_px - 1) / 2, (spec.probe.height_px - 1) / 2, 0.0]]),
    )[:, 0]
    return {
        "spec": spec.name,
        "spec_hash": spec.hash,
        "seed": spec.seed,
        "index": plan.index,
        "subject": plan.subject,
        "profile": plan.profile,
        "orientation": plan.orientation,
        "direction": "retreat" if motion.backwards else "advance",
        "path_mm": round(float(np.linalg.norm(np.diff(centre, axis=0), axis=1).sum()), 6),
        "net_mm": round(float(np.linalg.norm(centre[-1] - centre[0])), 6),
    }
