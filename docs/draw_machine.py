"""Draw what machines add to images, for docs/physics.md: `python docs/draw_machine.py`."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from simulate.dataset.pictures import figure, save
from simulate.spec import Spec, load_spec
from simulate.spec.plan import plan_sweeps
from simulate.sweep.compose import render_sweep
from simulate.sweep.scene import draw_scene

IMAGES = Path(__file__).parent / "images"
FRAME = 50  # of the first training sweep
SHOWN = {  # spec: changes of its tables
    "forearm-v2": {"screen": {"overlay": 0.4}, "contact": {"indent_mm": 1.5}},
    "carotid-v2": {"screen": {"sector_deg": 36.0}},
    "tusrec-like-v2": {"screen": {"overlay": 0.6}, "contact": {"indent_mm": 5.0}},
}
ADDED = {
    "reverberation_db": -20.0, "clutter_db": -30.0, "ring_down_db": 12.0, "persistence": 0.3,
    "lateral_blur_px": 0.7, "gamma": 1.3,
}  # fmt: skip


def frame_of(spec: Spec) -> np.ndarray:
    """Return the image (H, W) of one frame, shown after two others."""
    scene = draw_scene(spec, plan_sweeps(spec)[0])
    few = replace(scene, times=scene.times[FRAME - 2 : FRAME + 1])
    frames = render_sweep(spec, few).bmode.frames
    return np.asarray(frames[-1])


def changed(spec: Spec, changes: dict[str, dict[str, float]]) -> Spec:
    """Return a spec with what machines add, and with other values in some of its tables."""
    tables = {"bmode": ADDED, **changes}
    return replace(
        spec, **{name: replace(getattr(spec, name), **values) for name, values in tables.items()}
    )


def main() -> None:
    drawing, axes = figure(9.0, 6.0, nrows=2, ncols=3)
    for column, (name, changes) in enumerate(SHOWN.items()):
        spec = load_spec(name)
        for axis, one in zip(axes[:, column], (spec, changed(spec, changes)), strict=True):
            axis.imshow(frame_of(one), cmap="gray", vmin=0, vmax=255, aspect=_aspect(spec))
            axis.set_axis_off()
        axes[0, column].set_title(name, fontsize=9)
    save(drawing, IMAGES / "machine.png", dpi=110)


def _aspect(spec: Spec) -> float:
    across, down = spec.probe.pixel_mm
    return down / across


if __name__ == "__main__":
    main()
