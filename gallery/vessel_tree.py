"""A vessel tree in photoacoustic frames

Photoacoustic frames of one sweep, placed by their true poses: the brightest pixels of each
(points, coloured by depth) lie on the vessels of the subject (lines, as wide as the vessels).
Replace the true poses by a tracker's to see what its drift does to a vessel.
"""

from dataclasses import replace

import numpy as np
from matplotlib import pyplot as plt

from benchmark.geometry import apply
from simulate.photoacoustic.grid import photoacoustic_mm_from_pixel
from simulate.photoacoustic.render import render_photoacoustic
from simulate.spec import load_spec
from simulate.tissue.kinds import sample_tissue

spec = load_spec("tiny-v2")
spec = replace(
    spec,
    tissue=replace(
        spec.tissue, arteries=2, veins=2, vessel_radius_mm=(0.25, 0.7), vessel_depth_mm=(3.0, 8.0)
    ),
    photoacoustic=replace(spec.photoacoustic, skin_reject_mm=2.0),
)
tissue = sample_tissue(np.random.default_rng(5), spec.tissue)

poses = np.repeat(np.eye(4)[None], 16, 0)  # world_from_image, mm: along the limb
poses[:, 2, 3] = np.linspace(0.0, 12.0, 16)
poses[:, 1, 3] = tissue.skin_surface(np.zeros(16), poses[:, 2, 3])[0]
frames = render_photoacoustic(
    tissue, spec.probe, spec.photoacoustic, poses, np.full(16, 800), seed=1
)
mm_from_pixel = photoacoustic_mm_from_pixel(spec.probe, spec.photoacoustic)

axis = plt.figure(figsize=(8, 6), layout="constrained").add_subplot(projection="3d")
for frame, pose in zip(frames, poses, strict=True):
    rows, columns = np.nonzero(frame > 0.5 * frame.max())
    pixels = np.stack([columns, rows, 0 * rows], 1)
    x, y, z = apply(pose @ mm_from_pixel, pixels).T
    points = axis.scatter(z, x, y, c=y, s=3, cmap="viridis_r", vmin=2, vmax=10)
tree = tissue.vessels
for child, parent in enumerate(tree.parent):
    if parent >= 0:
        x, y, z = tree.points_mm[[parent, child]].T
        if (np.abs(x) < 6).all() and (z > -1).all() and (z < 13).all() and (y < 13).all():
            axis.plot(z, x, y, color="crimson", alpha=0.4, linewidth=6 * tree.radius_mm[child])
axis.set(xlabel="z along the limb, mm", ylabel="x, mm", zlabel="depth, mm", zlim=(13, 0))
axis.set_box_aspect((2, 1, 1))
plt.colorbar(points, ax=axis, label="depth, mm", shrink=0.5, pad=0.12)
plt.savefig("vessel_tree.png", dpi=110)
