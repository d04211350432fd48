"""Speckle and how it decorrelates

Three frames of the same tissue, 0, 0.3 and 0.9 mm apart out of the image plane: the pattern fades
into another one. Below, the correlation of intensity against that distance at two depths, and
what theory gives for fully developed speckle (dotted). A tracker that has learned the curve reads
the distance between two frames from their correlation, but not its sign.
"""

from dataclasses import replace

import numpy as np
from matplotlib import pyplot as plt

from simulate.bmode.render import render_bmode
from simulate.dataset.decorrelation import decorrelation
from simulate.spec import load_spec
from simulate.tissue.kinds import sample_tissue
from simulate.tissue.settings import TissueSettings

spec = load_spec("tiny-v2")
spec = replace(spec, tissue=TissueSettings(kind="uniform"))
tissue = sample_tissue(np.random.default_rng(1), spec.tissue)

distances_mm = (0.0, 0.3, 0.9)
poses = np.repeat(np.eye(4)[None], 3, 0)  # world_from_image, mm
poses[:, 2, 3] = distances_mm
probe = replace(spec.probe, width_px=192, height_px=192)
bmode = replace(spec.bmode, dynamic_range_db=40.0, white_db=12.0)
frames = render_bmode(tissue, probe, bmode, poses, seed=1, threads=1)

figure, axes = plt.subplot_mosaic("abc;ddd", figsize=(7, 5.6), layout="constrained")
x_mm, top_mm, bottom_mm = spec.probe.width_mm / 2, spec.probe.start_depth_mm, spec.probe.depth_mm
for axis, frame, distance in zip((axes[k] for k in "abc"), frames, distances_mm, strict=True):
    axis.imshow(frame, cmap="gray", vmin=0, vmax=255, extent=(-x_mm, x_mm, bottom_mm, top_mm))
    axis.set(title=f"{distance:g} mm", xlabel="x, mm")
axes["a"].set_ylabel("depth, mm")

found = decorrelation(spec)
for number in (0, len(found.depth_mm) - 1):
    label = f"{found.depth_mm[number]:.0f} mm deep"
    axes["d"].plot(found.distance_mm, found.measured[number], f"C{number}", label=label)
    axes["d"].plot(found.distance_mm, found.theory[number], f"C{number}:")
axes["d"].set(xlabel="distance out of the image plane, mm", ylabel="correlation", ylim=(-0.1, 1.02))
axes["d"].legend()
figure.savefig("speckle.png", dpi=110)
