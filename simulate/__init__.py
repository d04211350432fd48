"""Ground truth: tissue, probe and hand make freehand sweeps whose every pose is exact."""

__all__ = ["GENERATOR_VERSION"]

# Part of a data set's identity: raised whenever the same spec gives other bytes.
GENERATOR_VERSION = 2
