"""Vessel trees: segmented from volumes, measured, and compared with the true tree."""

from benchmark.vessels.comparison import compare
from benchmark.vessels.tree import VesselTree, read_tree

__all__ = ["VesselTree", "compare", "read_tree"]
