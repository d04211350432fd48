"""Calibrating a probe

A phantom of developed speckle, passed slowly out of the image plane with known poses, tells how
far speckle correlates at each depth (points, with one standard deviation). The line is what
follows from the probe's numbers, its frequency, aperture and lens. `sweepbench calibrate` does so
for a recording and writes a file, by which `sweepbench track --probe` reads distances from
another probe's speckle.
"""

from dataclasses import replace

import numpy as np
from matplotlib import pyplot as plt

from benchmark import Channel, Sweep
from benchmark.speckle.calibrate import calibrate
from benchmark.speckle.map import speckle_map
from simulate.bmode.render import render_bmode
from simulate.spec import load_spec
from simulate.tissue.kinds import sample_tissue
from simulate.tissue.settings import TissueSettings

spec = load_spec("tiny-v2")
probe = replace(spec.probe, width_px=64, height_px=192, depth_mm=36.0, element_height_mm=5.0)
probe = replace(probe, elevation_focus_mm=20.0, transmit_focus_mm=20.0)
tissue = sample_tissue(np.random.default_rng(1), TissueSettings(kind="uniform"))

poses = np.repeat(np.eye(4)[None], 32, 0)  # world_from_image, mm
poses[:, 2, 3] = 0.08 * np.arange(32)
frames = render_bmode(tissue, probe, spec.bmode, poses, seed=1, threads=1)
channel = Channel(frames, np.arange(32) / 20, probe.mm_from_pixel, world_from_image=poses)
sweep = Sweep("phantom", {"bmode": channel}, probe=replace(spec, probe=probe).canonical("probe"))

found = calibrate(sweep)
expected = speckle_map(sweep.probe, channel)
depth_mm = np.linspace(probe.start_depth_mm, probe.depth_mm, 100)

figure, axis = plt.subplots(figsize=(7, 3.8), layout="constrained")
axis.plot(depth_mm, expected.at(depth_mm)[:, 2], "0.5", label="from the probe's numbers")
axis.errorbar(found.curve.depth_mm, found.curve.scale, found.error_mm, fmt="o", label="measured")
axis.set(xlabel="depth, mm", ylabel="elevational length of speckle, mm", ylim=(0, None))
axis.legend()
figure.savefig("calibration.png", dpi=110)
