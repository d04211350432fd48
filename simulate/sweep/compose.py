"""One sweep of a data set, a pure function of (spec, index): draw its scene, then render it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from benchmark.geometry import apply, image_centre, norm, path_length
from benchmark.sweep import Channel, Sweep
from simulate.bmode.contact import LINES, hanging_mm, loss_db, sample_losses, touching
from simulate.bmode.render import (
    beam_for,
    image_from_iq,
    iq_mm_from_sample,
    render_bmode,
    render_iq,
)
from simulate.bmode.screen import draw_screen, show
from simulate.bmode.settings import NEVER_MM
from simulate.doppler.pulses import pulse_times
from simulate.doppler.render import render_doppler
from simulate.photoacoustic.control import kwave_control
from simulate.photoacoustic.grid import photoacoustic_mm_from_pixel
from simulate.photoacoustic.render import render_photoacoustic
from simulate.probe.acquisition import gain_changes, laser_times
from simulate.probe.inertial import measure_inertial
from simulate.probe.pose_sensor import calibration_error, measure_poses
from simulate.spec import Spec
from simulate.spec.factors import level_of
from simulate.spec.plan import SweepPlan, plan_sweeps
from simulate.sweep.landmarks import visible_landmarks
from simulate.sweep.scene import Scene, draw_scene


def make_sweep(spec: Spec, index: int, entropy: int | None = None) -> Sweep:
    """Return sweep `index` of a data set: the same on any machine, whichever others are made.

    entropy: used in place of the spec's seed for sweeps that nobody else may draw again.
    """
    return compose_sweep(spec, plan_sweeps(spec)[index], entropy)


def compose_sweep(spec: Spec, plan: SweepPlan, entropy: int | None = None) -> Sweep:
    """Return one planned sweep of a data set; see `make_sweep`."""
    return render_sweep(spec, draw_scene(spec, plan, entropy))


def render_sweep(spec: Spec, scene: Scene) -> Sweep:
    """Return the sweep of a drawn scene; `spec` is that of its data set, with nothing drawn."""
    factors = _factors(spec, scene)
    channels = _bmode_channels(scene)
    if scene.plan.showcase:
        channels["pa"], control = _photoacoustic_channel(scene)
        factors |= {"kwave_control": control} if control else {}
        channels |= _doppler_channels(scene) if scene.spec.showcase.doppler else {}
    imu = None
    if scene.spec.imu.rate_hz:
        duration = scene.spec.acquisition.duration_s
        imu = measure_inertial(scene.stream("imu"), scene.spec.imu, scene.pose_at, duration)
    bmode, moving = channels["bmode"], scene.tissue_motion
    return Sweep(
        name=scene.plan.name,
        channels=channels,
        landmarks=visible_landmarks(
            scene.tissue.landmarks_mm,
            scene.trajectory,
            bmode.mm_from_pixel,
            bmode.frames.shape[1:],
            scene.times,
            None if moving is None else moving.displacement,
            bmode.mask,
        ),
        probe=scene.spec.canonical("probe"),
        factors=factors,
        imu=imu,
    )


def _bmode_channels(scene: Scene) -> dict[str, Channel]:
    """Return the B-mode channel, and the channel of its IQ where the spec stores it."""
    spec, lines = scene.spec, scene.line_poses
    poses = scene.trajectory if lines is None else lines
    gain_db = gain_changes(scene.stream("gain"), spec.acquisition, scene.times)
    moving = scene.tissue_motion
    common: dict[str, Any] = {
        "seed": scene.seed("noise"),
        "threads": 1,
        "timestamps": scene.times,
        "displacement": None if moving is None else moving.displacement,
        "contact": _contact(scene),
        "machine_seed": scene.seed("machine"),
    }
    channels: dict[str, Channel] = {}
    if spec.bmode.store_iq:
        beam = beam_for(scene.tissue, spec.probe, spec.bmode)
        iq = render_iq(scene.tissue, spec.probe, spec.bmode, poses, **common)
        frames = image_from_iq(iq, spec.probe, spec.bmode, beam, gain_db)
        matrix = iq_mm_from_sample(beam)
        channels["iq"] = Channel(iq, scene.times, matrix, world_from_image=scene.trajectory)
    else:
        common["gain_db"] = gain_db
        frames = render_bmode(scene.tissue, spec.probe, spec.bmode, poses, **common)
    screen = draw_screen(scene.stream("overlay"), spec.probe, spec.screen)
    show(frames, scene.times, spec.acquisition.frame_rate_hz, spec.bmode, screen)
    channels["bmode"] = Channel(
        frames,
        scene.times,
        spec.probe.mm_from_pixel,
        mask=screen.mask,
        world_from_image=scene.trajectory,
        measured=_measured(scene),
        line_world_from_image=lines,
    )
    return channels


def _contact(scene: Scene) -> np.ndarray | None:
    """Return the amplitude (N, LINES) that contact leaves of the echoes of each line of a frame."""
    spec, settings = scene.spec, scene.spec.contact
    contact = np.ones((len(scene.times), LINES))
    if settings.losses:
        losses = sample_losses(scene.stream("contact"), settings, spec.acquisition.duration_s)
        contact *= 10.0 ** (-loss_db(losses, settings.loss_db, scene.times, LINES) / 20.0)
    if settings.indent_mm < NEVER_MM:
        below = scene.tissue.depth_below_skin_mm
        hanging = hanging_mm(spec.probe, scene.trajectory, below)
        contact *= touching(hanging, settings.indent_mm + spec.motion.gel_mm)
    return None if (contact == 1.0).all() else contact


def _measured(scene: Scene) -> dict[str, np.ndarray]:
    """Return the poses (N, 4, 4) that the pose sensor measures, by its kind; empty without one."""
    settings = scene.spec.pose_sensor
    if settings.kind == "none":
        return {}
    calibration = calibration_error(scene.calibration_stream(), settings)
    found = measure_poses(
        scene.stream("pose_sensor"), settings, scene.pose_at, scene.times, calibration
    )
    return {settings.kind: found}


def _photoacoustic_channel(scene: Scene) -> tuple[Channel, dict[str, Any]]:
    """Return the photoacoustic channel of a sweep, at the laser's times and their own poses.

    With it, the comparison of some of its frames with k-Wave's where the spec asks for that; see
    `simulate.photoacoustic.control`.
    """
    spec, settings, moving = scene.spec, scene.spec.photoacoustic, scene.tissue_motion
    displacement = None if moving is None else moving.displacement
    times = laser_times(spec.acquisition, settings.frames_per_second, spec.showcase.frames)
    wavelength = np.resize(np.asarray(settings.wavelengths_nm, float), len(times))
    pulses = settings.pulses_averaged
    offsets = ((np.arange(pulses) + 0.5) / pulses - 0.5) / settings.frames_per_second
    instants = np.clip((times[:, None] + offsets).ravel(), 0.0, spec.acquisition.duration_s)
    pulse_poses = scene.pose_at(instants).reshape(len(times), pulses, 4, 4)
    frames = render_photoacoustic(
        scene.tissue, spec.probe, settings, pulse_poses, wavelength,
        seed=scene.seed("laser"), displacement=displacement, times_s=instants,
    )  # fmt: skip
    control: dict[str, Any] = {}
    if spec.showcase.control_frames and scene.plan.controlled:
        chosen = np.linspace(0, len(times) - 1, spec.showcase.control_frames).round().astype(int)
        control = kwave_control(
            scene.tissue, spec.probe, settings, pulse_poses[chosen, 0], wavelength[chosen],
            displacement=displacement, times_s=instants.reshape(len(times), pulses)[chosen, 0],
        )  # fmt: skip
    channel = Channel(
        frames,
        times,
        photoacoustic_mm_from_pixel(spec.probe, settings),
        wavelength,
        world_from_image=scene.pose_at(times),
    )
    return channel, control


def _doppler_channels(scene: Scene) -> dict[str, Channel]:
    """Return the channels of power and velocity of blood, at times and poses of their own."""
    spec, moving, settings, phase = scene.spec, scene.tissue_motion, scene.spec.doppler, 0.0
    if moving is not None and moving.pulse_mm:  # blood pulsates with the arteries' walls
        settings = replace(settings, flow=replace(settings.flow, heart_hz=moving.pulse_hz))
        phase = moving.pulse_phase
    times = laser_times(spec.acquisition, settings.frames_per_second, spec.showcase.frames)
    poses, instants = scene.pose_at(times), pulse_times(times, settings)
    found = render_doppler(
        scene.tissue, spec.probe, settings, spec.bmode,
        scene.pose_at(instants.ravel()).reshape(*instants.shape, 4, 4), times,
        seed=scene.seed("doppler"),
        displacement=None if moving is None else moving.displacement, beat_phase=phase,
    )  # fmt: skip
    matrix = spec.probe.mm_from_pixel
    return {
        name: Channel(frames, times, matrix, world_from_image=poses)
        for name, frames in zip(("doppler", "doppler-velocity"), found, strict=True)
    }


def _factors(spec: Spec, scene: Scene) -> dict[str, Any]:
    """Return the facts by which results are broken down; lengths are of the image centre's path."""
    probe, plan, trajectory = scene.spec.probe, scene.plan, scene.trajectory
    shape = (probe.height_px, probe.width_px)
    centre = apply(trajectory, image_centre(probe.mm_from_pixel, shape)[None])[:, 0]
    factors = {
        "spec": spec.name,
        "spec_hash": spec.hash,
        "seed": spec.seed,
        "index": plan.index,
        "subject": plan.subject,
        "profile": plan.profile,
        "orientation": plan.orientation,
        "direction": "retreat" if scene.motion.backwards else "advance",
        "path_mm": round(path_length(centre), 6),
        "net_mm": round(float(norm(centre[-1] - centre[0])), 6),
    }
    if (spec.stress.factors or spec.vary.groups) and plan.split == "test":
        changed = plan.factor or plan.held_out or "none"
        factors |= {"factor": changed, "severity": plan.severity or int(bool(plan.held_out))}
        factors |= {"level": level_of(plan.factor, plan.severity)}
    return factors | {f"vary.{key}": value for key, value in scene.drawn.items()}
