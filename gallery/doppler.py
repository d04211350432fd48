"""Power and colour Doppler

One place of a limb: B-mode, the power that the wall filter leaves, and the velocity towards the
probe, from an ensemble of twelve pulses. Blood is scatterers that move through the lumen; the
wall filter removes tissue, which hardly moves. Blood in arteries and in veins runs opposite ways,
so one comes towards the probe (red) and the other goes away from it (blue).
"""

from dataclasses import replace

import numpy as np
from matplotlib import pyplot as plt

from simulate.bmode.render import render_bmode
from simulate.doppler.render import render_doppler
from simulate.doppler.settings import DopplerSettings
from simulate.spec import load_spec
from simulate.tissue.kinds import sample_tissue

spec = load_spec("tiny-v2")
settings = replace(spec.tissue, arteries=2, veins=2, vessel_depth_mm=(4.0, 9.0))
tissue = sample_tissue(np.random.default_rng(5), settings)
probe = replace(spec.probe, width_px=96, height_px=96)

pose = np.eye(4)  # world_from_image, mm: tilted by 25 degrees, so that blood flows along the beam
pose[1:3, 1:3] = [[np.cos(0.44), np.sin(0.44)], [-np.sin(0.44), np.cos(0.44)]]
pose[2, 3] = 3.0
pose[1, 3] = tissue.skin_surface(np.zeros(1), np.full(1, 3.0))[0][0]

image = render_bmode(tissue, probe, spec.bmode, pose[None], seed=1, threads=1)[0]
power, velocity = render_doppler(
    tissue, probe, DopplerSettings(), spec.bmode, pose[None], np.zeros(1), seed=1
)
decibel = 10 * np.log10(np.maximum(power[0], 1e-9))
fast = np.ma.masked_where(velocity[0] == 0, 1e3 * velocity[0])

figure, axes = plt.subplots(1, 3, figsize=(10, 3.2), sharey=True, layout="constrained")
x_mm = probe.width_mm / 2
extent = (-x_mm, x_mm, probe.depth_mm, probe.start_depth_mm)
for axis in (axes[0], axes[2]):
    axis.imshow(image, cmap="gray", vmin=0, vmax=255, extent=extent)
shown = axes[1].imshow(decibel, cmap="inferno", vmin=-45, vmax=-10, extent=extent)
figure.colorbar(shown, ax=axes[1], label="power, dB")
limit = float(np.abs(fast).max())
shown = axes[2].imshow(fast, cmap="RdBu_r", vmin=-limit, vmax=limit, extent=extent)
figure.colorbar(shown, ax=axes[2], label="velocity towards the probe, mm/s")
axes[0].set(title="B-mode", xlabel="x, mm", ylabel="depth, mm")
axes[1].set(title="power after the wall filter", xlabel="x, mm")
axes[2].set(title="colour", xlabel="x, mm")
figure.savefig("doppler.png", dpi=110)
