"""Each motion profile

Every profile from above, over the same 40 mm: the path of the middle of the probe's face (blue),
the array every ten frames (grey) and where the image 20 mm deep lies (orange). Tilts and fans
show as orange lines that leave the array.
"""

import numpy as np
from matplotlib import pyplot as plt

from benchmark.geometry import apply
from simulate.hand.motion import poses, sample_motion
from simulate.hand.profiles import PROFILES
from simulate.hand.settings import MotionSettings


def flat(x, z):
    """Return the height of a flat skin and its normals, at places x and z (...)."""
    normals = np.zeros((*np.shape(x), 3))
    normals[..., 1] = 1.0
    return np.zeros(np.shape(x)), normals


seconds, rate_hz = 8.0, 20.0
times = (np.arange(round(seconds * rate_hz)) + 0.5) / rate_hz
settings = MotionSettings(direction="both", path_length_mm=(40.0, 40.0), start_mm=0.0)
marks = np.array([[-6.0, 0, 0], [6, 0, 0], [0, 0, 0], [0, 20, 0]])  # image mm

rows = -(-len(PROFILES) // 5)
figure, axes = plt.subplots(rows, 5, figsize=(11, 2.3 * rows), layout="constrained")
for axis, name in zip(axes.flat, PROFILES, strict=False):
    motion = sample_motion(name, np.random.default_rng(3), settings, "perpendicular", seconds)
    found = poses(name, times, motion, flat)  # world_from_image (N, 4, 4), mm
    for pose in found[::10]:
        ends = apply(pose, marks)
        axis.plot(ends[:2, 2], ends[:2, 0], color="0.6", linewidth=0.8)
        axis.plot(ends[2:, 2], ends[2:, 0], color="C1", linewidth=0.8)
    axis.plot(found[:, 2, 3], found[:, 0, 3], "C0")
    axis.set_title(name, fontsize=9)
    axis.set_aspect("equal", "datalim")
    axis.tick_params(labelsize=6)
for axis in axes.flat[len(PROFILES) :]:
    axis.set_axis_off()
figure.supxlabel("z along the limb, mm", fontsize=9)
figure.supylabel("x across it, mm", fontsize=9)
figure.savefig("hands.png", dpi=110)
