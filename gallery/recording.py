"""A recording of PLUS into a volume

A freehand sweep over a phantom of wires, recorded by PLUS with an optical tracker (a cut from
PlusLibData, BSD-3-Clause), becomes a volume: a frame as it was recorded, then the largest value
of the volume along each axis of the tracker. The wires cross the frames, so they are dots in a
frame and lines in the volume. The cut comes without its calibration, so pixels of 0.1 mm are
assumed here.
"""

from pathlib import Path

import numpy as np
from matplotlib import pyplot as plt

from benchmark.interop.sequence import Reading
from benchmark.interop.tracked import open_tracked
from benchmark.volume import reconstruct

FOLDER = Path(__file__).parents[1] / "tests" / "fixtures" / "plus"
recording = FOLDER / "NwirePhantomFreehandCropped.igs.mha"
calibration = Path("calibration.txt")
calibration.write_text("0.1 0 0 0  0 0.1 0 0  0 0 0.1 0  0 0 0 1")  # ImageToProbe
reading = Reading(transform="ProbeToReference", calibration=calibration, image="CroppedImage")
sweep = open_tracked(recording, reading, report=print).sweep
images = sweep.bmode
print(f"{len(images.frames)} frames of {images.frames.shape[1:]} pixels")

spacing_mm = 0.2
volume = reconstruct(images, images.world_from_image, spacing_mm=spacing_mm)
print(f"{volume.values.shape} voxels of {spacing_mm} mm")

figure, axes = plt.subplots(1, 4, figsize=(11, 3.2), layout="constrained")
axes[0].imshow(images.frames[0], cmap="gray", extent=(0, 20, 15, 0))
axes[0].set(title="first frame", xlabel="lateral, mm", ylabel="depth, mm")
for number, axis in enumerate(axes[1:]):
    right, down = (n for n in range(3) if n != number)
    size_mm = spacing_mm * np.array(volume.values.shape)
    axis.imshow(
        volume.values.max(number).T, cmap="gray", extent=(0, size_mm[right], size_mm[down], 0)
    )
    axis.set(title=f"along {'xyz'[number]}", xlabel=f"{'xyz'[right]}, mm")
    axis.set_ylabel(f"{'xyz'[down]}, mm")
figure.savefig("recording.png", dpi=110)
