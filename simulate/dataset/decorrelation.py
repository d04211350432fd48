"""The decorrelation curve of a spec: correlation of frames against elevational distance."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np

from simulate.bmode.render import beam_for, render_iq
from simulate.dataset.pictures import figure, save
from simulate.iq.echo import Echo
from simulate.spec import Spec
from simulate.spec.plan import plan_sweeps
from simulate.sweep.scene import draw_scene

STEPS = 24  # distances at which the curve is measured
BANDS = 3  # of depth, each with a curve


@dataclass(frozen=True)
class Decorrelation:
    """Correlation of intensity against elevational distance.

    distance_mm (D,): of two parallel image planes; depth_mm (B,): middle of each band of depths;
    measured (B, D): mean over pairs of frames and over the band; theory (B, D): that of developed
    speckle, exp(-d^2 / 2 sigma^2), the mean over the band's depths, with sigma of the elevational
    beam after attenuation (Chen et al. 1997; `Probe.sigma_speckle_mm`).
    """

    distance_mm: np.ndarray
    depth_mm: np.ndarray
    measured: np.ndarray
    theory: np.ndarray

    def table(self) -> str:
        """Return the curves as text, one row per distance."""
        heads = "".join(f"{f'{depth:.0f} mm':>10} {'theory':>7}" for depth in self.depth_mm)
        lines = [f"distance, mm {heads}"]
        for n in range(0, len(self.distance_mm), 2):
            cells = "".join(
                f"{m[n]:>10.3f} {t[n]:>7.3f}"
                for m, t in zip(self.measured, self.theory, strict=True)
            )
            lines.append(f"{self.distance_mm[n]:>12.2f} {cells}")
        return "\n".join(lines)


def decorrelation(spec: Spec, subject: int = 0) -> Decorrelation:
    """Measure the curve on a subject with a probe that moves straight out of its image plane.

    Wobble of the hand, motion of the tissue and noise are left out, so that the curve is that of
    tissue and beam alone. Where the spec varies, the subject's own probe and tissue are taken.
    """
    plan = next(p for p in plan_sweeps(spec) if p.subject_index == subject)
    scene = draw_scene(spec, plan)
    probe, bmode = scene.spec.probe, replace(scene.spec.bmode, noise_db=-200.0)
    depths = np.maximum(probe.row_depths_mm, 0.0)
    widest = float(np.median(probe.sigma_elevation_mm(depths)))
    distance = np.linspace(0.0, 4.0 * widest, STEPS)
    start = scene.unpressed_pose_at(np.array([0.5 * scene.spec.acquisition.duration_s]))
    poses = np.repeat(start, 2 * STEPS, axis=0)
    advance = (distance[1] - distance[0]) * np.arange(2 * STEPS)
    poses[:, :3, 3] += advance[:, None] * start[0, :3, 2]
    iq = render_iq(scene.tissue, probe, bmode, poses, threads=2)
    intensity = np.abs(iq).astype(np.float64) ** 2
    rows = beam_for(scene.tissue, probe, bmode).grid.depths_mm
    edges = np.linspace(max(probe.start_depth_mm, 2.0), probe.depth_mm, BANDS + 1)
    echo = Echo(probe, scene.tissue.attenuation_db_cm_mhz)
    curves, theory = [], []
    for low, high in pairwise(edges):
        band = intensity[:, (rows >= low) & (rows < high)]
        curves.append(_curve(band.reshape(len(band), -1)))
        sigma = echo.sigma_speckle_mm(rows[(rows >= low) & (rows < high)])
        theory.append(np.exp(-(distance[:, None] ** 2) / (2.0 * sigma**2)).mean(1))
    middle = 0.5 * (edges[:-1] + edges[1:])
    return Decorrelation(distance, middle, np.array(curves), np.array(theory))


def _curve(frames: np.ndarray) -> np.ndarray:
    """Return the correlation (D,) of frames (2 D, P) 0 to D - 1 steps apart, over all pairs.

    The mean of a whole frame is subtracted; a local mean would remove large structures.
    """
    centred = frames - frames.mean(1, keepdims=True)
    norm = np.sqrt((centred**2).sum(1))
    products = (centred @ centred.T) / np.maximum(np.outer(norm, norm), 1e-300)
    return np.array([np.diagonal(products, lag).mean() for lag in range(len(frames) // 2)])


def draw_decorrelation(path: Path, name: str, found: Decorrelation) -> None:
    """Draw the curves to a PNG file."""
    drawing, axes = figure(5.2, 3.4)
    for number, depth in enumerate(found.depth_mm):
        colour = f"C{number}"
        axes.plot(found.distance_mm, found.measured[number], colour, label=f"{depth:.0f} mm deep")
        axes.plot(found.distance_mm, found.theory[number], colour, linestyle=":")
    axes.set(
        xlabel="elevational distance, mm", ylabel="correlation of intensity", ylim=(-0.1, 1.02)
    )
    axes.set_title(f"{name}: measured (full), developed speckle (dotted)", fontsize=9)
    axes.legend(fontsize=8)
    save(drawing, path)
