"""Volumes: reconstruction from frames and poses, choice of the grid, projections, html view."""

from benchmark.volume.reconstruction import Volume, reconstruct

__all__ = ["Volume", "reconstruct"]
