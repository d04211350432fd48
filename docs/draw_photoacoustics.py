"""Draw the pictures of docs/photoacoustics.md: `python docs/draw_photoacoustics.py [NAME ...]`.

Names: frames, engines, limits; by default all. Prints how far the engines differ.
"""

import sys
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from simulate.bmode.render import render_bmode
from simulate.dataset.pictures import figure, save
from simulate.photoacoustic import optics
from simulate.photoacoustic.render import render_photoacoustic
from simulate.photoacoustic.settings import Illumination, PhotoacousticSettings
from simulate.probe.transducer import Probe
from simulate.spec import load_spec
from simulate.spec.plan import plan_sweeps
from simulate.sweep.scene import draw_scene
from simulate.tissue.answers import Absorber, Chromophores

IMAGES = Path(__file__).parent / "images"


@dataclass(frozen=True)
class Tubes:
    """Straight vessels of oxygenated blood (point, direction, radius) in clear tissue, y > 0."""

    tubes: tuple

    def depth_below_skin_mm(self, points_mm: np.ndarray) -> np.ndarray:
        """Return the depth (M,)."""
        return points_mm[:, 1]

    def chromophores(self, points_mm: np.ndarray) -> Chromophores:
        """Return blood in the tubes and nothing else."""
        blood = np.zeros(len(points_mm))
        for start, direction, radius in self.tubes:
            along = np.asarray(direction, float) / np.linalg.norm(direction)
            gap = np.cross(points_mm - np.asarray(start, float), along)
            blood[np.linalg.norm(gap, axis=1) < radius] = 1.0
        return Chromophores(blood, np.full(len(blood), 0.95), np.zeros(len(blood)))


class Pale:
    """A tissue whose skin has no melanin."""

    def __init__(self, tissue: Absorber) -> None:
        self.tissue = tissue
        self.depth_below_skin_mm, self.acoustics = tissue.depth_below_skin_mm, tissue.acoustics

    def chromophores(self, points_mm: np.ndarray) -> Chromophores:
        """Return blood alone."""
        found = self.tissue.chromophores(points_mm)
        return found._replace(melanin_fraction=np.zeros(len(points_mm)))


def rendered(
    tissue: Absorber, probe: Probe, settings: PhotoacousticSettings, pose: np.ndarray, nm: int = 800
) -> np.ndarray:
    """Return one photoacoustic frame (H, W), Pa."""
    return render_photoacoustic(tissue, probe, settings, pose[None], np.array([nm]), seed=1)[0]


def show(axis, image: np.ndarray, probe: Probe, title: str, **how):
    """Show an image in mm."""
    x = 0.5 * probe.width_mm
    extent = (-x, x, probe.depth_mm, probe.start_depth_mm)
    shown = axis.imshow(image, extent=extent, **how)
    axis.set_title(title, fontsize=8)
    axis.tick_params(labelsize=6)
    return shown


def decibels(image: np.ndarray, reference: float) -> np.ndarray:
    """Return 20 log10 of an envelope over a reference."""
    return 20.0 * np.log10(np.maximum(image, 1e-6 * reference) / reference)


def draw_frames() -> None:
    """Draw the B-mode frame of a forearm, its PA frames at 750 and 850 nm, and saturation."""
    spec = load_spec("forearm-v2")
    scene = draw_scene(spec, plan_sweeps(spec)[0])
    pose = scene.pose_at(np.array([0.4 * spec.acquisition.duration_s]))
    image = render_bmode(scene.tissue, spec.probe, spec.bmode, pose, seed=1, threads=2)[0]
    settings = spec.photoacoustic
    pair = [rendered(scene.tissue, spec.probe, settings, pose[0], nm) for nm in (750, 850)]
    most = max(frame.max() for frame in pair)
    drawing, axes = figure(9.0, 2.5, ncols=4, sharey=True)
    show(axes[0], image, spec.probe, "B-mode", cmap="gray", vmin=0, vmax=255)
    for axis, frame, nm in zip(axes[1:3], pair, (750, 850), strict=True):
        shown = show(axis, decibels(frame, most), spec.probe, f"{nm} nm, dB", cmap="inferno",
                     vmin=-35, vmax=0)  # fmt: skip
    drawing.colorbar(shown, ax=axes[2])
    bright = np.maximum(*pair) > 10 ** (-25 / 20) * most
    oxygen = np.ma.masked_all(bright.shape)
    saturation = optics.oxygen_saturation(pair[0][bright], pair[1][bright], 750, 850)
    oxygen[bright] = np.clip(saturation, 0, 1)
    shown = show(axes[3], oxygen, spec.probe, "oxygen saturation", cmap="coolwarm", vmin=0.4,
                 vmax=1)  # fmt: skip
    drawing.colorbar(shown, ax=axes[3])
    save(drawing, IMAGES / "photoacoustic-frames.png", dpi=90, colours=200)


