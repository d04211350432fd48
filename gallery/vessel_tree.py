"""A vessel tree in photoacoustic frames

Photoacoustic frames of one sweep, placed by their true poses: the brightest pixels of each
(points, coloured by depth) lie on the vessels of the subject (grey). Replace the true poses by a
tracker's to see what its drift does to a vessel.
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

figure = plt.figure(figsize=(12, 4.8))
space = figure.add_axes((0, 0, 0.5, 1), projection="3d")
above = figure.add_axes((0.57, 0.12, 0.42, 0.78))
tree = tissue.vessels
for child, parent in enumerate(tree.parent):
    x, y, z = tree.points_mm[[parent, child]].T
    if parent >= 0 and abs(x).max() < 6 and z.min() > -1 and z.max() < 13 and y.max() < 13:
        space.plot(z, x, y, color="0.7", linewidth=6 * tree.radius_mm[child])
        above.plot(z, x, color="0.7", linewidth=20 * tree.radius_mm[child])
for frame, pose in zip(frames, poses, strict=True):
    rows, columns = np.nonzero(frame > 0.4 * frame.max())
    x, y, z = apply(pose @ mm_from_pixel, np.stack([columns, rows, 0 * rows], 1)).T
    space.scatter(z, x, y, c=y, s=4, cmap="viridis_r", vmin=2, vmax=10)
    points = above.scatter(z, x, c=y, s=9, cmap="viridis_r", vmin=2, vmax=10, zorder=3)
space.set(xlabel="z along the limb, mm", ylabel="x, mm", zlabel="depth, mm", zlim=(13, 0))
space.set_box_aspect((2, 1, 1))
above.set(xlabel="z along the limb, mm", ylabel="x, mm", title="from the skin", aspect="equal")
figure.colorbar(points, ax=above, label="depth, mm", shrink=0.7)
figure.savefig("vessel_tree.png", dpi=110)
