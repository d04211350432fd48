"""The contract and the rules of trackerless freehand ultrasound: sweeps, trackers, metrics, scores.

The public surface: `open_dataset`, `read_sweep`, `Sweep`, `Observation`, `Prediction`,
`make_tracker`, `check_tracker`. Nothing heavy is loaded here.
"""

from benchmark.dataset import open_dataset
from benchmark.errors import UserError
from benchmark.sweep import Observation, Prediction, Sweep, read_prediction, read_sweep
from benchmark.tracker import check_tracker, make_tracker

__all__ = [
    "Observation",
    "Prediction",
    "Sweep",
    "UserError",
    "check_tracker",
    "make_tracker",
    "open_dataset",
    "read_prediction",
    "read_sweep",
]