def draw_engines() -> None:
    """Draw one frame of small-v2 by both engines, their difference, and a heterogeneous medium."""
    spec = load_spec("small-v2")
    scene = draw_scene(spec, plan_sweeps(spec)[0])
    pose = scene.pose_at(np.array([0.5 * spec.acquisition.duration_s]))[0]
    silent = replace(spec.photoacoustic, noise_pa=0.0)
    made = {
        "propagator": rendered(
            scene.tissue, spec.probe, replace(silent, engine="propagator"), pose
        ),
        "k-Wave": rendered(scene.tissue, spec.probe, silent, pose),
        "k-Wave, heterogeneous": rendered(
            scene.tissue, spec.probe, replace(silent, medium="heterogeneous"), pose
        ),
    }
    fast, exact, mixed = made.values()
    off = fast - exact
    print(f"propagator and k-Wave: rms difference {np.linalg.norm(off) / np.linalg.norm(exact):.1e}"
          f" of the rms, largest {abs(off).max() / exact.max():.1e} of the largest")  # fmt: skip
    share = np.linalg.norm(mixed - exact) / np.linalg.norm(exact)
    print(f"heterogeneous and homogeneous k-Wave: rms difference {share:.2f} of the rms")
    bare = rendered(Pale(scene.tissue), spec.probe, replace(silent, medium="heterogeneous"), pose)
    without = rendered(Pale(scene.tissue), spec.probe, silent, pose)
    share = np.linalg.norm(bare - without) / np.linalg.norm(without)
    print(f"the same without melanin in the skin: {share:.2f} of the rms")
    drawing, axes = figure(9.0, 2.5, ncols=4, sharey=True)
    for axis, name in zip(axes, ("propagator", "k-Wave", None, "k-Wave, heterogeneous"),
                          strict=True):  # fmt: skip
        if name is None:
            level = abs(off).max()
            shown = show(axis, off, spec.probe, "difference, Pa", cmap="RdBu_r", vmin=-level,
                         vmax=level)  # fmt: skip
        else:
            shown = show(axis, made[name], spec.probe, f"{name}, Pa", cmap="inferno", vmin=0,
                         vmax=exact.max())  # fmt: skip
        drawing.colorbar(shown, ax=axis)
    save(drawing, IMAGES / "photoacoustic-engines.png", dpi=90, colours=200)


def draw_limits() -> None:
    """Draw the parts of vessels that a flat array of one band shows: tilted ones, a large one."""
    probe = Probe(
        name="linear-5MHz", width_mm=30.0, depth_mm=24.0, width_px=200, height_px=160,
    )  # fmt: skip
    clear = Illumination(bulk_absorption_per_cm=0.0, background_absorption_per_cm=0.0)
    settings = PhotoacousticSettings(
        illumination=clear, band_hz=(1e6, 6e6), elevation_samples=25, f_number=0.7
    )
    drawing, axes = figure(9.0, 2.6, ncols=4, sharey=True)
    reference = 1.0
    for axis, degrees in zip(axes, (0, 30, 75), strict=False):
        angle = np.deg2rad(degrees)
        tube = ((0.0, 12.0, 0.0), (np.cos(angle), np.sin(angle), 0.0), 0.3)
        image = rendered(Tubes((tube,)), probe, settings, np.eye(4))
        reference = float(image.max()) if degrees == 0 else reference
        show(axis, decibels(image, reference), probe, f"vessel at {degrees} degrees, dB",
             cmap="inferno", vmin=-40, vmax=0)  # fmt: skip
    large = ((0.0, 12.0, 0.0), (0.0, 0.0, 1.0), 4.0)
    image = rendered(Tubes((large,)), probe, settings, np.eye(4))
    shown = show(axes[3], decibels(image, float(image.max())), probe, "8 mm wide, cut across, dB",
                 cmap="inferno", vmin=-40, vmax=0)  # fmt: skip
    drawing.colorbar(shown, ax=axes[3])
    save(drawing, IMAGES / "photoacoustic-limits.png", dpi=90, colours=200)


PICTURES = {"frames": draw_frames, "engines": draw_engines, "limits": draw_limits}

if __name__ == "__main__":
    for wanted in sys.argv[1:] or PICTURES:
        PICTURES[wanted]()
