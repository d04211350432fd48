"""Draw the pictures of docs/datasets.md and print its numbers: `python docs/draw_datasets.py`."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmark.geometry import apply
from simulate.dataset.pictures import figure, save
from simulate.hand.motion import poses, sample_motion
from simulate.hand.profiles import PROFILES
from simulate.hand.settings import MotionSettings
from simulate.probe.transducer import Probe
from simulate.tissue.kinds import sample_tissue
from simulate.tissue.settings import TissueSettings

IMAGES = Path(__file__).parent / "images"
SECONDS, RATE = 8.0, 20.0
TIMES = (np.arange(round(SECONDS * RATE)) + 0.5) / RATE
MODIFIERS: dict[str, dict[str, float]] = {
    "none": {},
    "acceleration": {"speed_spread": 0.9},
    "tremor": {"tremor_mm": 0.15, "tremor_deg": 0.1},
    "pauses": {"pauses": 4},
    "reversals": {"reversals": 4},
    "jerk": {"jerks": 4, "jerk_mm": 2.0},
}


def flat(x: np.ndarray, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return a flat skin."""
    normal = np.zeros((*np.shape(x), 3))
    normal[..., 1] = 1.0
    return np.zeros(np.shape(x)), normal


def draw_profiles() -> None:
    """Draw each profile from above: the face's path, and where array and deep image are."""
    drawing, axes = figure(9.0, 7.0, nrows=4, ncols=4)
    settings = MotionSettings(direction="both", path_length_mm=(40.0, 40.0), start_mm=0.0)
    for axis, name in zip(axes.ravel(), PROFILES, strict=False):
        rng = np.random.default_rng(3)
        motion = sample_motion(name, rng, settings, "perpendicular", SECONDS)
        found = poses(name, TIMES, motion, flat)
        for number in range(0, len(found), 10):
            ends = apply(
                found[number], np.array([[-6.0, 0, 0], [6.0, 0, 0], [0, 0, 0], [0, 20, 0]])
            )
            axis.plot(ends[:2, 2], ends[:2, 0], color="0.6", linewidth=0.8)
            axis.plot(ends[2:, 2], ends[2:, 0], color="C1", linewidth=0.8)
        axis.plot(found[:, 2, 3], found[:, 0, 3], "C0")
        axis.set_title(name, fontsize=9)
        axis.set_aspect("equal", "datalim")
        axis.tick_params(labelsize=6)
    for axis in axes.ravel()[len(PROFILES) :]:
        axis.set_axis_off()
    save(drawing, IMAGES / "motion-profiles.png", dpi=80)


def draw_modifiers() -> None:
    """Draw speed and place along the path over time, with one modifier each."""
    drawing, axes = figure(9.0, 4.5, nrows=2, ncols=len(MODIFIERS), sharex=True, sharey="row")
    base = MotionSettings(path_length_mm=(30.0, 30.0), start_mm=0.0)
    fine = np.linspace(0.0, SECONDS, 1601)
    for column, (name, changes) in zip(axes.T, MODIFIERS.items(), strict=True):
        settings = replace(base, **changes)
        rng = np.random.default_rng(5)
        motion = sample_motion("straight", rng, settings, "perpendicular", SECONDS)
        place = poses("straight", fine, motion, flat)[:, 2, 3]
        column[0].plot(fine, place, linewidth=1.0)
        column[1].plot(fine[1:], np.diff(place) / np.diff(fine), linewidth=0.8)
        column[0].set_title(name, fontsize=9)
        column[1].set_xlabel("s", fontsize=8)
    axes[1, 0].set_ylim(-12, 22)
    axes[0, 0].set_ylabel("place, mm", fontsize=8)
    axes[1, 0].set_ylabel("speed, mm/s", fontsize=8)
    save(drawing, IMAGES / "motion-modifiers.png", dpi=80)


def correlations(
    kind: str, displacement_mm: np.ndarray, planes: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the correlation (planes, D) of frames displaced by +d and by -d with that at 0."""
    from simulate.bmode.render import render_iq
    from simulate.bmode.settings import BmodeSettings

    probe = Probe(width_px=128, height_px=128, width_mm=30.0, depth_mm=30.0)
    bmode = BmodeSettings(noise_db=-200.0)
    tissue = sample_tissue(np.random.default_rng(2), TissueSettings(kind=kind))
    found = np.zeros((2, planes, len(displacement_mm)))
    for plane in range(planes):
        offsets = np.concatenate([[0.0], displacement_mm, -displacement_mm])
        views = np.repeat(np.eye(4)[None], len(offsets), 0)
        views[:, 2, 3] = 6.0 * plane + offsets
        intensity = np.abs(render_iq(tissue, probe, bmode, views, threads=2)) ** 2
        flat_frames = intensity[:, 60:].reshape(len(offsets), -1).astype(np.float64)
        row = np.corrcoef(flat_frames)[0, 1:]
        found[:, plane] = row.reshape(2, -1)
    return found[0], found[1]


def draw_sign_ambiguity() -> None:
    """Show that frames at +d and at -d are alike to any statistic of two frames."""
    displacement = np.linspace(0.05, 1.0, 12)
    drawing, axes = figure(8.0, 3.2, ncols=2, sharey=True)
    for axis, kind in zip(axes, ("uniform", "layered"), strict=True):
        ahead, behind = correlations(kind, displacement, planes=8)
        off = (ahead - behind).mean(0)
        error = (ahead - behind).std(0) / np.sqrt(len(ahead))
        print(
            f"{kind}: mean difference of +d and -d {off.mean():+.4f}, "
            f"largest {abs(off).max():.4f}, its standard error {error.mean():.4f}"
        )
        for values, label, colour in ((ahead, "+d", "C0"), (behind, "-d", "C1")):
            spread = values.std(0) / np.sqrt(len(values))
            axis.errorbar(displacement, values.mean(0), spread, color=colour, label=label)
        axis.set(title=kind, xlabel="d, mm")
    axes[0].set_ylabel("correlation with the frame at 0")
    axes[0].legend()
    save(drawing, IMAGES / "sign-ambiguity.png", dpi=80)


if __name__ == "__main__":
    draw_profiles()
    draw_modifiers()
    draw_sign_ambiguity()
