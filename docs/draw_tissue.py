"""Draw the pictures of docs/tissue.md and docs/physics.md: `python docs/draw_tissue.py [NAME ...]`.

Names: phantoms, sector, doppler, decorrelation; by default all.
"""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

from simulate.bmode.render import render_bmode
from simulate.bmode.settings import BmodeSettings
from simulate.dataset.decorrelation import decorrelation
from simulate.dataset.pictures import figure, save
from simulate.doppler.pulses import aliasing_speed_m_s, pulse_times
from simulate.doppler.render import render_doppler
from simulate.doppler.settings import DopplerSettings
from simulate.probe.transducer import Probe
from simulate.spec import load_spec
from simulate.spec.plan import plan_sweeps
from simulate.sweep.compose import render_sweep
from simulate.sweep.scene import Scene, draw_scene
from simulate.tissue.answers import Tissue
from simulate.tissue.kinds import sample_tissue
from simulate.tissue.settings import TissueSettings

IMAGES = Path(__file__).parent / "images"
SETTINGS = BmodeSettings(shadows=True)
LIMB = TissueSettings(coherent_fraction=0.15, specular=2.0)


def one_frame(
    tissue: Tissue, probe: Probe, settings: BmodeSettings, pose: np.ndarray
) -> np.ndarray:
    """Return the B-mode frame (H, W) at one pose."""
    return render_bmode(tissue, probe, settings, pose[None], seed=1, threads=2)[0]


def resting(tissue: Tissue, along_mm: float) -> np.ndarray:
    """Return the pose of a probe that looks straight down from the skin."""
    pose = np.eye(4)
    pose[2, 3] = along_mm
    height, _ = tissue.skin_surface(np.zeros(1), np.full(1, along_mm))
    pose[1, 3] = height[0]
    return pose


def show(axis, image: np.ndarray, probe: Probe, title: str) -> None:
    """Show a B-mode frame in mm."""
    x, low, high = 0.5 * probe.width_mm, probe.depth_mm, probe.start_depth_mm
    axis.imshow(image, cmap="gray", vmin=0, vmax=255, extent=(-x, x, low, high))
    axis.set_title(title, fontsize=8)
    axis.tick_params(labelsize=6)


def middle(scene: Scene) -> np.ndarray:
    """Return the pose in the middle of a sweep."""
    return scene.pose_at(np.array([0.5 * scene.spec.acquisition.duration_s]))[0]


def draw_phantoms() -> None:
    """Draw a frame of each kind of tissue, the limbs along as well."""
    drawing, axes = figure(8.0, 5.4, nrows=2, ncols=3)
    plain = Probe()
    kinds = (("uniform", 8.0), ("inclusions", 20.0), ("layered", 8.0))
    for axis, (kind, place) in zip(axes[0], kinds, strict=True):
        tissue = sample_tissue(np.random.default_rng(4), replace(LIMB, kind=kind))
        show(axis, one_frame(tissue, plain, SETTINGS, resting(tissue, place)), plain, kind)
    named = (("forearm-v2", 0, "forearm"), ("forearm-v2", 1, "forearm, plane along it"),
             ("carotid-v2", 0, "carotid"))  # fmt: skip
    for axis, (name, index, title) in zip(axes[1], named, strict=True):
        scene = draw_scene(load_spec(name), plan_sweeps(load_spec(name))[index])
        spec = scene.spec
        title = f"{title} ({scene.plan.orientation})" if "plane" in title else title
        frame = one_frame(scene.tissue, spec.probe, spec.bmode, middle(scene))
        show(axis, frame, spec.probe, title)
    save(drawing, IMAGES / "phantoms.png", dpi=80, colours=24)


def draw_sector() -> None:
    """Draw a frame of the convex probe, whose ends hang off the skin."""
    spec = load_spec("tusrec-like-v2")
    scene = draw_scene(spec, plan_sweeps(spec)[0])
    halfway = replace(scene, times=scene.times[len(scene.times) // 2 :][:1])
    frame = render_sweep(spec, halfway).bmode.frames[0]
    drawing, axis = figure(5.0, 3.8)
    show(axis, np.asarray(frame), spec.probe, "tusrec-like-v2: convex, 6 MHz, 83 dB")
    save(drawing, IMAGES / "sector.png", dpi=90, colours=24)


def draw_doppler() -> None:
    """Draw B-mode, power and colour of one place of a forearm, with the probe moving on."""
    spec = load_spec("forearm-v2")
    scene = draw_scene(spec, plan_sweeps(spec)[0])
    probe, chosen = spec.probe, DopplerSettings()
    times = np.array([0.5 * spec.acquisition.duration_s])
    instants = pulse_times(times, chosen)
    poses = scene.pose_at(instants.ravel()).reshape(*instants.shape, 4, 4)
    power, velocity = render_doppler(scene.tissue, probe, chosen, spec.bmode, poses, times, seed=1)
    image = one_frame(scene.tissue, probe, spec.bmode, middle(scene))
    drawing, axes = figure(8.4, 3.0, ncols=3)
    x = 0.5 * probe.width_mm
    extent = (-x, x, probe.depth_mm, probe.start_depth_mm)
    show(axes[0], image, probe, "B-mode")
    decibel = 10.0 * np.log10(np.maximum(power[0], 1e-9))
    shown = axes[1].imshow(decibel, cmap="hot", vmin=-45, vmax=-15, extent=extent)
    axes[1].set_title("power after the wall filter, dB", fontsize=8)
    drawing.colorbar(shown, ax=axes[1])
    limit = aliasing_speed_m_s(probe, chosen)
    show(axes[2], image, probe, "velocity, m/s, positive towards the probe")
    moving = np.ma.masked_where(velocity[0] == 0.0, velocity[0])
    shown = axes[2].imshow(moving, cmap="RdBu_r", vmin=-limit, vmax=limit, extent=extent)
    drawing.colorbar(shown, ax=axes[2])
    for axis in axes:
        axis.tick_params(labelsize=6)
    save(drawing, IMAGES / "doppler.png", dpi=80, colours=200)


def draw_decorrelation() -> None:
    """Draw the decorrelation of frames over distance in developed speckle and in a forearm."""
    forearm = load_spec("forearm-v2")
    uniform = replace(forearm, tissue=TissueSettings(kind="uniform"))
    drawing, axes = figure(8.0, 3.2, ncols=2, sharey=True)
    for axis, spec, name in zip(axes, (uniform, forearm), ("uniform", "forearm-v2"), strict=True):
        found = decorrelation(spec)
        print(name, found.table(), sep="\n")
        for number, depth in enumerate(found.depth_mm):
            colour, label = f"C{number}", f"{depth:.0f} mm deep"
            axis.plot(found.distance_mm, found.measured[number], colour, label=label)
            axis.plot(found.distance_mm, found.theory[number], colour, linestyle=":")
        axis.set(title=name, xlabel="elevational distance, mm", ylim=(-0.1, 1.02))
    axes[0].set_ylabel("correlation of intensity")
    axes[1].legend(fontsize=8)
    save(drawing, IMAGES / "decorrelation.png", dpi=80)


PICTURES = {
    "phantoms": draw_phantoms,
    "sector": draw_sector,
    "doppler": draw_doppler,
    "decorrelation": draw_decorrelation,
}

if __name__ == "__main__":
    for wanted in sys.argv[1:] or PICTURES:
        PICTURES[wanted]()
