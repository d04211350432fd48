"""Each kind of tissue

One frame of each kind of tissue that a spec can ask for, seen by the same probe. Fully developed
speckle without anatomy is for theory, inclusions are for contrast, the limbs and the neck have
skin, fat, fascia, muscle, bone and vessels, drawn anew for each subject.
"""

import numpy as np
from matplotlib import pyplot as plt

from simulate.bmode.render import render_bmode
from simulate.bmode.settings import BmodeSettings
from simulate.probe.transducer import Probe
from simulate.tissue.kinds import sample_tissue
from simulate.tissue.settings import KINDS, TissueSettings

probe = Probe(width_px=160, height_px=160, width_mm=30.0, depth_mm=32.0, elevation_focus_mm=15.0)
bmode = BmodeSettings(scatterers_per_cell=5.0, shadows=True)

figure, axes = plt.subplots(1, len(KINDS), figsize=(12, 3.1), sharey=True, layout="constrained")
for axis, kind in zip(axes, KINDS, strict=True):
    settings = TissueSettings(
        kind=kind, inclusions=40, vessel_extent_mm=(0.0, 25.0), coherent_fraction=0.15, specular=2.0
    )
    tissue = sample_tissue(np.random.default_rng(4), settings)
    pose = np.eye(4)  # world_from_image, mm: the probe looks straight down from the skin
    pose[2, 3] = 12.0
    pose[1, 3] = tissue.skin_surface(np.zeros(1), np.full(1, 12.0))[0][0]
    frame = render_bmode(tissue, probe, bmode, pose[None], seed=1, threads=1)[0]
    axis.imshow(frame, cmap="gray", vmin=0, vmax=255, extent=(-15, 15, probe.depth_mm, 0))
    axis.set(title=kind, xlabel="x, mm")
axes[0].set_ylabel("depth, mm")
figure.savefig("phantoms.png", dpi=110)
