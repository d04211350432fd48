"""The contract and the rules of trackerless freehand ultrasound: sweeps, trackers, metrics, scores.

The names below are the public surface; loading them loads no torch and no numba.
"""

from benchmark.checker import check_tracker
from benchmark.dataset import open_dataset
from benchmark.errors import UserError
from benchmark.hdf5 import read_prediction, read_sweep, write_prediction, write_sweep
from benchmark.registry import make_tracker
from benchmark.results import read_results
from benchmark.sweep import Channel, Images, Observation, Prediction, Sweep
from benchmark.tracker import LearnedTracker, Recipe, Tracker

__all__ = [
    "Channel",
    "Images",
    "LearnedTracker",
    "Observation",
    "Prediction",
    "Recipe",
    "Sweep",
    "Tracker",
    "UserError",
    "check_tracker",
    "make_tracker",
    "open_dataset",
    "read_prediction",
    "read_results",
    "read_sweep",
    "write_prediction",
    "write_sweep",
]
