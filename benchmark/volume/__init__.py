"""Frames and their poses -> voxels."""

from benchmark.volume.reconstruction import Volume, reconstruct

__all__ = ["Volume", "reconstruct"]
