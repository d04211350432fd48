"""A tracker in one file

A classical tracker of a dozen lines: it measures how alike neighbouring frames are, and says how
far apart they must lie for that. What it has to know, the width of the speckle out of the plane,
it learns from the training sweeps. It takes every step for a step straight ahead, so it follows
the length of the path (right) and misses where the hand turned (left).
"""

import numpy as np
from matplotlib import pyplot as plt

from benchmark import Prediction, Tracker, check_tracker, geometry
from simulate.dataset.generate import generate
from simulate.spec import load_spec


def dissimilarity(frames):
    """Return sqrt(-2 ln correlation) of neighbouring frames (N, H, W), (N-1,): distance / width."""
    alike = np.diagonal(np.corrcoef(np.reshape(frames, (len(frames), -1))), 1)
    return np.sqrt(-2 * np.log(np.clip(alike, 1e-3, 1)))


class StraightAhead(Tracker):
    """Reads the length of each step from the correlation of its two frames."""

    name, width_mm = "straight-ahead", 0.0

    def fit(self, sweeps):
        seen, true = [], []
        for sweep in sweeps:
            steps = sweep.prev_from_frame  # (N-1, 4, 4), mm
            seen.append(dissimilarity(sweep.bmode.frames[:]))
            true.append(np.linalg.norm(steps[:, :3, 3], axis=1))
        self.width_mm = float(np.concatenate(true).sum() / np.concatenate(seen).sum())

    def track(self, observation):
        steps = np.repeat(np.eye(4)[None], len(observation) - 1, 0)
        steps[:, 2, 3] = self.width_mm * dissimilarity(observation.bmode.frames[:])
        return Prediction.from_steps(steps)


data = generate(load_spec("tiny-v2"), "data/tiny-v2", workers=1)
tracker = StraightAhead()
tracker.fit(list(data.sweeps("train")))
check_tracker(tracker)

sweep = next(data.sweeps("test"))
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
true = geometry.inverse(sweep.bmode.world_from_image[0]) @ sweep.bmode.world_from_image
for poses, label in ((true, "true"), (tracker.track(sweep.observe()).first_from_frame, "tracked")):
    place = poses[:, :3, 3]
    left.plot(place[:, 2], place[:, 0], ".-", label=label)
    length = np.cumsum(np.linalg.norm(np.diff(place, axis=0), axis=1))
    right.plot(np.arange(1, len(place)), length, ".-", label=label)
left.set(xlabel="z, mm", ylabel="x, mm", title="path of the probe")
right.set(xlabel="frame", ylabel="mm", title="length of the path so far")
left.legend()
figure.savefig("tracker.png", dpi=110)
