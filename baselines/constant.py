"""Trackers that do not look at the images: the floor that every other one must leave."""

from collections.abc import Mapping, Sequence

import numpy as np

from benchmark import geometry
from benchmark.sweep import Observation, Prediction, Sweep
from benchmark.tracker import Tracker


class Identity(Tracker):
    """The probe does not move. The reference of the TUS-REC scores; nothing is estimated."""

    name = "identity"

    def track(self, observation: Observation) -> Prediction:
        return Prediction.from_steps(np.tile(np.eye(4), (len(observation) - 1, 1, 1)))


class TrainingMean(Tracker):
    """Every step is the mean step of the training sweeps.

    What can be had without images, once the protocol of the sweeps is known; a tracker that has
    collapsed to the mean is no better. The mean is taken of the twists log(T), so that it does not
    depend on the choice of the image's origin.
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
