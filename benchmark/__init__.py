"""The contract and the rules of trackerless freehand ultrasound: sweeps, trackers, metrics, scores.

The public surface: `open_dataset`, `read_sweep`, `Sweep`, `Observation`, `Prediction`,
`make_tracker`, `check_tracker`, `read_results`. Nothing heavy is loaded here.
"""

from benchmark.checker import check_tracker
from benchmark.dataset import open_dataset
from benchmark.errors import UserError
from benchmark.hdf5 import read_prediction, read_sweep
from benchmark.registry import make_tracker
from benchmark.results import read_results
from benchmark.sweep import Observation, Prediction, Sweep

__all__ = [
    "Observation",
    "Prediction",
    "Sweep",
    "UserError",
    "check_tracker",
    "make_tracker",
    "open_dataset",
    "read_prediction",
    "read_results",
    "read_sweep",
]
