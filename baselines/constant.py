"""Trackers that ignore the images; any other tracker should be better than these."""

from collections.abc import Mapping, Sequence

import numpy as np

from benchmark import geometry
from benchmark.sweep import Observation, Prediction, Sweep
from benchmark.tracker import Tracker


class Identity(Tracker):
    """The probe does not move.

    Nothing is estimated. This is the reference of the TUS-REC scores.
    """

    name = "identity"

    def track(self, observation: Observation) -> Prediction:
        return Prediction.from_steps(np.tile(np.eye(4), (len(observation) - 1, 1, 1)))


class TrainingMean(Tracker):
    """Every step is the mean step of the training sweeps.

    It shows how far the protocol of the sweeps alone goes, without images; a tracker that has
    collapsed to the mean is no better. The mean is that of the twists log(T), so that it does not
    depend on the origin of the image.
    """

    name = "training-mean"

    def __init__(self, config=None):
        super().__init__(config)
        self.twist = np.zeros(6)

    def fit(self, sweeps: Sequence[Sweep]) -> None:
        steps = np.concatenate([sweep.prev_from_frame for sweep in sweeps])
        self.twist = geometry.log(steps).mean(0)

    def track(self, observation: Observation) -> Prediction:
        step = geometry.exp(self.twist)
        return Prediction.from_steps(np.tile(step, (len(observation) - 1, 1, 1)))

    def arrays(self) -> Mapping[str, np.ndarray]:
        return {"twist": self.twist}

    def set_arrays(self, arrays: Mapping[str, np.ndarray]) -> None:
        self.twist = np.array(arrays["twist"], float).reshape(6)
