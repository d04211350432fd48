"""A tracker that keeps the contract: it moves on by a constant step."""

from dataclasses import dataclass

import numpy as np

from benchmark.sweep import Prediction
from benchmark.tracker import Tracker


@dataclass(frozen=True)
class SteadyConfig:
    step_mm: float = 0.1
    frames: int = 3
    backwards: bool = False
    label: str = "plain"


class Steady(Tracker):
    """Moves on by a constant step along the elevational axis."""

    name = "steady"
    Config = SteadyConfig

    def track(self, observation):
        steps = np.tile(np.eye(4), (len(observation) - 1, 1, 1))
        steps[:, 2, 3] = self.config.step_mm
        return Prediction.from_steps(steps)
